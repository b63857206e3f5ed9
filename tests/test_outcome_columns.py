"""Figures of cases as columns, and days of them that are kept, against the cases one by one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean, median
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import outcome_days
from monitor.breaches import breaches, reasons
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import MentionRow
from monitor.outcome_columns import Outcomes
from monitor.outcome_days import OutcomeDays
from monitor.outcomes import Measure, Outcome, Turn, outcomes
from monitor.response import LIMITS, SATISFIED, distribution, figures, grouped
from monitor.retention import blank
from monitor.settings import Settings
from tests import stored

MakeSettings = Callable[..., Settings]
NIGHT = datetime(2026, 10, 24, 21, tzinfo=UTC)  # of the clocks that go back
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
moments = st.integers(0, 48 * 60).map(lambda minutes: NIGHT + timedelta(minutes=minutes))
turns = st.builds(
    Turn, st.sampled_from(["take", "release", "silent_owner", "reply", "reply_seen"]), st.sampled_from("MJ"), moments
)
cases = st.builds(
    Outcome,
    case_id=st.integers(1, 9),
    brand=st.sampled_from(["Acme", "Beta"]),
    source=st.sampled_from(["x", "news"]),
    language=st.just("et"),
    state=st.sampled_from(["open", "resolved"]),
    owner=st.sampled_from([None, "Jaan"]),
    posted_at=moments,
    opened_at=moments,
    clocked=st.booleans(),
    answered_at=st.none() | moments,
    met=st.sampled_from([None, True, False]),
    breached_at=st.none() | moments,
    calendar_seconds=st.none() | st.floats(0, 1e5),
    business_seconds=st.none() | st.integers(0, 20).map(lambda n: n * 300.0),
    satisfaction=st.none() | st.integers(1, 5),
    turns=st.lists(turns, max_size=4).map(tuple),
)


def by_hand(world: Sequence[Outcome], measure: Measure) -> dict[str, Any]:
    times = sorted(s for o in world if (s := o.seconds(measure)) is not None)
    taken = [o.seconds_to_take for o in world if o.seconds_to_take is not None]
    ratings = [o.satisfaction for o in world if o.satisfaction is not None]
    sent = [o.answer.sent for o in world if o.answered and o.answer]
    return {
        "cases": len(world),
        "answered": sum(o.answered for o in world),
        "waiting": sum(not o.answered and not o.closed for o in world),
        "closed_without_reply": sum(not o.answered and o.closed for o in world),
        "median_seconds": median(times) if times else None,
        "p90_seconds": min(t for t in times if 10 * sum(u <= t for u in times) >= 9 * len(times)) if times else None,
        "within_60": sum(t <= 3600 for t in times) / len(world),
        "within_target": sum(o.met is True for o in world) / len(world),
        "breached": sum(o.breached_at is not None for o in world),
        "median_to_take": median(taken) if taken else None,
        "answered_outside": sent.count(False) / len(sent) if sent else None,
        "satisfaction": fmean(ratings) if ratings else None,
        "satisfied": sum(r >= SATISFIED for r in ratings) / len(ratings) if ratings else None,
        "rated": len(ratings),
    }


@given(st.lists(cases, min_size=1, max_size=25), st.sampled_from(["calendar", "business"]))
def test_figures_of_columns_are_those_of_the_cases_one_by_one(world: list[Outcome], measure: Measure) -> None:
    of, zone = Outcomes.of(world), ZoneInfo("Europe/Tallinn")
    found = figures(of, measure)
    assert {name: getattr(found, name) for name in by_hand(world, measure)} == by_hand(world, measure)
    for by in ("brand", "source", "person"):
        names = sorted({getattr(o, by) for o in world})
        apart = [(name, len([o for o in world if getattr(o, by) == name])) for name in names]
        assert [(name, each.cases) for name, each in grouped(of.apart(by))] == apart
    hours = [f"{o.posted_at.astimezone(zone).hour:02}" for o in world]
    assert [(hour, len(part)) for hour, part in of.apart_by_hour(zone)] == [
        (h, hours.count(h)) for h in sorted({*hours})
    ]
    bars = distribution(of, measure)
    assert sum(bar.cases for bar in bars) == len(world)
    for bar, (_, limit) in zip(bars, LIMITS, strict=False):
        assert bar.so_far == sum(
            (o.seconds(measure) or 0) <= limit for o in world if o.seconds(measure) is not None
        ) / len(world)
    late = sorted((o for o in world if o.breached_at), key=lambda o: (o.breached_at, o.case_id), reverse=True)
    told = [(o.case_id, o.reason, o.person, o.posted_at, o.breached_at, o.answered_at) for o in late]
    listed = [(b.case_id, b.reason, b.person, b.posted_at, b.due_at, b.answered_at) for b in breaches(of)]
    assert sorted(listed, key=repr) == sorted(told, key=repr)
    assert [b.due_at for b in breaches(of, 3)] == [o.breached_at for o in late[:3]]
    assert dict(reasons(of)) == {reason: [o.reason for o in late].count(reason) for reason in {o.reason for o in late}}


def rows(of: Outcomes) -> list[tuple[str, ...]]:
    """What the columns say, whatever the numbers of the names and the order."""
    named = ("brand", "source", "language", "person")
    return sorted(
        tuple(of.names[row[name]] if name in named else repr(row[name]) for name in row.dtype.names) for row in of.rows
    )


def test_kept_days_follow_whatever_changes_a_case(
    any_db: Database, make_settings: MakeSettings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcome_days, "READ", 3)
    settings, now = make_settings(), clock.now()
    desk, days = Cases(any_db, settings), OutcomeDays()

    def alike(since: datetime = now - 3 * DAY, until: datetime = now + 2 * DAY) -> None:
        with any_db.read() as session:
            fresh = Outcomes.of(outcomes(session, since, until))
            assert rows(days.read(session, since, until)) == rows(fresh)

    alike()
    ids = [stored.complain(any_db, settings, now + n * HOUR, author=f"a{n}", cases=desk) for n in range(-60, 30, 7)]
    alike()
    desk.act(ids[0], "take", "Mari", "web", now + HOUR)
    alike()
    desk.act(ids[0], "reply", "Mari", "web", now + HOUR, reply_id=3)
    desk.act(ids[-1], "dismiss", "Jaan", "web", now + 30 * HOUR)
    alike()
    alike(now - 50 * HOUR, now - 3 * HOUR)  # parts of days
    ids.append(stored.complain(any_db, settings, now - 20 * HOUR, author="late", cases=desk))
    desk.act(ids[3], "hand_over", "Mari", "web", now + HOUR, to="Jaan")
    alike()
    with any_db.write() as session:
        blank(session, [row.id for row in session.query(MentionRow).where(MentionRow.case_id == ids[0])])
    alike()


def test_only_so_many_cases_are_kept(db: Database, make_settings: MakeSettings, clock: ManualClock) -> None:
    settings, now = make_settings(), clock.now()
    days = OutcomeDays(most=3)
    for n in range(5):
        stored.complain(db, settings, now + n * DAY, author=f"a{n}")
    for _ in range(2):
        with db.read() as session:
            assert len(days.read(session, now, now + 5 * DAY)) == 5
        assert sum(len(each.found) for each in days._kept.values()) == 3
