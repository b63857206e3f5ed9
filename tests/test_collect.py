from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from monitor import faults
from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.collect import CollectStage
from monitor.database import Database
from monitor.errors import AuthError, ConfigurationError, FirsthourError, GiveUp, Refused, RetryLater
from monitor.models import CaseRow, MentionRow, RejectRow, SourceState
from monitor.settings import BrandSettings, SourceSettings
from monitor.source_reports import BudgetReport, SourceReport
from monitor.sources.base import Author, Capabilities, Cursor, Engagement, Item, Page, SeenReply
from monitor.spread import Spread

MINUTE = timedelta(minutes=1)
BRANDS = Brands([BrandSettings(name="Acme", match="acme", accounts=["acmehelp"])])


class Shelf:
    """A source whose pages lie ready: `pages[n]` is what cursor n gets."""

    def __init__(self, name: str = "shelf") -> None:
        self.name = name
        self.pages: list[list[Item]] = []
        self.error: Exception | None = None
        self.cursors: list[Cursor | None] = []
        self.replies: dict[str, SeenReply] = {}
        self.capabilities = Capabilities(sees_replies=True)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self.cursors.append(cursor)
        if self.error is not None:
            raise self.error
        at = cursor["at"] if cursor else 0
        items = self.pages[at] if at < len(self.pages) else []
        after = min(at + 1, len(self.pages))
        return Page(tuple(items), {"at": after}, more=after < len(self.pages))

    def check(self) -> str:
        return "ok"

    def replies_to(self, external_ids: tuple[str, ...], accounts: frozenset[str]) -> dict[str, SeenReply]:
        if self.error is not None:
            raise self.error
        return {id: reply for id, reply in self.replies.items() if id in external_ids and reply.author in accounts}

    def close(self) -> None:
        pass


@dataclass
class Told:
    reports: list[SourceReport] = field(default_factory=list)
    replies: list[tuple[int, SeenReply]] = field(default_factory=list)
    spreads: list[Spread] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)
    budgets: list[BudgetReport] = field(default_factory=list)

    def budget_report(self, session: Session, report: BudgetReport) -> None:
        self.budgets.append(report)

    def source_report(self, session: Session, report: SourceReport) -> None:
        self.reports.append(report)

    def spread_grew(self, session: Session, spread: Spread, now: datetime) -> None:
        self.spreads.append(spread)

    def words_gone(self, session: Session, case_id: int, mention_id: int, now: datetime) -> None:
        self.gone.append((case_id, mention_id))

    def reply_seen(self, session: Session, case_id: int, reply: SeenReply) -> None:
        self.replies.append((case_id, reply))


def stage(
    db: Database,
    clock: ManualClock,
    *shelves: Shelf,
    told: Told | None = None,
    owner: str = "w",
    brands: Brands = BRANDS,
    **options: Any,
) -> CollectStage:
    settings = {"every": "1m"} | options
    sources = {s.name: (s, SourceSettings(name=s.name, type="replay", **settings)) for s in shelves}
    return CollectStage(db, clock, sources, brands, owner, [told] if told else [], jitter=lambda: 1.0)


def item(id: str, text: str = "acme is late", at: datetime | None = None, **more: Any) -> Item:
    return Item(id, text, at or datetime(2026, 11, 20, 11, 58, tzinfo=UTC), **more)


def ids(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow.external_id).order_by(MentionRow.id)))


def state(db: Database, name: str = "shelf") -> SourceState:
    with db.read() as session:
        return session.get_one(SourceState, name)


def open_case(db: Database, mention: str, **values: Any) -> int:
    with db.write() as session:
        row = session.scalars(select(MentionRow).where(MentionRow.external_id == mention)).one()
        given = {"brand": "Acme", "source": row.source, "state": "open", "severity": "low", "topic": "other"}
        given |= {"language": "en", "opened_at": row.seen_at, "posted_at": row.posted_at, "policy": "default"}
        case = CaseRow(mention_id=row.id, clock="running", conversation=row.conversation, **(given | values))
        session.add(case)
        session.flush()
        row.case_id = case.id
        return case.id


@pytest.fixture
def fault() -> Iterator[Callable[[str], None]]:
    """Die at the step of this name, once."""

    def arm(name: str) -> None:
        def hook(step: str) -> None:
            if step == name:
                faults.hook = None
                raise KeyboardInterrupt(step)

        faults.hook = hook

    yield arm
    faults.hook = None


