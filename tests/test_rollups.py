from __future__ import annotations

import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic import command
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import URL, delete, select, update
from sqlalchemy.orm import Session

from monitor import recount, rollups, schema, tallies
from monitor.brands import Brands
from monitor.cases import Cases
from monitor.classify.batch import ClassifyStage
from monitor.classify.verdict import TOPICS, Subject, Unreadable, Verdict
from monitor.clock import ManualClock
from monitor.corrected import counted, latest, wrong_over_time
from monitor.corrections import correct
from monitor.counted_sql import KEY, LAST_WORD
from monitor.database import Database
from monitor.errors import Refused
from monitor.labelling import label
from monitor.mentions import store_one_by_one, store_page
from monitor.models import (
    CaseEventRow,
    CaseRow,
    CorrectionRow,
    LastWordRow,
    MentionRow,
    RevisionRow,
    RollupRow,
    SolvedQuestionRow,
    VerdictRow,
)
from monitor.retention import purge
from monitor.rollup_rows import SENTIMENTS, TALLIED, TALLIES
from monitor.settings import BrandSettings, Settings
from monitor.sources.base import Author, Item, Page
from monitor.transitions import CLOSED_STATES
from monitor.trend_counts import DIMENSIONS, NOTHING, Counts, Filter
from monitor.trend_spans import Grain, Span
from monitor.trends import series, total, totals
from tests.stored import verdict

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE_CLOCKS_GO_BACK = datetime(2026, 10, 24, 12, tzinfo=UTC)  # in Tallinn
HOUR = timedelta(hours=1)
BRANDS = Brands([BrandSettings(name=n.title(), match=n, accounts=["acmehelp"]) for n in ("acme", "beta")])
ZONES = ["UTC", "Europe/Tallinn", "Asia/Kolkata", "America/St_Johns"]
Counted = dict[tuple[Any, ...], tuple[int, int, int]]
LastWord = tuple[Any, ...]


class AsTold:
    """Takes its verdict from the text: "acme, angry about refund_return, in de"."""

    version, threshold = "told", 0.5

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        return [self._one(subject.text) for subject in subjects]

    def _one(self, said: str) -> Verdict | Unreadable:
        if "nothing" in said:
            return Unreadable("nothing to read")
        topic = next((topic for topic in TOPICS if topic in said), "other")
        angry = "angry" in said
        return replace(verdict(angry), sentiment="negative" if angry else "positive", topic=topic, language=said[-2:])


