"""Listening: what streams bring is stored like a page, polls find what streams lose, and nothing comes twice."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import URL, delete, select, update
from structlog.testing import capture_logs

from monitor import faults
from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import AuthError, RetryLater
from monitor.models import MentionRow, RejectRow, SourceState, StreamState
from monitor.settings import BrandSettings, SourceSettings
from monitor.source_health import source_health
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, SeenReply
from monitor.sources.streaming import News
from monitor.streams import LEASE, STEADY, Streams
from monitor.turns import RARER

MINUTE = timedelta(minutes=1)
BRANDS = Brands([BrandSettings(name="Acme", match="acme", accounts=["acmehelp"])])
Event = News | Exception | Callable[[], None]


class Radio:
    """A source with a stream: what is put `on_air` is heard, then (or when it is empty) the listener is stopped."""

    def __init__(self, name: str = "radio") -> None:
        self.name = name
        self.capabilities = Capabilities(stream=True)
        self.published: list[Item] = []
        self.polls = 0
        self.on_air: queue.Queue[Event] = queue.Queue()
        self.refusal: Exception | None = None
        self.over: Callable[[], object] = lambda: None
        self.open = 0

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self.polls += 1
        return Page(tuple(self.published[(cursor or {}).get("at", 0) :]), {"at": len(self.published)})

    def listen(self) -> Radio:
        if self.refusal is not None:
            raise self.refusal
        self.open += 1
        return self

    def hear(self, within: float) -> News:
        if self.on_air.empty():
            self.over()
            return News()
        event = self.on_air.get()
        if isinstance(event, Exception):
            raise event
        if isinstance(event, News):
            return event
        event()
        return News()

    def close(self) -> None:
        self.open -= 1

    def check(self) -> str:
        return "on the air"

    def replies_to(self, *_: Any) -> dict[str, SeenReply]:
        return {}


class Listeners:
    """A collector and its streams over one radio, as one process has them."""

    def __init__(self, db: Database, clock: ManualClock, radio: Radio, owner: str = "w") -> None:
        sources = {radio.name: (radio, SourceSettings(name=radio.name, type="replay", every="1m"))}  # type: ignore[arg-type]
        self.clock, self.radio, self.woken = clock, radio, list[str]()
        self.collect = CollectStage(db, clock, sources, BRANDS, owner, jitter=lambda: 1.0)
        self.streams = Streams(db, clock, sources, self.collect.intake, owner, self.woken.append, jitter=lambda: 1.0)

    def listen(self, *events: Event) -> None:
        """Listen until everything was heard."""
        for event in events:
            self.radio.on_air.put(event)
        self.streams._stop.clear()
        self.radio.over = self.streams._stop.set
        self.streams.listen(self.radio.name)


def item(id: str, text: str = "acme is late") -> Item:
    return Item(id, text, datetime(2026, 11, 20, 11, 58, tzinfo=UTC))


def ids(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow.external_id).order_by(MentionRow.id)))


def row(db: Database) -> StreamState:
    with db.read() as session:
        return session.get_one(StreamState, "radio")


@pytest.fixture
def radio() -> Radio:
    return Radio()


def test_what_is_heard_is_stored_at_once_and_the_next_stage_is_woken(
    any_db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(any_db, clock, radio)
    both.listen(News((item("1"), item("2", "about nothing"))), News((item("3"),), (Reject("no date", "{}"),)))
    assert ids(any_db) == ["1", "3"]
    assert both.woken == ["classify", "classify"]
    with any_db.read() as session:
        assert session.scalars(select(RejectRow.reason)).all() == ["no date"]
    assert radio.open == 0
    assert (row(any_db).lease_owner, row(any_db).connected_at) == (None, None)


def test_what_was_heard_and_then_polled_is_one_mention(db: Database, clock: ManualClock, radio: Radio) -> None:
    both = Listeners(db, clock, radio)
    radio.published = [item("1"), item("2")]
    both.listen(News((item("2"),)), News((item("2"), item("2"))))
    both.collect.run_once()
    assert ids(db) == ["2", "1"]
    both.listen(News((item("1"),)))
    assert ids(db) == ["2", "1"]


def test_what_a_reply_that_is_heard_answers_is_read_like_any_other(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    radio.capabilities = Capabilities(stream=True, parents=1)
    radio.parents = lambda ids: tuple(item(each) for each in ids)  # type: ignore[attr-defined]
    Listeners(db, clock, radio).listen(News((replace(item("2", "same here!!"), parent="1"),)))
    assert ids(db) == ["2"]


def test_an_item_that_cannot_be_stored_does_not_take_the_others_along(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    broken = Item("2", "acme", datetime(2026, 11, 20, 11, 58))  # noqa: DTZ001
    Listeners(db, clock, radio).listen(News((item("1"), broken, item("3"))))
    assert ids(db) == ["1", "3"]


def test_only_one_process_listens_to_a_source(any_db: Database, clock: ManualClock, radio: Radio) -> None:
    first, second = Listeners(any_db, clock, radio, "first"), Listeners(any_db, clock, radio, "second")
    opened: list[int] = []

    def meanwhile() -> None:
        second.streams.listen("radio")
        opened.append(radio.open)

    first.listen(meanwhile)
    assert opened == [1]
    second.listen(News((item("1"),)))
    assert ids(any_db) == ["1"]


def test_a_listener_whose_lease_ran_out_stores_nothing_and_leaves(
    any_db: Database, clock: ManualClock, radio: Radio
) -> None:
    slow, other = Listeners(any_db, clock, radio, "slow"), Listeners(any_db, clock, radio, "other")
    held: list[str | None] = []

    def overtake() -> None:
        clock.move(LEASE)
        with any_db.write() as session:
            session.execute(update(StreamState).values(lease_owner="other", attempt=StreamState.attempt + 1))
        held.append(row(any_db).lease_owner)

    slow.listen(overtake, News((item("1"),)))
    assert ids(any_db) == []
    assert row(any_db).lease_owner == "other"
    assert held == ["other"]
    other.listen()
    assert radio.open == 0


# polls while somebody listens


def polls(both: Listeners, minutes: int) -> int:
    """How often the source is polled in so many minutes while its stream stays connected."""
    before = both.radio.polls

    def minute() -> None:
        both.clock.move(MINUTE / 2)
        both.collect.run_once()

    for _ in range(2 * minutes):
        both.radio.on_air.put(minute)
    both.listen()
    return both.radio.polls - before


def test_polls_are_rarer_while_a_stream_is_connected_and_as_before_when_it_is_not(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    both.collect.run_once()
    settling = 1  # the first poll comes when it would have come: for what was written just before the connection
    assert polls(both, 20) == settling + (20 - settling) // RARER
    before = radio.polls
    for _ in range(20):
        clock.move(MINUTE / 2)
        both.collect.run_once()
    assert radio.polls - before == 10


def test_a_poll_that_has_waited_for_a_stream_comes_as_soon_as_the_stream_breaks(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    both.collect.run_once()

    def half_a_minute() -> None:
        clock.move(MINUTE / 2)
        both.collect.run_once()

    def lost() -> None:
        radio.published.append(item("lost"))
        half_a_minute()
        assert ids(db) == []

    with pytest.raises(RetryLater):
        both.listen(*[half_a_minute] * 4, lost, RetryLater("the line is dead"))
    both.collect.run_once()
    assert ids(db) == ["lost"]


def test_a_listener_that_was_killed_delays_no_poll_beyond_its_lease(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    both.collect.run_once()
    polls(both, 4)
    with db.write() as session:  # what a killed process leaves behind
        values = {"lease_owner": "dead", "lease_until": clock.now() + LEASE, "connected_at": clock.now() - 9 * MINUTE}
        session.execute(update(StreamState).values(**values))
    radio.published.append(item("1"))
    clock.move(max(LEASE, MINUTE))
    both.collect.run_once()
    assert ids(db) == ["1"]


def test_a_backlog_does_not_wait_for_a_stream(db: Database, clock: ManualClock, radio: Radio) -> None:
    both = Listeners(db, clock, radio)
    both.collect.run_once()
    polls(both, 4)
    with db.write() as session:
        session.execute(update(SourceState).values(next_poll_at=clock.now(), last_success_at=clock.now()))
    radio.published.append(item("1"))
    both.listen(both.collect.run_once)  # type: ignore[arg-type]
    assert ids(db) == ["1"]


def test_what_is_heard_makes_the_source_a_busy_one(any_db: Database, clock: ManualClock, radio: Radio) -> None:
    both = Listeners(any_db, clock, radio)
    both.collect.run_once()
    heard = [News((item(str(number)), item("0"))) for number in range(9)]
    both.listen(*heard)
    with any_db.read() as session:
        source = session.get_one(SourceState, "radio")
    assert (source.arrivals, source.newest_posted_at) == (1 + 9, item("0").posted_at)


def test_a_poll_and_a_stream_that_store_the_same_wait_for_one_another_never_both(
    pg_url: URL, clock: ManualClock, radio: Radio, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = Database(pg_url)
    both = Listeners(db, clock, radio)
    both.collect.run_once()
    radio.published = [item("1")]
    polling = threading.Thread(target=both.collect.poll, args=("radio",))
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def meanwhile(step: str) -> None:
        if step != "mentions.inserted" or polling.ident is not None:
            return
        polling.start()
        with db.engine.connect() as connection:
            while polling.is_alive() and not connection.exec_driver_sql(waiting).scalar():
                connection.rollback()

    monkeypatch.setattr(faults, "hook", meanwhile)
    both.listen(News((item("1"),)))
    polling.join()
    assert ids(db) == ["1"]
    db.close()


def test_health_tells_whether_a_source_is_listened_to_and_when_it_is_polled_all_the_same(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    settings = [SourceSettings(name="radio", type="replay", every="1m")]

    def told() -> tuple[str | None, str | None, float]:
        with db.read() as session:
            (one,) = source_health(session, settings, {"radio": (radio, settings[0])}, clock.now())  # type: ignore[dict-item]
        assert one.next_poll_at is not None
        return one.stream, one.waits_for, (one.next_poll_at - clock.now()).total_seconds()

    both.collect.run_once()
    assert told() == ("broken off", None, 60)

    def at_first() -> None:
        assert told() == ("connected", None, 60)
        clock.move(2 * MINUTE)
        both.collect.run_once()

    def later() -> None:
        assert told() == ("connected", "stream", 60 * RARER)

    both.listen(at_first, later)
    assert told() == ("broken off", None, 60)


# trouble


def test_a_broken_stream_is_logged_once_and_once_when_it_is_back(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    pauses = []
    with capture_logs() as logs:
        radio.refusal = RetryLater("no answer")
        for _ in range(4):
            with pytest.raises(RetryLater):
                both.listen()
            pauses.append(both.streams._failed("radio", radio.refusal))
        radio.refusal = None
        both.listen(lambda: clock.set(clock.now() + STEADY), News())
    assert [entry["event"] for entry in logs] == ["stream broke off", "stream works again"]
    assert pauses == [timedelta(seconds=s) for s in (5, 10, 20, 40)]


def test_a_short_connection_does_not_end_the_growing_of_the_pauses(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    both = Listeners(db, clock, radio)
    pauses = []
    for _ in range(3):
        with pytest.raises(RetryLater):
            both.listen(News((item("1"),)), RetryLater("hung up"))
        pauses.append(both.streams._failed("radio", RetryLater("hung up")).total_seconds())
    assert pauses == [5, 10, 20]


def test_a_service_that_asks_to_wait_is_obeyed_and_a_refusal_waits_longest(
    db: Database, clock: ManualClock, radio: Radio
) -> None:
    streams = Listeners(db, clock, radio).streams
    assert streams._failed("radio", RetryLater("slow down", timedelta(minutes=7))) == timedelta(minutes=7)
    assert streams._failed("radio", AuthError("sources.radio", "no scope")) == timedelta(minutes=15)


@pytest.mark.parametrize("step", ["streams.heard", "collect.stored", "mentions.inserted", "streams.committed"])
def test_dying_at_any_step_loses_and_doubles_nothing(
    any_db: Database, clock: ManualClock, radio: Radio, step: str
) -> None:
    both = Listeners(any_db, clock, radio)

    def hook(name: str) -> None:
        if name == step:
            faults.hook = None
            raise KeyboardInterrupt

    faults.hook = hook
    radio.published = [item("1"), item("2")]
    try:
        with pytest.raises(KeyboardInterrupt):
            both.listen(News((item("2"),)))
    finally:
        faults.hook = None
    Listeners(any_db, clock, radio, "successor").collect.run_once()
    assert sorted(ids(any_db)) == ["1", "2"]


def test_a_stop_ends_the_listening_and_gives_the_lease_back(db: Database, radio: Radio) -> None:
    clock, connected = ManualClock(datetime(2026, 11, 20, 12, tzinfo=UTC)), threading.Event()
    both = Listeners(db, clock, radio)
    radio.over = lambda: connected.set() or both.streams._stop.wait(0.01)  # type: ignore[func-returns-value]
    both.streams.start()
    assert connected.wait(60)
    assert both.streams.stop(within=60) == []
    assert (radio.open, row(db).lease_owner) == (0, None)


def test_a_stop_waits_for_no_stream_that_cannot_connect(db: Database, clock: ManualClock, radio: Radio) -> None:
    both = Listeners(db, clock, radio)
    connecting, released = threading.Event(), threading.Event()

    def hang() -> Radio:
        connecting.set()
        released.wait(60)
        raise RetryLater("no answer")

    radio.listen = hang  # type: ignore[method-assign]
    both.streams.start()
    assert connecting.wait(60)
    assert both.streams.stop(within=0.05) == ["firsthour-stream-radio"]
    released.set()
    assert both.streams.stop(within=60) == []


moves = st.lists(
    st.one_of(
        st.tuples(st.just("publish"), st.booleans()),  # whether the stream carries it
        st.tuples(st.just("repeat"), st.integers(0, 20)),
        st.tuples(st.sampled_from(["break", "garbage", "poll", "wait"]), st.just(0)),
    ),
    max_size=30,
)


@pytest.fixture
def once(db: Database, clock: ManualClock) -> Callable[[], Listeners]:
    """A new radio over the emptied database."""

    def make() -> Listeners:
        with db.write() as session:
            for table in (MentionRow, RejectRow, SourceState, StreamState):
                session.execute(delete(table))
        return Listeners(db, clock, Radio())

    return make


@given(moves)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_a_stream_loses_repeats_or_disorders_each_item_is_stored_once(
    once: Callable[[], Listeners], db: Database, did: list[tuple[str, Any]]
) -> None:
    both = once()
    radio = both.radio
    heard: list[Event] = []
    for what, given_ in did:
        if what == "publish":
            radio.published.append(item(str(len(radio.published))))
            if given_:
                heard.insert(len(heard) // 2, News((radio.published[-1],)))
        elif what == "repeat" and radio.published:
            heard.append(News((radio.published[given_ % len(radio.published)],) * 2))
        elif what == "garbage":
            heard.append(News((), (Reject("no JSON", "]"),)))
        elif what == "break":
            with pytest.raises(RetryLater):
                both.listen(*heard, RetryLater("broken"))
            heard.clear()
        elif what == "poll":
            both.collect.run_once()
        elif what == "wait":
            both.clock.move(MINUTE)
    both.listen(*heard)
    both.clock.move(MINUTE)
    both.collect.run_once()
    assert sorted(ids(db), key=int) == [each.external_id for each in radio.published]
