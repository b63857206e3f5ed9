"""What the page of the response shows, and programs get: the figures of the cases that an address asks for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from monitor.breaches import Breach, breaches
from monitor.clock import Clock
from monitor.database import Database
from monitor.outcomes import outcomes
from monitor.response import (
    Bar,
    Figures,
    by_hour,
    by_language,
    by_person,
    by_source,
    clocked,
    distribution,
    figures,
    grouped,
)
from monitor.settings import Settings
from monitor.web.languages import NAMES
from monitor.web.scope import FILTERS, Scope, check_known, scope
from monitor.web.words import share


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows of one scope. `groups` by what they are by; `choices` are the values of the filters."""

    scope: Scope
    all: Figures
    without_clock: int
    bars: list[Bar]
    groups: dict[str, list[tuple[str, Figures]]]
    breaches: list[Breach]
    choices: dict[str, list[str]]

    @property
    def finding(self) -> str:
        """What the distribution shows, as its title."""
        of, hour = self.all, "one hour" if self.scope.measure == "calendar" else "one business hour"
        if of.cases == 1:
            return f"The only case was {'' if of.within_60 else 'not '}answered within {hour}"
        waits = f", {of.waiting} still {'waits' if of.waiting == 1 else 'wait'}" if of.waiting else ""
        return f"{share(of.within_60)} of {of.cases} cases were answered within {hour}{waits}"

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """How many breaches each of REASONS has, the most frequent first."""
        return Counter(breach.reason for breach in self.breaches).most_common()


class Reports:
    """Makes reports for what an address asks."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._clock, self._zone = db, clock, settings.clock.zone
        self._configured = {
            "brand": {brand.name for brand in settings.brands if not brand.competitor},
            "source": {source.name for source in settings.sources},
        }

    def report(self, asked: Mapping[str, str]) -> Report:
        """Raises Impossible."""
        wanted = scope(asked, self._clock.now(), self._zone)
        with self._db.read() as session:
            found = outcomes(session, wanted.since, wanted.until)
        heard = {name: {getattr(outcome, name) for outcome in found} for name in FILTERS}
        choices = {name: heard[name] | self._configured.get(name, set()) for name in FILTERS}
        check_known(wanted, choices | {"language": choices["language"] | NAMES.keys()})
        inside = [outcome for outcome in found if wanted.holds(outcome)]
        counted = clocked(inside)
        names = {"source": by_source, "language": by_language, "hour": by_hour(self._zone), "person": by_person}
        return Report(
            scope=wanted,
            all=figures(counted, wanted.measure),
            without_clock=len(inside) - len(counted),
            bars=distribution(counted, wanted.measure),
            groups={by: grouped(counted, name, wanted.measure) for by, name in names.items()},
            breaches=breaches(counted),
            choices={name: sorted(values) for name, values in choices.items()},
        )
