"""Which hours are told as spikes: once each, by the narrowest words, and only while they are news."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from conftest import NOON
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.database import Database
from monitor.models import MentionRow, SpikeRow
from monitor.settings import Settings
from monitor.spikes.watch import Happened, Spikes
from tests.spikes.history import DAY, HOUR, WEEK, ordinary, read_at, say

MINUTE = timedelta(minutes=1)


class Heard:
    """What listeners were told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, str]] = []

    def __call__(self, session: Session, happened: Happened) -> None:
        spike = happened.spike
        self.told.append((happened.event, spike.kind, spike.sentiment, spike.topic))

    def take(self) -> list[str]:
        found, self.told = [event for event, *_ in self.told], []
        return found


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def watch(heard: Heard, make_settings: Callable[..., Settings]) -> Callable[..., Spikes]:
    def made(db: Database, **sections: Any) -> Spikes:
        sources = [{"name": name, "type": "replay", "path": "x.jsonl", "every": "5m"} for name in ("x", "news")]
        return Spikes(db, make_settings(**{"sources": sources} | sections), [heard])

    return made


def burst(db: Database, start: datetime, count: int, over: timedelta = HOUR, **more: Any) -> list[int]:
    return say(db, [start + over * n / count for n in range(count)], **more)


def rows(db: Database) -> list[SpikeRow]:
    with db.read() as session:
        return list(session.scalars(select(SpikeRow).order_by(SpikeRow.id)))


def test_ordinary_hours_are_no_spikes(db: Database, watch: Callable[..., Spikes], heard: Heard) -> None:
    ordinary(db, NOON + DAY)
    read_at(db, NOON, "x", "news")
    spikes = watch(db)
    for hour in range(0, 24, 4):
        spikes.tick(NOON + hour * HOUR)
    assert heard.told == []


def test_a_peak_is_told_once_grows_and_ends(any_db: Database, watch: Callable[..., Spikes], heard: Heard) -> None:
    ordinary(any_db, NOON)
    read_at(any_db, NOON, "x", "news")
    spikes = watch(any_db)
    burst(any_db, NOON, 40)
    assert spikes.tick(NOON + 30 * MINUTE) == 1  # before the hour is over
    assert [told[:2] for told in heard.told] == [("opened", "peak")]
    assert spikes.tick(NOON + 35 * MINUTE) == 0
    heard.take()
    burst(any_db, NOON + HOUR, 50)
    spikes.tick(NOON + 2 * HOUR)
    assert heard.take() == ["grown"]
    (row,) = rows(any_db)
    assert (row.began_at, row.until, row.count) == (NOON, NOON + 2 * HOUR, 90)
    assert 6 <= row.usual <= 18
    for hour in range(2, 8):
        burst(any_db, NOON + hour * HOUR, 6)
    spikes.tick(NOON + 5 * HOUR)
    assert heard.take() == ["ended"]
    for hour in range(5, 8):
        spikes.tick(NOON + hour * HOUR)
    assert heard.told == []


def test_the_narrowest_series_tells_it(db: Database, watch: Callable[..., Spikes]) -> None:
    ordinary(db, NOON)
    for mood in ("positive", "neutral"):
        ordinary(db, NOON, seed=7, sentiment=mood, topic="other", complaint=False)
    for topic in ("billing", "price"):
        ordinary(db, NOON, seed=8, topic=topic)
    burst(db, NOON, 60, topic="billing")
    watch(db).tick(NOON + HOUR)
    (row,) = rows(db)
    assert (row.sentiment, row.topic) == ("negative", "billing")


def test_what_goes_through_all_topics_is_told_by_the_mood(db: Database, watch: Callable[..., Spikes]) -> None:
    topics = ("billing", "price", "delivery", "outage")
    for n, topic in enumerate(topics):
        ordinary(db, NOON, seed=n, topic=topic)
        ordinary(db, NOON, seed=10 + n, topic=topic, sentiment="positive", complaint=False)
        burst(db, NOON, 40, topic=topic)
    watch(db).tick(NOON + HOUR)
    assert [(row.sentiment, row.topic) for row in rows(db)] == [("negative", "")]


