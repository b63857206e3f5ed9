"""Sums of hourly counts, and the answers that are drawn from them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from monitor import tallies
from monitor.classify.verdict import TOPICS
from monitor.database import Database
from monitor.rollup_rows import SENTIMENTS, TALLIED, TALLIES, RollupRow
from monitor.rollups import hour_of
from monitor.trend_counts import DIMENSIONS, NOTHING, Counts, Filter
from monitor.trend_spans import Grain, Span, day_of, hours_of
from monitor.trends import over_time, series, total, totals
from tests.test_rollups import by_hand, kept

MORNING = datetime(2026, 10, 26, 9, 30, tzinfo=UTC)  # after a night in which clocks went back
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ZONES = ["UTC", "Europe/Tallinn", "Asia/Kolkata", "America/St_Johns", "Antarctica/Troll"]
TALLINN = ZoneInfo("Europe/Tallinn")
VALUES = {
    "brand": ["Acme", "Beta", "Gamma"],
    "source": ["forum", "news"],
    "language": ["de", "en"],
    "topic": list(TOPICS[:3]),
    "sentiment": list(SENTIMENTS),
}
rows = st.lists(
    st.tuples(
        st.integers(0, 80),  # hours ago
        st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()}),
        st.booleans(),
        st.integers(1, 5),
    ),
    max_size=40,
    unique_by=lambda row: (row[0], tuple(row[1].values()), row[2]),
)
filters = st.builds(
    Filter,
    **{name: st.lists(st.sampled_from(values), unique=True, max_size=2).map(tuple) for name, values in VALUES.items()},
    complaint=st.sampled_from([None, True, False]),
)


def put(db: Database, given: list[Any]) -> None:
    with db.write() as session:
        for table in (RollupRow, TALLIES, TALLIED):
            session.execute(delete(table))
        for ago, of, complaint, mentions in given:
            counted = {"mentions": mentions, "rated": mentions - 1, "stars": mentions * 100}
            session.add(RollupRow(hour=hour_of(MORNING - ago * HOUR), complaint=complaint, **of, **counted))


@pytest.fixture(scope="module")
def worn_db(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("tallies") / "tallies.sqlite"
    shutil.copyfile(migrated, path)
    db = Database(f"sqlite:///{path}")
    yield db
    db.close()


@settings(max_examples=150)
@given(
    given_=rows,
    zone=st.sampled_from(ZONES),
    days=st.integers(1, 5),
    shift=st.integers(0, 30),
    grain=st.sampled_from(list(Grain)[:2]),
    by=st.sampled_from([None, *DIMENSIONS]),
    wanted=filters,
    elsewhere=st.booleans(),
)
def test_an_answer_from_sums_is_that_from_the_counts_one_by_one(
    worn_db: Database,
    given_: list[Any],
    zone: str,
    days: int,
    shift: int,
    grain: Grain,
    by: str | None,
    wanted: Filter,
    elsewhere: bool,
) -> None:
    put(worn_db, given_)
    tallies.settle(worn_db, ZoneInfo("Asia/Kathmandu" if elsewhere else zone), MORNING)
    midnight = MORNING.astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)
    span = Span((midnight - days * DAY).astimezone(UTC), midnight.astimezone(UTC) + shift * HOUR, grain, ZoneInfo(zone))
    expected = by_hand(kept(worn_db), span, wanted, by)
    with worn_db.read() as session:
        assert series(session, span, wanted, by) == expected
        assert total(session, span, wanted) == sum((sum(p, NOTHING) for p in expected.values()), NOTHING)
        if by is not None:
            assert totals(session, span, wanted, by) == {name: sum(p, NOTHING) for name, p in expected.items()}
    assert tallies.check(worn_db, ZoneInfo(zone)) == 0


ONE = (30, {name: values[0] for name, values in VALUES.items()}, True, 4)


def test_answers_are_read_from_the_sums_where_there_are_any(any_db: Database) -> None:
    put(any_db, [ONE])
    tallies.settle(any_db, TALLINN, MORNING)
    day = day_of(hour_of(MORNING - 30 * HOUR), TALLINN)
    with any_db.write() as session:  # so that each table says something else
        session.execute(update(TALLIES).where(TALLIES.c.grain == "day").values(mentions_negative_complaint=10))
        session.execute(update(TALLIES).where(TALLIES.c.grain == "hour").values(mentions_negative_complaint=100))
    midnight = datetime.fromtimestamp(hours_of(day, TALLINN)[0] * 3600, TALLINN)
    for span, wanted, mentions in (
        (Span(midnight, MORNING, Grain.DAY, TALLINN), Filter(), 10),
        (Span(midnight + HOUR, MORNING, Grain.DAY, TALLINN), Filter(), 100),
        (Span(midnight, MORNING, Grain.HOUR, TALLINN), Filter(), 10),
        (Span(midnight, MORNING, Grain.DAY, ZoneInfo("Asia/Kolkata")), Filter(), 100),
        (Span(midnight + HOUR, MORNING, Grain.DAY, TALLINN), Filter(("Acme",), ("forum",), ("de",)), 4),
    ):
        with any_db.read() as session:
            assert total(session, span, wanted).mentions == mentions
    hourly = Span(midnight, MORNING, Grain.HOUR, TALLINN)
    with any_db.read() as session:
        for wanted, mentions in ((Filter(topic=(TOPICS[0],)), 100), (Filter(("Acme",), ("forum",), ("de",)), 4)):
            assert sum(point.mentions for point in over_time(session, hourly, wanted)) == mentions
    assert tallies.check(any_db, TALLINN) == 16 + 11  # every sum of the day and of the hour


def test_what_has_a_mark_is_not_added_up_again_and_another_zone_has_days_of_its_own(any_db: Database) -> None:
    put(any_db, [(ago, *ONE[1:]) for ago in (0, 5, 30, 54)])
    assert tallies.settle(any_db, TALLINN, MORNING, most=1) == 1  # today, as far as it is over
    assert tallies.settle(any_db, TALLINN, MORNING) == 2
    assert tallies.settle(any_db, TALLINN, MORNING) == 0
    assert tallies.settle(any_db, ZoneInfo("Asia/Kolkata"), MORNING) == 2
    with any_db.read() as session:
        zones = session.scalars(select(TALLIED.c.zone).where(TALLIED.c.grain == "day")).all()
    assert zones == ["Asia/Kolkata"] * 2
    assert tallies.settle(any_db, TALLINN, MORNING + DAY) == 3


def test_the_hour_that_is_not_over_has_no_sum(db: Database) -> None:
    put(db, [(0, *ONE[1:])])
    tallies.settle(db, TALLINN, MORNING)
    with db.read() as session:
        assert total(session, Span(MORNING - DAY, MORNING, Grain.DAY, TALLINN), Filter()) == Counts(
            4, 4, 4, 0, 0, 3, 400
        )
        assert hour_of(MORNING) not in session.scalars(select(TALLIED.c.bucket)).all()


def test_many_brands_are_looked_through_in_parts(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tallies, "_TERMS", 2)
    put(db, [(ago, ONE[1] | {"brand": f"Brand {ago:04}"}, True, 1) for ago in range(30, 130, 20)])
    assert tallies.settle(db, TALLINN, MORNING) == 5
    assert tallies.check(db, TALLINN) == 0


def test_progress_is_told_up_to_the_end(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    put(db, [(ago, *ONE[1:]) for ago in range(30, 200)])
    monkeypatch.setattr(tallies, "ROLLUPS", 30)
    told: list[tuple[int, int]] = []
    days = tallies.settle(db, TALLINN, MORNING, progress=lambda done, of: told.append((done, of)))
    assert told == sorted(told)
    assert told[-1] == (days, days)
    assert len(told) > 2


def test_hours_belong_to_the_day_in_which_they_begin_even_where_clocks_go_back_over_midnight() -> None:
    casey = ZoneInfo("Antarctica/Casey")
    day = day_of(hour_of(datetime(2010, 3, 4, 2, tzinfo=UTC)), casey)
    assert len(hours_of(day, casey)) == 25
    for n in range(day - 3, day + 3):
        assert {day_of(hour, casey) for hour in hours_of(n, casey)} == {n}
