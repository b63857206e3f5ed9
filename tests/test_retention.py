"""A backup is one whole moment of a database in use; a purge takes the words and leaves the counts."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from monitor import faults
from monitor.brands import Brands
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import ConfigurationError, Refused
from monitor.mentions import store_page
from monitor.models import (
    CaseEventRow,
    CaseRow,
    DeliveryRow,
    FeaturesRow,
    IncidentRow,
    MentionRow,
    RejectRow,
    ReplyRow,
    RevisionRow,
    SilenceRow,
    SlotRow,
    SourceState,
)
from monitor.retention import BATCH, Purged, backup, purge
from monitor.settings import BrandSettings
from monitor.sources.base import Item, Page

YEAR = timedelta(days=365)
SECRET = "my card number was charged twice by Acme"


@pytest.fixture
def now(clock: ManualClock) -> datetime:
    return clock.now()


@pytest.fixture
def no_hook() -> Iterator[None]:
    yield
    faults.hook = None


def mention(number: int, seen_at: datetime, **given: Any) -> MentionRow:
    values: dict[str, Any] = {
        "source": "rss",
        "external_id": f"e{number}",
        "url": f"https://example.org/{number}",
        "text": SECRET,
        "author": "jane",
        "author_name": "Jane Doe",
        "brands": ["Acme"],
        "posted_at": seen_at,
        "seen_at": seen_at,
        "judging": "judged",
    }
    return MentionRow(**(values | given))


def add(db: Database, *rows: Any) -> list[int]:
    with db.write() as session:
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]


def add_case(db: Database, at: datetime, state: str = "resolved", **given: Any) -> int:
    """A case with its mention, an event with a note, and a delivery that was sent; all of the time `at`."""
    [first] = add(db, mention(int(at.timestamp() % 1e6), at, **given))
    case = CaseRow(
        mention_id=first,
        brand="Acme",
        source="rss",
        author="jane",
        state=state,
        severity="high",
        topic="billing",
        language="en",
        opened_at=at,
        posted_at=at,
        resolved_at=at if state == "resolved" else None,
        policy="default",
        clock="stopped",
    )
    [number] = add(db, case)
    with db.write() as session:
        session.get_one(MentionRow, first).case_id = number
        session.add(
            CaseEventRow(case_id=number, kind="note", actor="ann", origin="web", at=at, detail={"text": SECRET})
        )
        session.add(delivery(number, at))
    return number


def delivery(case: int | None, at: datetime, state: str = "sent") -> DeliveryRow:
    return DeliveryRow(
        key=f"{case}-{at.timestamp()}-{state}"[:32],
        kind="alert",
        case_id=case,
        transport="slack",
        target="C1",
        payload={"text": SECRET},
        state=state,
        created_at=at,
        not_before=at,
    )


def count(db: Database, table: Any, *conditions: Any) -> int:
    with db.read() as session:
        return session.scalars(select(func.count()).select_from(table).where(*conditions)).one()


def test_a_backup_is_the_whole_database_in_one_file_for_its_owner_alone(db: Database, tmp_path: Path) -> None:
    add(db, *[mention(n, datetime.fromisoformat("2026-11-20T12:00Z")) for n in range(1000)])
    target = tmp_path / "copy.sqlite"
    assert backup(db, target) == target.stat().st_size
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(p.name for p in tmp_path.glob("copy*")) == ["copy.sqlite"]
    copy = Database(f"sqlite:///{target}")
    assert count(copy, MentionRow) == 1000
    copy.close()


def test_writers_go_on_during_a_backup_which_keeps_to_the_moment_it_began(db: Database, tmp_path: Path) -> None:
    with db.write() as session:
        session.add(SourceState(name="large", error="x" * 8_000_000))
    reports = []

    def write_meanwhile(done: int, pages: int) -> None:
        reports.append((done, pages))
        with db.write() as session:
            session.add(SourceState(name=f"later {done}"))

    backup(db, tmp_path / "copy.sqlite", write_meanwhile)
    assert len(reports) > 1
    assert reports == sorted(set(reports)), "the copy began anew"
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as copy:
        assert copy.execute("SELECT name FROM sources").fetchall() == [("large",)]
    assert count(db, SourceState) == 1 + len(reports)


def test_a_backup_never_overwrites(db: Database, tmp_path: Path) -> None:
    (tmp_path / "copy.sqlite").write_text("last week")
    with pytest.raises(Refused, match="exists already"):
        backup(db, tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "last week"


def test_a_backup_that_fails_leaves_nothing_half_done(db: Database, tmp_path: Path, no_hook: None) -> None:
    def fail(_name: str) -> None:
        raise OSError("no space left")

    faults.hook = fail
    with pytest.raises(OSError, match="no space left"):
        backup(db, tmp_path / "copy.sqlite")
    assert list(tmp_path.glob("copy*")) == []


def test_a_backup_of_postgresql_is_left_to_its_own_tool(postgres: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="pg_dump"):
        backup(Database(postgres), tmp_path / "copy.sqlite")


def test_a_purge_takes_the_words_of_old_mentions_and_leaves_the_counts(any_db: Database, now: datetime) -> None:
    old, young = add(any_db, mention(1, now - YEAR - timedelta(seconds=1)), mention(2, now - YEAR))
    add(any_db, RevisionRow(mention_id=old, revision=0, text=SECRET, replaced_at=now))
    assert purge(any_db, now, YEAR) == Purged(mentions=1, removed=0, deliveries=0, rejects=0, slots=0)
    with any_db.read() as session:
        gone, kept = session.get_one(MentionRow, old), session.get_one(MentionRow, young)
    assert (gone.text, gone.url, gone.author, gone.author_name, gone.judging) == ("", None, None, None, "purged")
    assert (gone.external_id, gone.brands) == ("e1", ["Acme"])
    assert (kept.text, kept.author) == (SECRET, "jane")
    assert count(any_db, RevisionRow) == 0
    assert purge(any_db, now, YEAR) == Purged(0, 0, 0, 0, 0)


def test_a_purge_leaves_what_still_waits_to_be_judged(any_db: Database, now: datetime) -> None:
    add(any_db, mention(1, now - 2 * YEAR, judging="waiting"))
    assert purge(any_db, now, YEAR).mentions == 0


def test_a_purge_leaves_an_open_case_whole_however_old(any_db: Database, now: datetime) -> None:
    add_case(any_db, now - 2 * YEAR, state="taken", removed_at=now - YEAR)
    assert purge(any_db, now, YEAR) == Purged(0, 0, 0, 0, 0)
    assert count(any_db, CaseRow, CaseRow.author == "jane") == 1


def test_a_purge_takes_the_words_of_a_case_closed_long_ago(any_db: Database, now: datetime) -> None:
    number = add_case(any_db, now - 2 * YEAR)
    later = add_case(any_db, now - YEAR / 2)
    found = purge(any_db, now, YEAR)
    assert (found.mentions, found.deliveries) == (1, 1)
    with any_db.read() as session:
        case = session.get_one(CaseRow, number)
        assert (case.author, case.state, case.topic) == (None, "resolved", "billing")
        details = {event.case_id: event.detail for event in session.scalars(select(CaseEventRow))}
    assert details == {number: {}, later: {"text": SECRET}}
    assert count(any_db, DeliveryRow, DeliveryRow.case_id == later) == 1


def test_a_purge_never_deletes_a_message_that_was_not_sent(any_db: Database, now: datetime) -> None:
    for state in ("pending", "sending", "unknown", "sent", "failed", "dropped"):
        add(any_db, delivery(None, now - 2 * YEAR, state))
    assert purge(any_db, now, YEAR).deliveries == 3
    assert count(any_db, DeliveryRow) == 3


def test_a_purge_forgets_who_wrote_what_the_source_has_removed(any_db: Database, now: datetime) -> None:
    gone, shown = add(any_db, mention(1, now, text="", removed_at=now), mention(2, now))
    assert purge(any_db, now, YEAR).removed == 1
    with any_db.read() as session:
        assert session.get_one(MentionRow, gone).author_name is None
        assert session.get_one(MentionRow, shown).author_name == "Jane Doe"


def test_a_purge_deletes_old_rejects_and_slots(any_db: Database, now: datetime) -> None:
    add(any_db, RejectRow(source="rss", reason="no date", raw=SECRET, at=now - 2 * YEAR))
    with any_db.write() as session:
        session.add_all(SlotRow(job="tick", slot=now - days * timedelta(days=1), taken_by="me") for days in (0, 400))
    found = purge(any_db, now, YEAR)
    assert (found.rejects, found.slots) == (1, 1)
    assert (count(any_db, RejectRow), count(any_db, SlotRow)) == (0, 1)


def rated(case: int, at: datetime) -> CaseEventRow:
    return CaseEventRow(case_id=case, kind="rated", actor="jane", origin="survey", at=at, detail={"score": 2})


def test_a_purge_takes_what_was_said_and_answered_around_a_case(any_db: Database, now: datetime) -> None:
    at = now - 2 * YEAR
    number = add_case(any_db, at)
    with any_db.read() as session:
        first = session.get_one(CaseRow, number).mention_id
    told = {"key": "k", "kind": "follow_up", "case_id": number, "mention_id": first, "text": SECRET, "state": "sent"}
    add(any_db, ReplyRow(**told, actor="firsthour", origin="clock", created_at=at, not_before=at))
    with any_db.write() as session:
        session.add_all([rated(number, at), FeaturesRow(case_id=number, features=b"seen", at=at)])
    purge(any_db, now, YEAR)
    with any_db.read() as session:
        assert session.scalars(select(ReplyRow.text)).all() == [""]
        found = session.execute(select(CaseEventRow.actor, CaseEventRow.detail).order_by(CaseEventRow.id)).all()
    assert [tuple(row) for row in found] == [("ann", {}), ("the customer", {})]
    assert count(any_db, FeaturesRow) == 0


def test_a_purge_forgets_who_rated_a_case_whose_mention_is_removed(any_db: Database, now: datetime) -> None:
    number = add_case(any_db, now, removed_at=now)
    add(any_db, rated(number, now))
    purge(any_db, now, YEAR)
    assert count(any_db, CaseEventRow, CaseEventRow.actor == "jane") == 0


def test_a_purge_takes_the_words_of_old_incidents_and_old_silences(any_db: Database, now: datetime) -> None:
    for ended in (now - 2 * YEAR, now - YEAR / 2, None):
        began = now - 3 * YEAR
        incident: dict[str, Any] = {"brand": "Acme", "state": "ended" if ended else "open", "topics": ["billing"]}
        incident |= {"began_at": began, "opened_at": began, "ended_at": ended, "usual": 1.0, "size": 1.0}
        pause = {"kind": "pause", "target": "C1", "since": began, "ended_at": ended, "digest": f"d{ended}"[:32]}
        add(any_db, IncidentRow(**incident, answer=SECRET, answer_by="ann", features=b"seen"))
        add(any_db, SilenceRow(**pause, actor="ann", reason=SECRET))
    rehearsed = purge(any_db, now, YEAR, dry_run=True)
    assert purge(any_db, now, YEAR) == rehearsed == Purged(0, 0, 0, 0, 0, incidents=1, silences=1)
    assert (count(any_db, IncidentRow), count(any_db, IncidentRow, IncidentRow.answer == SECRET)) == (3, 2)
    assert count(any_db, SilenceRow) == 2


def test_a_rehearsed_purge_counts_the_same_and_changes_nothing(any_db: Database, now: datetime) -> None:
    add_case(any_db, now - 2 * YEAR)
    add(any_db, mention(1, now, text="", removed_at=now), mention(2, now - 2 * YEAR))
    rehearsed = purge(any_db, now, YEAR, dry_run=True)
    assert count(any_db, MentionRow, MentionRow.text == SECRET) == 2
    assert purge(any_db, now, YEAR) == rehearsed == Purged(mentions=2, removed=1, deliveries=1, rejects=0, slots=0)


def test_a_purge_that_dies_midway_is_finished_by_the_next(db: Database, now: datetime, no_hook: None) -> None:
    add(db, *[mention(n, now - 2 * YEAR) for n in range(BATCH + 1)])

    def die(_name: str) -> None:
        raise KeyboardInterrupt

    faults.hook = die
    with pytest.raises(KeyboardInterrupt):
        purge(db, now, YEAR)
    faults.hook = None
    assert purge(db, now, YEAR).mentions == 1


def test_purged_words_are_no_longer_anywhere_in_the_files(db: Database, now: datetime, tmp_path: Path) -> None:
    add(db, *[mention(n, now - 2 * YEAR, text=f"{SECRET} {n} " + "x" * (n * 97 % 6000)) for n in range(200)])
    assert SECRET.encode() in b"".join(path.read_bytes() for path in tmp_path.glob("firsthour.sqlite*"))
    purge(db, now, YEAR)
    assert SECRET.encode() not in b"".join(path.read_bytes() for path in tmp_path.glob("firsthour.sqlite*"))


def test_a_purge_of_yesterdays_words_is_refused(db: Database, now: datetime) -> None:
    with pytest.raises(Refused, match="too short"):
        purge(db, now, timedelta(hours=23))


def test_a_feed_that_still_shows_an_old_review_does_not_bring_it_back(any_db: Database, now: datetime) -> None:
    brands = Brands([BrandSettings(name="Acme", match="acme")])
    page = Page(items=(Item(external_id="r1", text=SECRET, posted_at=now - 2 * YEAR),), cursor={})
    with any_db.write() as session:
        store_page(session, "app", page, brands, (), now - 2 * YEAR)
        session.execute(update(MentionRow).values(judging="judged"))
    assert purge(any_db, now, YEAR).mentions == 1
    with any_db.write() as session:
        stored = store_page(session, "app", page, brands, (), now)
    assert (stored.new, stored.changed) == (0, 0)
    assert count(any_db, MentionRow, MentionRow.text == "", MentionRow.judging == "purged") == 1