def test_two_moods_at_once_are_two_events(db: Database, watch: Callable[..., Spikes]) -> None:
    for n, (mood, topic) in enumerate((("positive", "other"), ("negative", "billing"), ("neutral", "price"))):
        ordinary(db, NOON, seed=n, sentiment=mood, topic=topic)
    burst(db, NOON, 50, sentiment="positive", topic="other", complaint=False)
    burst(db, NOON, 50, topic="billing")
    watch(db).tick(NOON + HOUR)
    told = {(row.sentiment, row.topic) for row in rows(db)}
    assert told in ({("positive", "other"), ("negative", "billing")}, {("", "")})


def test_mentions_that_come_late_do_not_alert(db: Database, watch: Callable[..., Spikes], heard: Heard) -> None:
    ordinary(db, NOON)
    burst(db, NOON - 8 * HOUR, 80)
    watch(db).tick(NOON)
    assert heard.told == []


def test_last_weeks_peak_does_not_make_this_weeks_usual(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON + WEEK)
    spikes = watch(db)
    burst(db, NOON, 60)
    spikes.tick(NOON + HOUR)
    spikes.tick(NOON + 6 * HOUR)
    assert heard.take() == ["opened", "ended"]
    burst(db, NOON + WEEK, 60)
    spikes.tick(NOON + WEEK + HOUR)
    assert heard.take() == ["opened"]
    first, second = (row.usual / ((row.until - row.began_at) / HOUR) for row in rows(db))
    assert abs(second - first) < 2


def test_what_lasts_becomes_the_usual_and_is_not_told_again_at_once(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON)
    ordinary(db, NOON + 5 * DAY, weeks=1, rate=lambda at: 30.0 if at >= NOON else 0.0, seed=3)
    spikes = watch(db)
    for hour in range(2, 5 * 24, 6):
        spikes.tick(NOON + hour * HOUR)
    assert heard.take().count("opened") <= 2


def test_a_source_that_was_just_added_makes_no_peak(db: Database, watch: Callable[..., Spikes], heard: Heard) -> None:
    ordinary(db, NOON)
    ordinary(db, NOON, weeks=1, source="news", rate=lambda at: 30.0 if at >= NOON - DAY else 0.0, late=DAY)
    ordinary(db, NOON + DAY, weeks=1, source="news", rate=lambda at: 30.0 if at >= NOON else 0.0)
    ordinary(db, NOON + DAY, weeks=1, rate=lambda at: 4.0 if at >= NOON else 0.0, seed=4)
    spikes = watch(db)
    for hour in range(0, 24, 6):
        spikes.tick(NOON + hour * HOUR)
    assert heard.told == []


def test_few_weeks_of_history_are_taken_together_and_said_so(db: Database, watch: Callable[..., Spikes]) -> None:
    start = NOON - 5 * DAY
    ordinary(db, NOON, rate=lambda at: 5.0 if at >= start else 0.0)
    burst(db, NOON, 60)
    watch(db).tick(NOON + HOUR)
    (row,) = rows(db)
    assert row.ground == "only 5 days so far: this hour of all days"


def test_without_any_history_nothing_is_told(db: Database, watch: Callable[..., Spikes], heard: Heard) -> None:
    burst(db, NOON, 8)
    watch(db).tick(NOON + HOUR)
    assert heard.told == []


def test_two_replicas_open_an_event_once(any_db: Database, watch: Callable[..., Spikes]) -> None:
    ordinary(any_db, NOON)
    burst(any_db, NOON, 60)
    one, other = watch(any_db), watch(any_db)
    with any_db.read() as session:
        seen = other._seen(session, [], NOON + HOUR)  # it looked before the first one had written
    assert one.tick(NOON + HOUR) == 1
    with any_db.write() as session:
        assert sum(other._keep(session, spike, NOON + HOUR) for spike in seen) == 0
    assert len(rows(any_db)) == 1


