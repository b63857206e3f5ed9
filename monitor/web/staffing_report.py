"""What the page of the staffing shows: when cases come, what to expect, how many people that takes, who is on call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.arrivals import Arrivals, arrivals
from monitor.charts import Chart
from monitor.charts.time_axis import TimeAxis
from monitor.clock import Clock
from monitor.database import Database
from monitor.forecast import DAYS, HELD_OUT, BackTest, Expected, Week, back_test, week_ahead
from monitor.models import CaseRow
from monitor.oncall import Rota, Shift
from monitor.oncall_names import known_names
from monitor.settings import Settings
from monitor.sla import Policies, Subject
from monitor.staffing import Gap, Planned, gaps, plan
from monitor.trend_spans import Grain, Span
from monitor.web import staffing_charts as draw
from monitor.web.languages import NAMES
from monitor.web.scope import check_known, midnight
from monitor.web.staffing_scope import StaffingScope, staffing_scope
from monitor.web.words import language


@dataclass(frozen=True, slots=True)
class Staffing:
    """`past` are the weeks that are learnt from; `week` and what follows from it is None where they are too few. Of
    `shifts`, those of the week to come; `names` are of those on call, by id, as far as they are known."""

    scope: StaffingScope
    choices: dict[str, list[tuple[str, str]]]
    past: Arrivals
    week: Week | None
    tested: BackTest | None
    hours: tuple[Planned, ...]
    gaps: list[Gap]
    shifts: list[Shift]
    names: Mapping[str, str]
    rota: bool
    charts: dict[str, Chart]

    @property
    def days(self) -> list[tuple[date, Expected, int]]:
        """Each day to come, what to expect of it, and the person-hours that it takes."""
        if self.week is None:
            return []
        days = [self.scope.today + timedelta(days=n) for n in range(DAYS)]
        taken = [sum(h.needed for h in self.hours if h.starts_at.astimezone(self.scope.zone).date() == d) for d in days]
        return list(zip(days, self.week.days, taken, strict=True))


class Staffings:
    """Makes the report of what an address asks for."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._clock, self._settings = db, clock, settings
        self._ours = tuple(brand.name for brand in settings.brands if not brand.competitor)
        self._rota = Rota(settings.oncall, settings.clock.timezone, settings.slack.oncall)
        self._hours = Policies(settings.clock).choose(Subject())[0].hours

    def report(self, asked: Mapping[str, str]) -> Staffing:
        """Raises Impossible."""
        scope = staffing_scope(asked, self._clock.now(), self._settings.clock.zone, self._ours)
        with self._db.read() as session:
            choices = self._choices(session, scope)
            check_known(scope, choices | {"language": [*choices["language"], *NAMES]})
            begin = scope.first - timedelta(days=DAYS * HELD_OUT)
            seen = arrivals(session, begin, scope.today, scope.zone, scope.brands, scope.source, scope.language)
            starts = self._starts(scope)
            shifts = self._rota.shifts(starts[0], starts[-1] + timedelta(hours=1))
            names = known_names(session, self._settings.oncall, {id for shift in shifts for id in shift.who})
        past = seen.since(scope.first)
        week = week_ahead(past.days)
        tested = back_test(seen.days, scope.weeks)
        planned = self._plan(scope, week, starts)
        short = gaps(planned, scope.now)
        has_rota = any(shift.who for shift in shifts)
        charts = [draw.heat(scope, past)] if past.cases else []
        if week is not None and past.cases:
            axis = TimeAxis(Grain.HOUR, starts, (*starts[1:], starts[-1] + timedelta(hours=1)), partial=False)
            charts += [
                draw.ahead(scope, axis, week, past, planned, tested),
                draw.people(scope, planned),
                draw.rota(scope, axis, planned, short, names if has_rota else None),
            ]
        named = {chart.name: chart for chart in charts}
        said = {name: [(v, language(v) if name == "language" else v) for v in choices[name]] for name in choices}
        return Staffing(scope, said, past, week, tested, planned, short, shifts, names, has_rota, named)

    def charts(self, asked: Mapping[str, str]) -> dict[str, Chart]:
        return self.report(asked).charts

    def _choices(self, session: Session, scope: StaffingScope) -> dict[str, list[str]]:
        recent = CaseRow.brand.in_(self._ours), CaseRow.posted_at >= midnight(scope.first, scope.zone)
        heard = session.execute(select(CaseRow.source, CaseRow.language).where(*recent).distinct()).all()
        configured = {source.name for source in self._settings.sources}
        return {
            "brand": list(self._ours),
            "source": sorted(configured | {source for source, _ in heard}),
            "language": sorted({code for _, code in heard}, key=language),
        }

    def _starts(self, scope: StaffingScope) -> tuple[datetime, ...]:
        """The hours of today and of the six days after it: 168, unless clocks are changed."""
        since, until = midnight(scope.today, scope.zone), midnight(scope.last + timedelta(days=1), scope.zone)
        return Span(since, until, Grain.HOUR, scope.zone).starts

    def _plan(self, scope: StaffingScope, week: Week | None, starts: Sequence[datetime]) -> tuple[Planned, ...]:
        if week is None:
            return ()
        expected = [(start, week.hours[(start.date() - scope.today).days][start.hour]) for start in starts]
        return plan(expected, self._hours, self._rota, scope.need)