def test_a_page_is_stored_with_its_cursor_and_the_next_poll_goes_on_from_there(
    any_db: Database, clock: ManualClock
) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1"), item("2", "nothing")], [item("3")]]
    collect = stage(any_db, clock, shelf)
    assert collect.run_once() == 2
    assert ids(any_db) == ["1", "3"]
    assert collect.run_once() == 0
    clock.move(MINUTE)
    shelf.pages.append([item("4")])
    assert collect.run_once() == 1
    assert shelf.cursors == [None, {"at": 1}, {"at": 2}]
    found = state(any_db)
    assert (found.cursor, found.failures, found.last_success_at) == ({"at": 3}, 0, clock.now())
    assert found.newest_posted_at == datetime(2026, 11, 20, 11, 58, tzinfo=UTC)
    assert found.lease_owner is None


def test_a_source_is_polled_when_it_is_due_and_not_before(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    collect = stage(db, clock, shelf)
    for _ in range(10):
        collect.run_once()
        clock.move(timedelta(seconds=20))
    assert len(shelf.cursors) == 4


def test_a_long_backlog_is_read_in_turns(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item(str(n))] for n in range(25)]
    collect = stage(db, clock, shelf)
    assert [collect.run_once() for _ in range(4)] == [10, 10, 5, 0]


STEPS = ("claimed", "fetched", "stored", "stored_cursor", "committed")


@pytest.mark.parametrize("step", ["mentions.inserted", *(f"collect.{step}" for step in STEPS)])
def test_dying_between_any_two_steps_loses_and_doubles_nothing(
    any_db: Database, clock: ManualClock, fault: Callable[[str], None], step: str
) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1"), item("2")], [item("3")]]
    fault(step)
    with pytest.raises(KeyboardInterrupt):
        stage(any_db, clock, shelf).run_once()
    clock.move(timedelta(minutes=3))  # the dead worker's lease runs out
    stage(any_db, clock, shelf, owner="successor").run_once()
    assert ids(any_db) == ["1", "2", "3"]
    assert state(any_db).cursor == {"at": 2}