@pytest.mark.parametrize("told", [True, False])
def test_a_competitors_peak_is_told_where_that_is_wanted_and_that_of_a_brand_no_longer_watched_never(
    db: Database, watch: Callable[..., Spikes], told: bool
) -> None:
    brands = [{"name": "Acme", "match": "acme"}, {"name": "Beta", "match": "beta", "competitor": True}]
    for name in ("Beta", "Old"):
        ordinary(db, NOON, brands=[name])
        burst(db, NOON, 60, brands=[name])
    watch(db, brands=brands, spikes={"competitors": told}).tick(NOON + HOUR)
    assert [row.brand for row in rows(db)] == (["Beta"] if told else [])


def test_words_that_rise_are_told_and_quoted_until_they_are_removed(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON)
    ids = burst(db, NOON, 40, text="Acme strike: no parcels today")
    spikes = watch(db)
    spikes.tick(NOON + HOUR)
    (row,) = rows(db)
    assert any("strike" in term for term in row.terms)
    assert len(row.quoted) == 1  # all of them say the same
    assert row.quoted[0] in ids
    heard.take()
    with db.write() as session:
        session.execute(update(MentionRow).where(MentionRow.id == row.quoted[0]).values(removed_at=NOON, text=""))
    spikes.tick(NOON + HOUR + MINUTE)
    assert "unquoted" in heard.take()
    assert row.quoted[0] not in rows(db)[0].quoted


def busy(at: datetime) -> float:
    return 12.0


def quiet_since(start: datetime) -> Callable[[datetime], float]:
    return lambda at: 12.0 if at < start else 0.0


def test_a_source_that_falls_silent_is_told_once_and_when_it_speaks_again(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON + 6 * HOUR, rate=quiet_since(NOON - HOUR))
    ordinary(db, NOON + 6 * HOUR, rate=busy, source="news", seed=2)
    spikes = watch(db)
    for minutes in range(0, 300, 30):
        spikes.tick(NOON + minutes * MINUTE)
    (row,) = rows(db)
    assert (row.kind, row.source, row.brand) == ("hush", "x", "")
    assert heard.take()[0] == "opened"
    burst(db, NOON + 5 * HOUR, 60, over=6 * HOUR)
    spikes.tick(NOON + 9 * HOUR)
    assert "ended" in heard.take()


def test_when_everything_is_silent_that_is_one_event(db: Database, watch: Callable[..., Spikes]) -> None:
    for n, source in enumerate(("x", "news")):
        ordinary(db, NOON, rate=quiet_since(NOON - 5 * HOUR), source=source, seed=n)
    spikes = watch(db)
    for minutes in range(0, 120, 15):
        spikes.tick(NOON + minutes * MINUTE)
    assert [(row.kind, row.source, row.brand) for row in rows(db)] == [("hush", "", "")]


def test_a_brand_that_nobody_talks_about_any_more_is_told_where_its_sources_speak(
    db: Database, watch: Callable[..., Spikes]
) -> None:
    brands = [{"name": "Acme", "match": "acme"}, {"name": "Beta", "match": "beta"}]
    ordinary(db, NOON, rate=quiet_since(NOON - 6 * HOUR), brands=["Beta"])
    ordinary(db, NOON, rate=busy, seed=2)
    watch(db, brands=brands).tick(NOON + 20 * MINUTE)
    assert [(row.kind, row.source, row.brand) for row in rows(db)] == [("hush", "", "Beta")]


def test_nothing_is_silent_while_mentions_wait_to_be_judged(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON, rate=quiet_since(NOON - 6 * HOUR))
    with db.write() as session:
        given = {"source": "x", "external_id": "w", "text": "acme", "brands": ["Acme"], "judging": "waiting"}
        session.add(MentionRow(**given, posted_at=NOON - HOUR, seen_at=NOON - HOUR))
    watch(db).tick(NOON + 20 * MINUTE)
    assert heard.told == []


def test_a_source_whose_mentions_always_come_a_day_late_is_not_silent(
    db: Database, watch: Callable[..., Spikes], heard: Heard
) -> None:
    ordinary(db, NOON, rate=quiet_since(NOON - 20 * HOUR), late=DAY)
    watch(db).tick(NOON + 20 * MINUTE)
    assert heard.told == []
