"""Every figure against a small world that was counted by hand."""

from __future__ import annotations

import math
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from monitor.database import Database
from monitor.errors import Refused
from monitor.models import RollupRow
from monitor.rollups import hour_of
from monitor.settings import Settings
from monitor.sources.base import Author, Item
from monitor.tallies import settle
from monitor.trend_mentions import behind
from monitor.trend_spans import Grain, Span
from monitor.trends import Counts, Filter, changes, over_time, series, shares, total
from tests.test_rollups import judge

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TALLINN = ZoneInfo("Europe/Tallinn")
ZONES = ["UTC", "Europe/Tallinn", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Apia"]


def row(at: datetime, mentions: int = 1, brand: str = "Acme", **more: object) -> RollupRow:
    given: dict[str, object] = {"source": "x", "language": "en", "sentiment": "negative", "topic": "delivery"}
    given |= {"complaint": True, "rated": 0, "stars": 0} | more
    return RollupRow(brand=brand, hour=hour_of(at), mentions=mentions, **given)


def put(db: Database, *given: Any, **more: object) -> None:
    with db.write() as session:
        session.add(row(*given, **more))


def world(db: Database) -> Span:
    """Two days of Acme and one competitor."""
    put(db, NOON, 6)
    put(db, NOON, 3, sentiment="positive", complaint=False, topic="other", rated=2, stars=950)
    put(db, NOON + HOUR, 1, sentiment="neutral", complaint=False, topic="price", source="news", language="de")
    put(db, NOON, 5, "Beta", sentiment="positive", complaint=False)
    put(db, NOON - DAY, 2, topic="billing")
    put(db, NOON - DAY, 8, "Beta")
    return Span(NOON - 12 * HOUR, NOON + 12 * HOUR)


def test_each_figure_is_the_one_that_was_counted_by_hand(any_db: Database) -> None:
    span = world(any_db)
    with any_db.read() as session:
        acme = total(session, span, Filter(brand=("Acme",)))
        assert acme == Counts(10, 6, 6, 1, 3, 2, 950)
        assert acme.net_sentiment == pytest.approx((3 - 6) / 10)
        assert acme.complaint_rate == pytest.approx(0.6)
        assert acme.stars == pytest.approx(4.75)
        assert total(session, span.previous, Filter(brand=("Acme",))).mentions == 2
        voices = shares(session, span, Filter(), "brand")
        assert [(s.name, s.counts.mentions, s.voice, s.complaint) for s in voices] == [
            ("Acme", 10, 10 / 15, 1.0),
            ("Beta", 5, 5 / 15, 0.0),
        ]
        topics = shares(session, Span(NOON - 2 * DAY, NOON + DAY), Filter(("Acme",), complaint=True), "topic")
        assert [(s.name, s.complaint) for s in topics] == [("delivery", 6 / 8), ("billing", 2 / 8)]
        assert total(session, span, Filter(language=("de",), source=("news",))).mentions == 1
        assert total(session, span, Filter(topic=("price",), sentiment=("positive",))) == Counts()


def test_nothing_has_no_rates(db: Database) -> None:
    assert (Counts().net_sentiment, Counts().complaint_rate, Counts().stars) == (None, None, None)
    with db.read() as session:
        assert over_time(session, Span(NOON, NOON + 2 * DAY), Filter()) == (Counts(),) * 3
        assert shares(session, Span(NOON, NOON + DAY), Filter(), "brand") == ()


def test_what_changed_most_comes_first_and_what_is_gone_counts_too(db: Database) -> None:
    span = world(db)
    with db.read() as session:
        found = changes(session, span, Filter(brand=("Acme",)), by=("topic",))
    assert [(c.name, c.now.mentions, c.before.mentions) for c in found] == [
        ("delivery", 6, 0),
        ("other", 3, 0),
        ("billing", 0, 2),
        ("price", 1, 0),
    ]
    assert found[2].surprise == pytest.approx(-math.sqrt(2))


def test_series_are_apart_and_have_every_point(db: Database) -> None:
    span = world(db)
    with db.read() as session:
        found = series(session, Span(span.since, span.until, Grain.HOUR), Filter(brand=("Acme",)), "sentiment")
    assert list(found) == ["negative", "positive", "neutral"]
    assert all(len(points) == 24 for points in found.values())
    assert found["neutral"][13].mentions == 1
    assert sum(point.mentions for point in found["neutral"]) == 1


def test_a_day_has_25_hours_when_the_clocks_go_back(any_db: Database) -> None:
    midnight = datetime(2026, 10, 25, tzinfo=TALLINN)
    for hour in range(-1, 26):
        put(any_db, midnight.astimezone(UTC) + hour * HOUR)
    span = Span(midnight - DAY, midnight + 2 * DAY, Grain.DAY, TALLINN)
    with any_db.read() as session:
        assert [point.mentions for point in over_time(session, span, Filter())] == [1, 25, 1]
        hourly = Span(midnight, midnight + DAY, Grain.HOUR, TALLINN)
        assert [point.mentions for point in over_time(session, hourly, Filter())] == [1] * 25
    assert [start.hour for start in hourly.starts[2:6]] == [2, 3, 3, 4]


def test_the_previous_span_is_as_long_on_the_wall() -> None:
    monday = datetime(2026, 10, 26, tzinfo=TALLINN)
    week = Span(monday, monday + 7 * DAY, Grain.DAY, TALLINN)
    assert week.previous.since == datetime(2026, 10, 19, tzinfo=TALLINN)
    assert week.previous.until == monday
    assert len(week.previous.starts) == 7


def test_weeks_begin_on_monday_and_months_on_the_first() -> None:
    weeks = Span(NOON, NOON + 7 * DAY, Grain.WEEK, TALLINN)
    assert [f"{start:%a %d}" for start in weeks.starts] == ["Mon 16", "Mon 23"]
    months = Span(NOON, NOON + 31 * DAY, Grain.MONTH, TALLINN)
    assert [f"{start:%d %b}" for start in months.starts] == ["01 Nov", "01 Dec"]


def test_impossible_spans_are_refused_with_the_mend() -> None:
    with pytest.raises(Refused, match="is empty"):
        Span(NOON, NOON)
    with pytest.raises(Refused, match="43,800 hours are too many to draw: ask for days"):
        Span(NOON, NOON + 5 * 365 * DAY, Grain.HOUR)
    with pytest.raises(ValueError, match="has no time zone"):
        Span(NOON.replace(tzinfo=None), NOON)


@settings(max_examples=40)
@given(
    zone=st.sampled_from(ZONES),
    grain=st.sampled_from(list(Grain)),
    start=st.integers(-20_000, 520_000),
    length=st.integers(1, 9_000),
    data=st.data(),
)
def test_every_hour_is_in_the_local_day_in_which_it_begins(
    migrated_db: Database, zone: str, grain: Grain, start: int, length: int, data: st.DataObject
) -> None:
    first = datetime(1970, 1, 1, tzinfo=UTC) + start * HOUR
    span = Span(first, first + length * HOUR, grain, ZoneInfo(zone))
    times = [first + h * HOUR for h in data.draw(st.sets(st.integers(0, length - 1), max_size=6))]
    with migrated_db.write() as session:
        session.execute(delete(RollupRow))
        session.add_all(row(at) for at in times)
    with migrated_db.read() as session:
        found = over_time(session, span, Filter())
    expected = Counter(_begins(at.astimezone(ZoneInfo(zone)), grain) for at in times)
    assert {s.astimezone(UTC): c.mentions for s, c in zip(span.starts, found, strict=True) if c.mentions} == expected


def _begins(local: datetime, grain: Grain) -> datetime:
    if grain is not Grain.HOUR:
        local = local.replace(hour=0, minute=0, second=0, fold=0)
    if grain is Grain.WEEK:
        local -= local.weekday() * DAY
    elif grain is Grain.MONTH:
        local = local.replace(day=1)
    return local.astimezone(UTC)


@pytest.fixture(scope="module")
def migrated_db(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Database:
    path = tmp_path_factory.mktemp("trends") / "trends.sqlite"
    shutil.copyfile(migrated, path)
    return Database(f"sqlite:///{path}")


def test_the_mentions_behind_a_point_come_page_by_page_without_a_gap_or_a_double(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    about = [
        "acme, angry about delivery, in en",
        "beta, glad, in de",
        "acme and beta, angry about refund_return, in en",
    ]
    judge(
        any_db,
        make_settings(),
        *(Item(str(n), about[n % 3], NOON - (n // 4) * HOUR, author=Author("ann")) for n in range(12)),
        Item("own", about[0], NOON, author=Author("acmehelp")),
    )
    wanted = Filter(brand=("Acme",), sentiment=("negative",), complaint=True)
    with any_db.read() as session:
        span = Span(NOON - 2 * HOUR, NOON + HOUR, Grain.HOUR)
        assert total(session, span, wanted).mentions == 8
        found, after = [], None
        while page := behind(session, span.since, span.until, wanted, after, limit=3):
            found += page
            after = (page[-1].posted_at, page[-1].id)
        assert len({each.id for each in found}) == len(found) == 8
        assert found == sorted(found, key=lambda each: (each.posted_at, each.id), reverse=True)
        assert {each.topic for each in found} == {"delivery", "refund_return"}
        assert len(behind(session, span.since, span.until, Filter(complaint=False))) == 4
        assert behind(session, span.since, span.until, Filter(language=("de",), complaint=True)) == ()


@pytest.mark.parametrize("added_up", [True, False])
def test_the_mentions_behind_many_days_are_found_by_the_counts_to_the_minute(
    any_db: Database, make_settings: Callable[..., Settings], added_up: bool
) -> None:
    about = ["acme and beta, angry about delivery, in en", "beta, glad, in de", "beta, glad, in en"]
    items = [Item(str(n), about[n % 3], NOON - n * timedelta(minutes=401), author=Author("ann")) for n in range(60)]
    judge(any_db, make_settings(), *items)
    if added_up:
        settle(any_db, TALLINN, NOON)
    since, until = NOON - 14 * DAY + timedelta(minutes=10), NOON - timedelta(minutes=400)
    expected = [n for n, item in enumerate(items) if n % 3 == 0 and since <= item.posted_at < until]
    with any_db.read() as session:
        found, after = [], None
        while page := behind(session, since, until, Filter(topic=("delivery",)), after, limit=4):
            found += page
            after = (page[-1].posted_at, page[-1].id)
        assert [each.posted_at for each in found] == [items[n].posted_at for n in expected]
        within = behind(session, items[3].posted_at, items[3].posted_at + timedelta(minutes=1), Filter())
        assert [each.posted_at for each in within] == [items[3].posted_at]
