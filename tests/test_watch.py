"""What the operator is told when the service itself does not work: once, and once when it does again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from fake_slack import CHANNEL, OPS, FakeSlack, Fault
from office import Office

from monitor import lag
from monitor.alerts import silences
from monitor.alerts.console import ConsoleTransport
from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import RetryLater
from monitor.from_sources import FromSources
from monitor.leases import worker_name
from monitor.models import MentionRow, SourceState
from monitor.scheduler import Scheduler
from monitor.settings import Settings
from monitor.sources.base import Capabilities, Page
from monitor.watch import Watch

SOURCES = [{"name": "feed", "type": "replay", "path": "x", "every": "1m"}]


@pytest.fixture
def slack(clock: ManualClock) -> Iterator[FakeSlack]:
    with FakeSlack(now=lambda: clock.now().timestamp()).running() as server:
        yield server


@pytest.fixture
def make_office(
    any_db: Database, clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]
) -> Callable[..., Office]:
    def make(**sections: Any) -> Office:
        told = {"slack": {"ops_channel": OPS}, "sources": SOURCES} | sections
        return Office(any_db, clock, slack, make_settings, told)

    return make


def passing(office: Office, watch: Watch, minutes: int) -> list[str]:
    """Let time pass, a look a minute; what the ops channel was told meanwhile."""
    before = len(office.slack.posted(channel=OPS))
    for _ in range(minutes):
        office.later(minutes=1)
        watch.look(office.clock.now())
        office.deliver()
    return [message["text"] for message in office.slack.posted(channel=OPS)[before:]]


def watching(office: Office) -> Watch:
    return Watch(office.db, office.clock, office.settings, office.announcer.ops)


def read(office: Office) -> None:
    with office.db.write() as session:
        session.merge(SourceState(name="feed", last_success_at=office.clock.now(), failures=0, attempt=0))


def test_a_daemon_that_has_read_nothing_for_an_hour_says_so_once_and_once_when_it_works_again(
    make_office: Callable[..., Office],
) -> None:
    office = make_office()
    watch = watching(office)
    read(office)
    assert passing(office, watch, 60) == []
    (said,) = passing(office, watch, 100)
    assert said == (
        "Nothing has been read from any source since 12:00 UTC (62 min). "
        "Does a process with the role collect run? GET /readyz says more."
    )
    read(office)
    assert passing(office, watch, 10) == ["Sources are read again, after 161 min."]


def test_a_restart_neither_alarms_at_once_nor_ends_an_alarm(make_office: Callable[..., Office]) -> None:
    office = make_office()
    read(office)
    office.later(hours=8)
    watch = watching(office)  # the service was off over night
    assert passing(office, watch, 60) == []
    assert len(passing(office, watch, 10)) == 1
    assert passing(office, watching(office), 20) == []  # restarted, and still nothing
    read(office)
    assert len(passing(office, watching(office), 5)) == 1


def test_a_backlog_of_mentions_is_told_once_and_so_is_its_end(make_office: Callable[..., Office]) -> None:
    office = make_office(ops={"judging_after": "10m"})
    watch, now = watching(office), office.clock.now()
    with office.db.write() as session:
        row = MentionRow(source="feed", external_id="1", text="x", brands=[], posted_at=now, seen_at=now)
        session.add(row)
        session.flush()
        waiting = row.id
    assert passing(office, watch, 10) == []
    (said,) = passing(office, watch, 30)
    assert said.startswith("Mentions have waited to be judged since 12:00 UTC (12 min). Does a process")
    with office.db.write() as session:
        session.get_one(MentionRow, waiting).judging = "judged"
    assert passing(office, watch, 5) == ["Mentions are judged again as they come, after 41 min."]


def test_what_is_over_at_the_next_look_is_nobodys_news(make_office: Callable[..., Office]) -> None:
    office = make_office()
    watch, long_ago = watching(office), office.clock.now() - timedelta(days=3)
    with office.db.write() as session:  # a review from long ago that was edited just now
        row = MentionRow(source="feed", external_id="1", text="x", brands=[], posted_at=long_ago, seen_at=long_ago)
        session.add(row)
        session.flush()
        waiting = row.id
    passing(office, watch, 1)
    with office.db.write() as session:
        session.get_one(MentionRow, waiting).judging = "judged"
    assert passing(office, watch, 3) == []


def test_messages_that_do_not_go_out_are_told_by_every_other_way(
    make_office: Callable[..., Office], slack: FakeSlack
) -> None:
    steps = [{"at": "60m", "notify": "json://user:secret@127.0.0.1:9/pager"}]
    office = make_office(clock={"steps": steps})
    paged: list[str] = []
    office.transports["apprise"] = ConsoleTransport(paged.append)
    office.stage = office.new_stage()
    watch = watching(office)
    slack.fault = lambda method, args: Fault("refused", error="is_archived") if method == "chat.postMessage" else None
    office.complain()
    assert passing(office, watch, 8) == []
    (pager,) = paged
    assert pager.startswith("Messages have waited to go out since 12:00 UTC (7 min). The first error: slack.channel")
    slack.fault = lambda method, args: None
    said = passing(office, watch, 30)
    assert [words.split(" ")[0] for words in said] == ["Messages", "Messages"]
    assert said[-1].startswith("Messages go out again as they come, after")
    assert len(slack.posted("alert", channel=CHANNEL)) == 1


def test_of_several_replicas_one_looks(make_office: Callable[..., Office]) -> None:
    office = make_office()
    watch = watching(office)
    office.later(hours=2)
    for _ in range(3):
        schedulers = [Scheduler(office.db, office.clock, worker_name(), []) for _ in range(3)]
        assert sum(scheduler.run(watch.job()) for scheduler in schedulers) == 1
        office.later(minutes=1)
    office.deliver()
    assert len(office.slack.posted(channel=OPS)) == 1


class Failing:
    """A source that does what it is told."""

    capabilities = Capabilities()

    def __init__(self) -> None:
        self.error: Exception | None = None

    def fetch(self, cursor: Any, now: Any) -> Page:
        if self.error is not None:
            raise self.error
        return Page(items=(), cursor={}, more=False)

    def close(self) -> None:
        pass


def test_a_source_that_fails_is_told_once_after_a_while_and_once_when_it_is_back(
    make_office: Callable[..., Office],
) -> None:
    office, source = make_office(ops={"source_after": "10m"}), Failing()
    settings = office.settings
    stage = CollectStage(
        office.db,
        office.clock,
        {"feed": (source, settings.sources[0])},  # type: ignore[dict-item]
        Brands(settings.brands, lambda text: None),
        "worker",
        [FromSources(office.cases, office.announcer)],
        report_after=settings.ops.source_after,
    )

    def polls(minutes: int) -> list[str]:
        before = len(office.slack.posted(channel=OPS))
        for _ in range(minutes):
            office.later(minutes=1)
            stage.run_once()
            office.deliver()
        return [message["text"] for message in office.slack.posted(channel=OPS)[before:]]

    assert polls(5) == []
    source.error = RetryLater("503 Service Unavailable")
    assert polls(10) == []
    assert polls(60) == ["Source feed has been failing for 10 min: 503 Service Unavailable"]
    source.error = None
    (back,) = polls(40)
    assert back.startswith("Source feed works again, after")


def test_what_goes_out_before_all_else_has_not_waited_longer_than_it_is_there(
    make_office: Callable[..., Office],
) -> None:
    office = make_office()
    now = office.clock.now()
    with office.db.write() as session:
        silences.away(session, "slack", CHANNEL, now - timedelta(minutes=20), now)  # whose summary will come first
        assert lag.unsent_since(session, now) == now