def test_a_worker_whose_lease_ran_out_stores_nothing(any_db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1")]]
    slow = stage(any_db, clock, shelf)

    def overtake(step: str) -> None:
        if step == "collect.fetched":
            faults.hook = None
            clock.move(timedelta(minutes=3))
            shelf.pages = [[item("2")]]
            assert stage(any_db, clock, shelf, owner="other").run_once() == 1

    faults.hook = overtake
    try:
        assert slow.run_once() == 0
    finally:
        faults.hook = None
    assert ids(any_db) == ["2"]


def test_a_failing_source_backs_off_alone_and_is_logged_once(db: Database, clock: ManualClock) -> None:
    bad, good = Shelf("bad"), Shelf("good")
    bad.error = RetryLater("503")
    collect = stage(db, clock, bad, good)
    with capture_logs() as logs:
        for _ in range(600):
            collect.run_once()
            clock.move(timedelta(seconds=10))
        assert len(good.cursors) == 100
        assert len(bad.cursors) == pytest.approx(12, abs=2)  # 5, 10, 20 ... 640, then every 900 s
        assert (state(db, "bad").failures, state(db, "bad").error) == (len(bad.cursors), "503")
        bad.error = None
        clock.move(timedelta(minutes=15))
        collect.run_once()
        collect.run_once()
    about = [entry["event"] for entry in logs if entry.get("source") == "bad"]
    assert about == ["source fails", "source works again"]
    assert (state(db, "bad").failures, state(db, "bad").failing_since, state(db, "bad").error) == (0, None, None)


@pytest.mark.parametrize(("asked", "waits"), [(77, 77), (1800, 1800), (10**7, 3600)])
def test_a_service_that_asks_for_time_gets_it(db: Database, clock: ManualClock, asked: int, waits: int) -> None:
    shelf = Shelf()
    shelf.error = RetryLater("429", after=timedelta(seconds=asked))
    collect = stage(db, clock, shelf)
    collect.run_once()
    clock.move(timedelta(seconds=waits - 1))
    collect.run_once()
    assert len(shelf.cursors) == 1
    clock.move(timedelta(seconds=1))
    collect.run_once()
    assert len(shelf.cursors) == 2


def test_the_operator_is_told_once_of_lasting_trouble_and_once_of_its_end(any_db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    shelf.error = RetryLater("503")
    collect, other = stage(any_db, clock, shelf, told=told), stage(any_db, clock, shelf, told=told, owner="other")
    began = clock.now()
    for _ in range(40):
        collect.run_once()
        other.run_once()
        clock.move(timedelta(seconds=30))
    (report,) = told.reports
    assert (report.state, report.since, report.error) == ("failing", began, "503")
    assert report.at - began == timedelta(minutes=5)
    shelf.error = None
    clock.move(timedelta(minutes=15))
    collect.run_once()
    clock.move(MINUTE)
    collect.run_once()
    assert [r.state for r in told.reports] == ["failing", "recovered"]


def test_short_trouble_is_nobodys_news(db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(db, clock, shelf, told=told)
    shelf.error = RetryLater("503")
    collect.run_once()
    shelf.error = None
    clock.move(MINUTE)
    collect.run_once()
    assert told.reports == []
    assert state(db).failures == 0


@pytest.mark.parametrize("error", [AuthError("sources.shelf", "401"), ConfigurationError("sources.shelf.url", "no")])
def test_a_refused_configuration_stops_the_polls_until_it_changes(
    db: Database, clock: ManualClock, error: FirsthourError
) -> None:
    shelf, told = Shelf(), Told()
    shelf.error = error
    collect = stage(db, clock, shelf, told=told)
    for _ in range(50):
        collect.run_once()
        clock.move(MINUTE)
    assert len(shelf.cursors) == 1
    assert [report.state for report in told.reports] == ["stopped"]
    stage(db, clock, shelf, told=told, owner="restarted").run_once()
    assert len(shelf.cursors) == 1
    shelf.error = None
    stage(db, clock, shelf, told=told, path="changed").run_once()
    assert len(shelf.cursors) == 2
    assert [report.state for report in told.reports] == ["stopped", "recovered"]
    assert state(db).stopped_for is None


@pytest.mark.parametrize("error", [KeyError("bug"), GiveUp("never")])
def test_whatever_leaves_a_source_is_tried_again(db: Database, clock: ManualClock, error: Exception) -> None:
    shelf = Shelf()
    shelf.error = error
    collect = stage(db, clock, shelf)
    collect.run_once()
    assert state(db).failures == 1
    shelf.error, shelf.pages = None, [[item("1")]]
    clock.move(MINUTE)
    assert collect.run_once() == 1


def test_a_clock_set_back_stops_no_source(db: Database, clock: ManualClock) -> None:
    good, bad = Shelf("good"), Shelf("bad")
    bad.error = RetryLater("503")
    collect = stage(db, clock, good, bad)
    collect.run_once()
    collect.run_once()
    clock.move(-timedelta(days=2))
    for _ in range(6):
        collect.run_once()
    assert (len(good.cursors), len(bad.cursors)) == (2, 2)
    clock.move(MINUTE)
    collect.run_once()
    collect.run_once()
    assert (len(good.cursors), len(bad.cursors)) == (3, 3)


def test_threads_share_the_sources_out(db: Database, clock: ManualClock) -> None:
    shelves = [Shelf(f"s{n}") for n in range(8)]
    for shelf in shelves:
        shelf.pages = [[item(f"{shelf.name}-{n}") for n in range(20)]]
    workers = [stage(db, clock, *shelves, owner=f"w{n}") for n in range(4)]
    done: list[int] = []

    def work(collect: CollectStage) -> None:
        while result := collect.run_once():
            done.append(result)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    while workers[0].run_once():
        pass
    assert len(ids(db)) == 160
    assert all(len(shelf.cursors) == 1 for shelf in shelves)


def test_a_person_may_poll_a_source_that_is_not_due_or_stopped(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item(str(n)), item(f"x{n}", "nothing")] for n in range(30)]
    collect = stage(db, clock, shelf)
    result = collect.poll("shelf")
    assert (result.pages, result.new, result.unmatched) == (30, 30, 30)
    shelf.error = AuthError("sources.shelf", "401")
    for _ in range(2):
        with pytest.raises(AuthError):
            collect.poll("shelf")
    shelf.error = None
    assert collect.poll("shelf").new == 0
    assert state(db).stopped_for is None


def test_a_poll_by_hand_of_an_unknown_or_busy_source_is_refused(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    collect = stage(db, clock, shelf)
    with pytest.raises(ConfigurationError, match='did you mean "shelf"'):
        collect.poll("shelv")
    collect.poll("shelf")
    with db.write() as session:
        session.execute(update(SourceState).values(lease_owner="x", lease_until=clock.now() + MINUTE))
    with pytest.raises(Refused, match="another worker"):
        collect.poll("shelf")


def test_an_item_that_the_database_refuses_becomes_a_reject(any_db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1"), item("2", rating=object()), item("3", conversation=7), item("4")]]  # type: ignore[arg-type]
    with capture_logs():
        assert stage(any_db, clock, shelf).run_once() == 2
    assert ids(any_db) == ["1", "4"]
    with any_db.read() as session:
        assert sorted(session.scalars(select(RejectRow.external_id))) == ["2", "3"]


def test_a_locked_database_loses_nothing(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1")]]
    collect = stage(db, clock, shelf)
    collect.run_once()
    shelf.pages.append([item("2")])
    clock.move(MINUTE)
    path = db.url.database
    assert path is not None

    with closing(sqlite3.connect(path, isolation_level=None)) as other:

        def lock(step: str) -> None:
            if step == "collect.fetched":
                other.execute("BEGIN IMMEDIATE")

        faults.hook = lock
        impatient(db)
        try:
            with pytest.raises(OperationalError, match="locked"):
                collect.run_once()
        finally:
            faults.hook = None
            other.execute("ROLLBACK")
    assert ids(db) == ["1"]
    assert collect.run_once() == 1
    assert ids(db) == ["1", "2"]


def test_a_full_disk_loses_nothing(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    collect = stage(db, clock, shelf)
    collect.run_once()
    shelf.pages = [[item(str(n), "acme " + "x" * 50_000) for n in range(20)]]
    clock.move(MINUTE)
    with db.read() as session:
        pages = session.connection().exec_driver_sql("PRAGMA page_count").scalar_one()
    db.engine.dispose()
    limit(db, f"PRAGMA max_page_count = {pages + 5}")
    with pytest.raises(OperationalError, match="full"):
        collect.run_once()
    assert ids(db) == []
    assert state(db).cursor == {"at": 0}
    limit(db, "PRAGMA max_page_count = 1000000")
    assert collect.run_once() == 20


def impatient(db: Database) -> None:
    db.engine.dispose()
    limit(db, "PRAGMA busy_timeout = 1")


def limit(db: Database, pragma: str) -> None:
    """For every connection of the pool from now on."""
    from sqlalchemy import event

    @event.listens_for(db.engine, "checkout")
    def _limit(connection: Any, *_: object) -> None:
        connection.execute(pragma)


@pytest.mark.parametrize("link", ["parent", "conversation"])
def test_a_reply_of_the_brand_that_comes_as_a_mention_is_seen(any_db: Database, clock: ManualClock, link: str) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(any_db, clock, shelf, told=told)
    shelf.pages = [[item("1", conversation="t1")]]
    collect.run_once()
    case = open_case(any_db, "1")
    linked = {"parent": "1", "conversation": "t1"} if link == "parent" else {"conversation": "t1"}
    answer = item("2", "Sorry!", clock.now(), author=Author("AcmeHelp"), url="https://x.com/2", **linked)
    other = item("3", "me too, acme", clock.now(), author=Author("bob"), **linked)
    shelf.pages.append([answer, other])
    clock.move(MINUTE)
    collect.run_once()
    clock.move(MINUTE)
    collect.run_once()
    assert told.replies == [(case, SeenReply("2", answer.posted_at, "AcmeHelp", "https://x.com/2"))]


def test_an_open_case_that_many_more_have_seen_is_told_of(any_db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    counts = [Engagement(likes=5), Engagement(likes=50), Engagement(likes=500)]
    shelf.pages = [[item("1", engagement=each)] for each in counts[:1]]
    poller = stage(any_db, clock, shelf, told=told)
    poller.poll("shelf")
    case_id = open_case(any_db, "1")
    shelf.pages += [[item("1", engagement=each)] for each in counts[1:]]
    poller.poll("shelf")
    assert [(spread.case_id, spread.now.likes, spread.before.likes) for spread in told.spreads] == [(case_id, 500, 50)]


def test_the_brands_words_to_somebody_else_in_the_thread_are_no_reply(db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(db, clock, shelf, told=told)
    shelf.pages = [[item("1", conversation="t1")]]
    collect.run_once()
    open_case(db, "1")
    shelf.pages.append([item("9", "Thanks", clock.now(), author=Author("acmehelp"), parent="8", conversation="t1")])
    clock.move(MINUTE)
    collect.run_once()
    assert told.replies == []


def test_replies_are_looked_for_on_the_source_for_open_cases(any_db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(any_db, clock, shelf, told=told)
    shelf.pages = [[item(str(n)) for n in range(5)]]
    collect.run_once()
    cases = [open_case(any_db, str(n)) for n in range(4)] + [open_case(any_db, "4", state="resolved")]
    shelf.replies = {str(n): SeenReply(f"r{n}", clock.now(), "acmehelp") for n in (1, 4)}
    shelf.replies["2"] = SeenReply("r2", clock.now(), "stranger")
    assert collect.check_replies() == 1
    assert told.replies == [(cases[1], shelf.replies["1"])]


@pytest.mark.parametrize("one_answer", [True, False])
def test_the_owners_answer_to_a_review_counts_though_the_brand_names_no_account(
    db: Database, clock: ManualClock, one_answer: bool
) -> None:
    shelf, told = Shelf(), Told()
    shelf.capabilities = Capabilities(sees_replies=True, one_answer=one_answer)
    collect = stage(db, clock, shelf, told=told, brands=Brands([BrandSettings(name="Acme", match="acme")]))
    shelf.pages = [[item("1")]]
    collect.run_once()
    case, answer = open_case(db, "1"), SeenReply("r1", clock.now(), "the developer")
    shelf.replies_to = lambda external_ids, accounts: {"1": answer}  # type: ignore[method-assign]
    assert collect.check_replies() == one_answer
    assert told.replies == ([(case, answer)] if one_answer else [])


def test_many_open_cases_are_checked_in_turns(db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(db, clock, shelf, told=told)
    shelf.pages = [[item(str(n)) for n in range(5)]]
    collect.run_once()
    cases = [open_case(db, str(n)) for n in range(5)]
    shelf.replies = {str(n): SeenReply(f"r{n}", clock.now(), "acmehelp") for n in range(5)}
    assert [collect.check_replies(limit=2) for _ in range(3)] == [2, 2, 1]
    assert [case for case, _ in told.replies] == cases


def test_an_old_reply_does_not_answer_new_words(db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    collect = stage(db, clock, shelf, told=told)
    shelf.pages = [[item("1"), item("2")]]
    collect.run_once()
    open_case(db, "1", state="reopened", clock_kind="next", starts_at=clock.now())
    open_case(db, "2", state="reopened", first_response_at=clock.now())
    shelf.replies = {n: SeenReply("r", clock.now() - timedelta(seconds=1), "acmehelp") for n in ("1", "2")}
    assert collect.check_replies() == 0


def test_a_reply_stored_before_its_case_was_opened_is_found(any_db: Database, clock: ManualClock) -> None:
    shelf, told = Shelf(), Told()
    shelf.capabilities = Capabilities()
    collect = stage(any_db, clock, shelf, told=told)
    answer = item("2", "Sorry!", clock.now(), author=Author("acmehelp"), parent="1", conversation="t")
    shelf.pages = [[item("1", conversation="t"), answer]]
    collect.run_once()
    assert told.replies == []
    case = open_case(any_db, "1")
    assert collect.check_replies() == 1
    assert told.replies[0][0] == case


def test_a_source_that_cannot_say_whether_there_are_replies_is_asked_again(db: Database, clock: ManualClock) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1")]]
    collect = stage(db, clock, shelf)
    collect.run_once()
    open_case(db, "1")
    shelf.error = RetryLater("503")
    with capture_logs() as logs:
        assert collect.check_replies() == 0
    assert [entry["event"] for entry in logs] == ["replies could not be looked for"]


def test_a_read_only_database_is_an_error_that_loses_nothing(db: Database, clock: ManualClock, tmp_path: Path) -> None:
    shelf = Shelf()
    shelf.pages = [[item("1")]]
    collect = stage(db, clock, shelf)
    limit(db, "PRAGMA query_only = 1")
    with pytest.raises(OperationalError, match="readonly"):
        collect.run_once()
    limit(db, "PRAGMA query_only = 0")
    assert collect.run_once() == 1