def by_rows(db: Database) -> Counted:
    """What must be in the table, from the rows one by one."""
    found: dict[tuple[Any, ...], list[int]] = defaultdict(lambda: [0, 0, 0])
    with db.read() as session:
        corrected = {
            row.mention_id: row.complaint
            for row in session.scalars(select(CorrectionRow).order_by(CorrectionRow.at, CorrectionRow.id))
        }
        verdicts = {(row.mention_id, row.revision): row for row in session.scalars(select(VerdictRow))}
        for mention in session.scalars(select(MentionRow)):
            judged = verdicts.get((mention.id, mention.revision))
            if judged is None or mention.own or mention.removed_at is not None:
                continue
            hour = int((mention.posted_at - datetime(1970, 1, 1, tzinfo=UTC)) // HOUR)
            alike = (mention.source, judged.language, judged.sentiment, judged.topic)
            for brand in mention.brands:
                counts = found[(brand, hour, *alike, corrected.get(mention.id, judged.complaint))]
                counts[0] += 1
                if mention.rating is not None and 1 <= mention.rating <= 5:
                    counts[1] += 1
                    counts[2] += round(mention.rating * 100)
    return {key: (a, b, c) for key, (a, b, c) in found.items()}


def words_by_rows(db: Database) -> set[LastWord]:
    """What must be in the table of the last words, from the rows one by one."""
    found: set[LastWord] = set()
    with db.read() as session:
        words = session.scalars(select(CorrectionRow).order_by(CorrectionRow.at, CorrectionRow.id))
        for word in {word.mention_id: word for word in words}.values():
            mention = session.get_one(MentionRow, word.mention_id)
            of = (VerdictRow.mention_id == mention.id, VerdictRow.revision == mention.revision)
            judged = session.scalar(select(VerdictRow).where(*of))
            if judged is not None and not mention.own and mention.removed_at is None:
                alike = (mention.source, judged.language, judged.sentiment, judged.topic)
                said = (judged.complaint, word.complaint, word.id)
                found |= {(b, rollups.hour_of(mention.posted_at), mention.id, *alike, *said) for b in mention.brands}
    return found


def words_kept(db: Database) -> set[LastWord]:
    with db.read() as session:
        return {tuple(getattr(row, name) for name in LAST_WORD) for row in session.scalars(select(LastWordRow))}


def kept(db: Database) -> Counted:
    with db.read() as session:
        rows = session.scalars(select(RollupRow)).all()
    return {
        tuple(getattr(row, name) for name in KEY): (row.mentions, row.rated, row.stars) for row in rows if row.mentions
    }


class Desk(RuleBasedStateMachine):
    """Mentions come, late and twice, change, vanish, are judged, corrected and purged."""

    def __init__(self, db: Database, wanted: Settings) -> None:
        super().__init__()
        self.db, self.clock = db, ManualClock(BEFORE_CLOCKS_GO_BACK)
        self.cases = Cases(db, wanted)
        self.stage = ClassifyStage(db, self.clock, AsTold(), self.cases, "worker")
        self.items: dict[str, Item] = {}
        with db.write() as session:
            session.execute(update(MentionRow).values(case_id=None))
            for table in (CaseEventRow, SolvedQuestionRow, CaseRow, CorrectionRow, VerdictRow, RevisionRow, MentionRow):
                session.execute(delete(table))
            for counts in (RollupRow, TALLIES, TALLIED, LastWordRow):
                session.execute(delete(counts))

    @rule(
        name=st.sampled_from("abcde"),
        about=st.sampled_from(["acme", "beta", "acme and beta"]),
        mood=st.sampled_from(["angry", "glad", "nothing"]),
        topic=st.sampled_from(TOPICS[:3]),
        language=st.sampled_from(["en", "de"]),
        rating=st.sampled_from([None, 1.0, 4.35, 5.0, 77.0, 1e300]),
        author=st.sampled_from(["ann", "acmehelp"]),
        ago=st.sampled_from([timedelta(0), timedelta(minutes=61), timedelta(days=3), timedelta(days=30_000)]),
    )
    def is_read(
        self, name: str, about: str, mood: str, topic: str, language: str, rating: Any, author: str, ago: timedelta
    ) -> None:
        said = f"{about}, {mood} about {topic}, in {language}"
        self._store(Item(name, said, self.clock.now() - ago, author=Author(author), rating=rating))

    @rule(name=st.sampled_from("abcde"))
    def is_removed(self, name: str) -> None:
        self._store(Item(name, "", self.clock.now(), removed=True))

    def _store(self, item: Item) -> None:
        with self.db.write() as session:
            store_page(session, "forum", Page((item,), {}), BRANDS, (), self.clock.now())

    @rule()
    def are_judged(self) -> None:
        while self.stage.run_once():
            pass

    @rule(data=st.data())
    def is_corrected(self, data: st.DataObject) -> None:
        with self.db.read() as session:
            found = session.execute(select(CaseRow.id, CaseRow.state).order_by(CaseRow.id)).all()
        if not found:
            return
        case_id, state = data.draw(st.sampled_from(found))
        event = "reopen" if state in CLOSED_STATES else "dismiss"
        self.cases.act(case_id, event, "ann", "web", self.clock.now())

    @rule(data=st.data(), complaint=st.booleans())
    def is_labelled(self, data: st.DataObject, complaint: bool) -> None:
        with self.db.read() as session:
            found = session.scalars(select(MentionRow.id).order_by(MentionRow.id)).all()
        if found:
            with contextlib.suppress(Refused):
                label(self.cases, data.draw(st.sampled_from(found)), None, complaint, "bob", "web", self.clock.now())

    @rule(by=st.sampled_from([timedelta(minutes=20), timedelta(days=1)]))
    def time_passes(self, by: timedelta) -> None:
        self.clock.move(by)

    @rule()
    def is_purged(self) -> None:
        purge(self.db, self.clock.now(), timedelta(days=1))

    @rule(zone=st.sampled_from(ZONES))
    def is_rebuilt(self, zone: str) -> None:
        recount.rebuild(self.db, self.clock.now(), ZoneInfo(zone))

    @rule(
        added_up=st.sampled_from([0, 1, None]),
        days=st.integers(1, 5),
        part=st.sampled_from([timedelta(0), timedelta(minutes=50), 7 * HOUR]),
        grain=st.sampled_from([Grain.HOUR, Grain.DAY]),
        zone=st.sampled_from(ZONES),
        by=st.sampled_from([None, *DIMENSIONS]),
        wanted=st.builds(
            Filter,
            brand=st.sampled_from([(), ("Acme",), ("Acme", "Beta")]),
            source=st.sampled_from([(), ("forum",), ("news",)]),
            language=st.sampled_from([(), ("de",)]),
            topic=st.sampled_from([(), (TOPICS[0], TOPICS[1])]),
            sentiment=st.sampled_from([(), ("negative",), ("neutral", "positive")]),
            complaint=st.sampled_from([None, True, False]),
        ),
    )
    def is_asked(
        self, added_up: int | None, days: int, part: timedelta, grain: Grain, zone: str, by: str | None, wanted: Filter
    ) -> None:
        tallies.settle(self.db, ZoneInfo(zone), self.clock.now(), added_up)
        today = self.clock.now().astimezone(ZoneInfo(zone)).replace(hour=0, minute=0)
        until = min((today + timedelta(days=1)).astimezone(UTC) - part, self.clock.now() + HOUR)
        span = Span((today - timedelta(days=days)).astimezone(UTC) - part, until, grain, ZoneInfo(zone))
        expected = by_hand(by_rows(self.db), span, wanted, by)
        with self.db.read() as session:
            assert series(session, span, wanted, by) == expected
            together = sum((sum(points, NOTHING) for points in expected.values()), NOTHING)
            assert total(session, span, wanted) == together
            if by is not None:
                assert totals(session, span, wanted, by) == {n: sum(p, NOTHING) for n, p in expected.items()}
        self._words_are_asked_for(span, wanted, by or "topic")

    def _words_are_asked_for(self, span: Span, wanted: Filter, by: str) -> None:
        rows = [dict(zip(LAST_WORD, word, strict=True)) for word in words_by_rows(self.db)]
        asked = [row for row in rows if all(row[n] in v for n in DIMENSIONS if (v := getattr(wanted, n)))]
        inside = [row for row in asked if span.hours[0] <= row["hour"] < span.hours[1]]
        wrong = [row for row in inside if row["judged"] is not row["said"]]
        with self.db.read() as session:
            assert counted(session, span, wanted, by) == Counter((r[by], r["judged"], r["said"]) for r in inside)
            alarms, missed = wrong_over_time(session, span, wanted)
            newest = latest(session, span, wanted, 3)
        for points, judged in ((alarms, True), (missed, False)):
            for start, end, count in zip(span.starts, [*span.starts[1:], None], points, strict=True):
                first, last = rollups.first_hour(start), rollups.first_hour(end) if end else span.hours[1]
                assert count == sum(first <= row["hour"] < last and row["judged"] is judged for row in wrong)
        assert {each.mention_id for each in newest} == {
            row["mention_id"] for row in inside if row["word_id"] in sorted({r["word_id"] for r in inside})[-3:]
        }

    @invariant()
    def the_table_is_what_a_recount_gives(self) -> None:
        assert kept(self.db) == by_rows(self.db)
        assert words_kept(self.db) == words_by_rows(self.db)
        assert recount.check(self.db) == 0
        assert sum(tallies.check(self.db, ZoneInfo(zone)) for zone in ZONES) == 0


def by_hand(all_of: Counted, span: Span, wanted: Filter, by: str | None) -> dict[str, tuple[Counts, ...]]:
    """The answer to a question, from the counts one by one."""
    found: dict[str, list[Counts]] = {}
    for key, (mentions, rated, stars) in all_of.items():
        row = dict(zip(KEY, key, strict=True))
        begins = datetime.fromtimestamp(row["hour"] * 3600, span.zone)
        asked = all(row[name] in values for name in DIMENSIONS if (values := getattr(wanted, name)))
        if span.since <= begins < span.until and asked and wanted.complaint in (None, row["complaint"]):
            if span.grain is Grain.DAY:
                begins = begins.replace(hour=0, minute=0, fold=0)
            moods = [mentions * (row["sentiment"] == mood) for mood in SENTIMENTS]
            points = found.setdefault(row[by] if by else "", [NOTHING] * len(span.starts))
            place = [start.astimezone(UTC) for start in span.starts].index(begins.astimezone(UTC))
            points[place] += Counts(mentions, mentions * row["complaint"], *moods, rated, stars)
    order = sorted(found, key=lambda name: (-sum(point.mentions for point in found[name]), name))
    return {name: tuple(found[name]) for name in order}


@pytest.mark.parametrize("window", [1, recount.WINDOW])
def test_whatever_happens_the_rollups_are_what_a_recount_gives(
    any_db: Database, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, window: int
) -> None:
    monkeypatch.setattr(recount, "WINDOW", window)
    run_state_machine_as_test(
        lambda: Desk(any_db, make_settings()),
        settings=settings(
            max_examples=12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


def judge(db: Database, wanted: Settings, *items: Item) -> None:
    with db.write() as session:
        store_page(session, "forum", Page(items, {}), BRANDS, (), NOON)
    ClassifyStage(db, ManualClock(NOON), AsTold(), Cases(db, wanted), "worker").run_once()


def test_a_rebuild_mends_what_a_hand_in_the_database_broke(
    any_db: Database, make_settings: Callable[..., Settings]
) -> None:
    judge(any_db, make_settings(), *(Item(str(n), "acme, angry, in en", NOON - n * HOUR) for n in range(5)))
    right = kept(any_db)
    assert len(right) == 5
    with any_db.write() as session:
        session.execute(delete(RollupRow).where(RollupRow.hour == rollups.hour_of(NOON)))
        session.execute(update(RollupRow).values(mentions=7))
        lost = RollupRow(hour=5, brand="Gone", source="x", language="en", sentiment="neutral", topic="other")
        lost.complaint, lost.mentions, lost.rated, lost.stars = False, 1, 0, 0
        session.add(lost)
        correct(session, 2, False, "ann", NOON)
        correct(session, 3, True, "ann", NOON)
    words = words_kept(any_db)
    with any_db.write() as session:
        session.execute(delete(LastWordRow).where(LastWordRow.mention_id == 2))
        session.execute(update(LastWordRow).values(said=False))
    assert recount.check(any_db) == 1 + 4 + 1 + 2  # missing, wrong, about nothing; a word missing, another wrong
    assert recount.rebuild(any_db, NOON) == 5
    assert kept(any_db) == by_rows(any_db)
    assert words_kept(any_db) == words == words_by_rows(any_db)
    assert recount.check(any_db) == 0


def test_a_rebuild_adds_up_all_that_is_over(any_db: Database, make_settings: Callable[..., Settings]) -> None:
    judge(any_db, make_settings(), *(Item(str(n), "acme, angry, in en", NOON - n * 7 * HOUR) for n in range(9)))
    tallinn = ZoneInfo("Europe/Tallinn")
    recount.rebuild(any_db, NOON, tallinn)
    with any_db.read() as session:
        marked = session.execute(select(TALLIED.c.grain, TALLIED.c.zone).distinct()).all()
    assert sorted(map(tuple, marked)) == [("day", tallinn.key), ("hour", "")]
    assert tallies.settle(any_db, tallinn, NOON) == 0
    assert tallies.check(any_db, tallinn) == 0


def test_progress_is_told_up_to_the_end(
    db: Database, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "WINDOW", 2)
    judge(db, make_settings(), *(Item(str(n), "acme, angry, in en", NOON - n * HOUR) for n in range(7)))
    told: list[tuple[int, int]] = []
    recount.rebuild(db, NOON, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (7, 7)
    assert told == sorted(told)
    assert len(told) > 2


def test_an_upgrade_counts_what_is_there_already(any_db: Database, make_settings: Callable[..., Settings]) -> None:
    judge(any_db, make_settings(), *(Item(str(n), "acme, angry, in en", NOON - n * HOUR, rating=4.5) for n in range(3)))
    with any_db.write() as session:
        correct(session, 2, False, "ann", NOON)
    right, words = kept(any_db), words_kept(any_db)
    with any_db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.downgrade(schema.config(connection), "0021")
    schema.upgrade(any_db)
    assert kept(any_db) == right == by_rows(any_db)
    assert words_kept(any_db) == words == words_by_rows(any_db)
    assert len(words) == 1


def test_an_edit_and_a_verdict_that_count_in_the_same_hour_wait_for_one_another_never_both(
    pg_url: URL, make_settings: Callable[..., Settings]
) -> None:
    """Each changes a mention and the count that the other changes too, in the order in which both would wait."""
    db, wanted = Database(pg_url), make_settings()
    items = [Item(name, "acme, angry about delivery, in en", NOON, author=Author(name)) for name in ("one", "two")]
    both_inside, failed = threading.Barrier(2), []

    def store(session: Session, item: Item) -> None:
        store_page(session, "forum", Page((item,), {}), BRANDS, (), NOON)

    def edits() -> None:
        with db.write() as session:
            store(session, replace(items[0], text="acme, glad about delivery, in en"))
            both_inside.wait(30)
            store(session, replace(items[1], rating=4.0))

    def judges() -> None:
        opened = Cases(db, wanted, gather=lambda *_: both_inside.wait(30))
        ClassifyStage(db, ManualClock(NOON), AsTold(), opened, "worker").run_once()

    def noted(act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:
            failed.append(error)

    for item in items:
        with db.write() as session:
            store(session, item)
        if item is items[0]:
            ClassifyStage(db, ManualClock(NOON), AsTold(), Cases(db, wanted), "worker").run_once()
    threads = [threading.Thread(target=noted, args=(act,)) for act in (edits, judges)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert kept(db) == by_rows(db)
    db.close()


def test_what_was_counted_for_an_item_that_cannot_be_stored_is_not_counted(
    db: Database, make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Item("one", "acme, angry about delivery, in en", NOON)
    judge(db, make_settings(), said)

    def offended(*_: object) -> None:
        raise ValueError("no such text")

    monkeypatch.setattr("monitor.mentions.words_hash", offended)  # after it was taken away from the counts
    with db.write() as session:
        store_one_by_one(session, "forum", Page((replace(said, text="acme, glad"),), {}), BRANDS, (), NOON)
    assert kept(db) == by_rows(db) != {}
