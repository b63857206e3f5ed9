"""What the page of the response shows, and programs get: the figures of the cases that an address asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from monitor.breaches import Breach, breaches, reasons
from monitor.charts import Chart
from monitor.clock import Clock
from monitor.database import Database
from monitor.outcome_days import OutcomeDays
from monitor.response import Bar, Figures, distribution, figures, grouped
from monitor.settings import Settings
from monitor.sla import Policies
from monitor.web import response_charts as draw
from monitor.web.languages import NAMES
from monitor.web.response_course import Course, read
from monitor.web.scope import FILTERS, Scope, check_known, scope
from monitor.web.teams import Teams
from monitor.web.words import language, share


@dataclass(frozen=True)  # without slots: charts are kept
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
    choices: dict[str, list[tuple[str, str]]]
    course: Course

    @cached_property
    def charts(self) -> dict[str, Chart]:
        """None where there is nothing to be drawn."""
        if not self.all.cases:
            return {}
        drawn = (
            draw.first_response(self.scope, self.course),
            draw.met(self.scope, self.course),
            draw.distribution(self.scope, self.bars, self.finding),
            draw.hours(self.scope, self.groups["hour"], self.all),
        )
        return {chart.name: chart for chart in drawn}

    @property
    def finding(self) -> str:
        """What the distribution shows, as its title."""
        of, hour = self.all, "one hour" if self.scope.measure == "calendar" else "one business hour"
        if of.cases == 1:
            return f"The only case was {'' if of.within_60 else 'not '}answered within {hour}"
        waits = f", {of.waiting} still {'waits' if of.waiting == 1 else 'wait'}" if of.waiting else ""
        return f"{share(of.within_60)} of {of.cases} cases were answered within {hour}{waits}"

    def link(self, by: str, name: str) -> str:
        """Where a row of a table leads to."""
        if by in FILTERS:
            return f"/response?{self.scope.address(**{by: name})}"
        return draw.all_behind(self.scope, **{by: name})


class Reports:
    """Makes reports for what an address asks."""

    def __init__(self, db: Database, clock: Clock, settings: Settings, days: OutcomeDays) -> None:
        self._db, self._clock, self._zone, self._days = db, clock, settings.clock.zone, days
        self._policies, self._teams = Policies(settings.clock), Teams(settings)
        self._configured = {
            "brand": {brand.name for brand in settings.brands if not brand.competitor},
            "source": {source.name for source in settings.sources},
        }

    def report(self, asked: Mapping[str, str], listed: int | None = None) -> Report:
        """With so many breaches, those due last (None: all). Raises Impossible."""
        now = self._clock.now()
        wanted = scope(asked, now, self._zone)
        with self._db.read() as session:
            found = self._days.read(session, wanted.since, wanted.until)
            inside = wanted.narrowed(found)
            counted = inside.clocked()
            course = read(session, self._days, counted, wanted, self._policies, now)
            teams = self._teams.of(session, counted, wanted.since, wanted.until) if self._teams.any else None
        choices = {name: found.said(name) | self._configured.get(name, set()) for name in FILTERS}
        check_known(wanted, choices | {"language": choices["language"] | NAMES.keys()})
        parts = {name: counted.apart(name) for name in ("source", "language")}
        parts |= {"hour": counted.apart_by_hour(self._zone), "person": counted.apart("person")}
        parts |= {} if teams is None else {"team": counted.apart_as(teams)}
        return Report(
            scope=wanted,
            all=figures(counted, wanted.measure),
            without_clock=len(inside) - len(counted),
            bars=distribution(counted, wanted.measure),
            groups={by: grouped(each, wanted.measure) for by, each in parts.items()},
            reasons=reasons(counted),
            breaches=breaches(counted, listed),
            choices={name: _said(name, values | {getattr(wanted, name)} - {None}) for name, values in choices.items()},
            course=course,
        )

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked, listed=0).charts


def _said(name: str, values: Collection[str]) -> list[tuple[str, str]]:
    """The values of a filter and how they are said."""
    said = [(value, language(value) if name == "language" else value) for value in values]
    return sorted(said, key=lambda each: each[1].lower())
