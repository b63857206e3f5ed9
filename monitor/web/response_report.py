"""What the page of the response shows, and programs get: the figures of the cases that an address asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.breaches import Breach, breaches, reasons
from monitor.clock import Clock
from monitor.database import Database
from monitor.outcome_days import OutcomeDays
from monitor.response import Bar, Figures, distribution, figures, grouped
from monitor.settings import Settings
from monitor.web.languages import NAMES
from monitor.web.scope import FILTERS, Scope, check_known, scope
from monitor.web.words import share


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page shows of one scope. `groups` by what they are by; `reasons` count all breaches, and `breaches`
    are those that were asked for; `choices` are the values of the filters."""

    scope: Scope
    all: Figures
    without_clock: int
    bars: list[Bar]
    groups: dict[str, list[tuple[str, Figures]]]
    reasons: list[tuple[str, int]]
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


class Reports:
    """Makes reports for what an address asks."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._clock, self._zone, self._days = db, clock, settings.clock.zone, OutcomeDays()
        self._configured = {
            "brand": {brand.name for brand in settings.brands if not brand.competitor},
            "source": {source.name for source in settings.sources},
        }

    def report(self, asked: Mapping[str, str], listed: int | None = None) -> Report:
        """With so many breaches, those due last (None: all). Raises Impossible."""
        wanted = scope(asked, self._clock.now(), self._zone)
        with self._db.read() as session:
            found = self._days.read(session, wanted.since, wanted.until)
        choices = {name: found.said(name) | self._configured.get(name, set()) for name in FILTERS}
        check_known(wanted, choices | {"language": choices["language"] | NAMES.keys()})
        for name, value in wanted.chosen.items():
            found = found.having(name, value)
        counted = found.clocked()
        parts = {name: counted.apart(name) for name in ("source", "language")}
        parts |= {"hour": counted.apart_by_hour(self._zone), "person": counted.apart("person")}
        return Report(
            scope=wanted,
            all=figures(counted, wanted.measure),
            without_clock=len(found) - len(counted),
            bars=distribution(counted, wanted.measure),
            groups={by: grouped(each, wanted.measure) for by, each in parts.items()},
            reasons=reasons(counted),
            breaches=breaches(counted, listed),
            choices={name: sorted(values) for name, values in choices.items()},
        )
