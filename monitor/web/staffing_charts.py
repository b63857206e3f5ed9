"""The charts of the staffing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from monitor.arrivals import HOURS, Arrivals
from monitor.charts import Chart, Column, Table
from monitor.charts.at_once import grid
from monitor.charts.over_time import band, lines
from monitor.charts.time_axis import TimeAxis
from monitor.forecast import BackTest, Week
from monitor.staffing import Gap, Planned
from monitor.web.staffing_scope import StaffingScope
from monitor.web.words import share

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CLOCK = tuple(f"{hour:02}" for hour in range(HOURS))


def heat(scope: StaffingScope, past: Arrivals) -> Chart:
    """Cases by weekday and hour."""
    mean = past.by_weekday()
    weekday, hour, most = max(
        ((d, h, value) for d, day in enumerate(mean) for h, value in enumerate(day) if value is not None),
        key=lambda each: each[2],
    )
    storms = f"{sum(past.storms):,} more belonged to storms and are left out." if any(past.storms) else None
    last = scope.today - timedelta(days=1)
    return Chart(
        name="heat",
        title=f"Most cases come on {WEEKDAYS[weekday]} from {CLOCK[hour]}:00, {_few(most)} in that hour on average",
        measure="Cases an hour, by weekday and hour of the first complaint, mean of the days",
        scope=f"{scope.narrow}, {past.cases:,} cases, {past.first} to {last}, {scope.zone.key}",
        spec=grid(WEEKDAYS, CLOCK, [[None if v is None else round(v, 3) for v in day] for day in mean], ",.2~f"),
        table=Table(
            (Column("Weekday", "text"), *(Column(f"{hour}:00", "number") for hour in CLOCK)),
            tuple((WEEKDAYS[n], *(None if v is None else round(v, 3) for v in day)) for n, day in enumerate(mean)),
        ),
        note=storms,
    )


def ahead(
    scope: StaffingScope,
    axis: TimeAxis,
    week: Week,
    past: Arrivals,
    planned: Sequence[Planned],
    tested: BackTest | None,
) -> Chart:
    """What to expect of the week to come."""
    before, of = sum(map(sum, past.days[-7:])), week.all
    said = (
        f"About {of.mean:,.0f} case{'' if round(of.mean) == 1 else 's'} in the week to come, {of.low:,} to {of.high:,}"
    )
    said += f"; {before:,} in the past 7 days"
    if abs(week.growth) >= 0.005:
        said += f", and {'growing' if week.growth > 0 else 'falling'} by {abs(100 * week.growth):.0f} % a week"
    note = "The weeks so far are too few to see how well this works."
    if tested is not None:
        weeks = "the past week" if tested.weeks == 1 else f"the past {tested.weeks} weeks"
        note = f"Had {weeks} been forecast like this, {share(tested.hours_inside)} of the hours and "
        note += f"{share(tested.days_inside)} of the days would have lain in their intervals; "
        note += f"{tested.expected:,.0f} cases expected, {tested.came:,} came."
    return Chart(
        name="ahead",
        title=said,
        measure="Cases an hour: expected, and the 80 % interval",
        scope=f"{scope.narrow}, {scope.today} to {scope.last}, {scope.zone.key}",
        spec=band(
            axis,
            [hour.expected.mean for hour in planned],
            [hour.expected.low for hour in planned],
            [hour.expected.high for hour in planned],
            ",.2f",
        ),
        table=Table(
            (_WHEN, Column("Expected", "number"), Column("From"), Column("To")),
            tuple((_wall(h, scope), round(h.expected.mean, 3), h.expected.low, h.expected.high) for h in planned),
        ),
        note=note,
    )


def people(scope: StaffingScope, planned: Sequence[Planned]) -> Chart:
    """How many people each hour takes."""
    days: dict[str, list[int | None]] = {}
    for hour in planned:
        local = hour.starts_at.astimezone(scope.zone)
        day = days.setdefault(f"{local:%a} {local.day} {local:%b}", [None] * HOURS)
        day[local.hour] = max(day[local.hour] or 0, hour.needed)
    most = max(planned, key=lambda each: each.needed)
    title = "Nobody is needed: nothing is expected while business is open"
    if most.needed:
        count = f"{most.needed} {'person is' if most.needed == 1 else 'people are'}"
        title = f"At most {count} needed, first on {_when(most.starts_at, scope)}"
        title += f"; {sum(each.needed for each in planned):,} person-hours in the week"
    return Chart(
        name="people",
        title=title,
        measure=f"People needed so that {scope.share} % are taken up within {scope.within} minutes, "
        f"at {scope.handling} minutes for each case (Erlang C)",
        scope=f"{scope.narrow}, {scope.today} to {scope.last}, {scope.zone.key}",
        spec=grid(list(days), CLOCK, list(days.values()), ",d"),
        table=Table(
            (Column("Day", "text"), *(Column(f"{hour}:00") for hour in CLOCK)),
            tuple((name, *day) for name, day in days.items()),
        ),
    )


def rota(
    scope: StaffingScope,
    axis: TimeAxis,
    planned: Sequence[Planned],
    short: Sequence[Gap],
    names: Mapping[str, str] | None,
) -> Chart:
    """Needed and on call, side by side. `names` of those on call, by id; None: nobody ever is."""
    hours = [each for each in planned if each.short and each.ends_at > scope.now]
    if names is None:
        title = "Nobody is on the rota"
    elif not hours:
        title = "The rota suffices in the week to come"
    else:
        worst = max(short, key=lambda gap: gap.needed - gap.on_call)
        title = f"The rota is short in {len(hours)} hour{'' if len(hours) == 1 else 's'}, most on "
        title += f"{_when(worst.starts_at, scope)}: {worst.on_call} on call, {worst.needed} needed"
    return Chart(
        name="rota",
        title=title,
        measure=f"People an hour: needed for {scope.share} % within {scope.within} minutes, and on call",
        scope=f"{scope.narrow}, {scope.today} to {scope.last}, {scope.zone.key}",
        spec=lines(
            axis,
            {"needed": [each.needed for each in planned], "on call": [each.on_call for each in planned]},
            steps=True,
        ),
        table=Table(
            (
                _WHEN,
                Column("Load, cases", "number"),
                Column("Needed"),
                Column("Needed when busy"),
                Column("On call"),
                Column("Short"),
                Column("Who", "text"),
            ),
            tuple(
                (
                    _wall(each, scope),
                    round(each.load, 3),
                    each.needed,
                    each.needed_busy,
                    each.on_call,
                    each.short,
                    called(each.who, names or {}),
                )
                for each in planned
            ),
        ),
        note=None
        if scope.group > 1
        else "A user group counts as one person; the form above takes how many it stands for.",
    )


_WHEN = Column("Hour from", "moment")


def called(who: Sequence[str], names: Mapping[str, str]) -> str:
    """Those on call as people know them."""
    return ", ".join(names.get(id, id) for id in who) or "nobody"


def _wall(hour: Planned, scope: StaffingScope) -> datetime:
    return hour.starts_at.astimezone(scope.zone)


def _when(at: datetime, scope: StaffingScope) -> str:
    local = at.astimezone(scope.zone)
    return f"{local:%A} {local.day} {local:%B} from {local:%H:%M}"


def _few(count: float) -> str:
    """A mean with as many digits as say something."""
    return f"{count:,.0f}" if count >= 10 else f"{count:.1f}" if count >= 0.95 else f"{count:.2f}"
