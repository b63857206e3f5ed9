"""Mentions are found by their words on both databases, and by none that was edited or taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from stored import complain
from typer.testing import CliRunner

from monitor import word_index
from monitor.author_records import erase
from monitor.brands import Brands
from monitor.by_hand import Told, open_by_hand
from monitor.cases import Cases
from monitor.cli import app
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.mentions import store_page
from monitor.models import MentionRow, UnindexedRow
from monitor.retention import purge
from monitor.search_words import MOST_TERMS, MOST_WORDS, Term, question, words
from monitor.settings import BrandSettings, Settings
from monitor.sources.base import Author, Item, Page

ACME = Brands([BrandSettings(name="Acme", match="acme")])


@pytest.fixture
def now(clock: ManualClock) -> datetime:
    return clock.now()


def read(db: Database, now: datetime, *texts: str, start: int = 0, **more: Any) -> list[int]:
    """Store posts with these texts about Acme; their ids."""
    items = tuple(
        Item(external_id=f"e{start + n}", text=f"{said} acme" if said else "", posted_at=now, **more)
        for n, said in enumerate(texts)
    )
    with db.write() as session:
        store_page(session, "x", Page(items=items, cursor={}), ACME, (), now)
        ids = dict(session.execute(select(MentionRow.external_id, MentionRow.id)).all())
    return [ids[item.external_id] for item in items]


def found(db: Database, typed: str, limit: int = 50, before: int | None = None) -> list[int]:
    with db.read() as session:
        return word_index.find(session, question(typed), limit, before)


def test_words_phrases_beginnings_and_what_is_not_to_be_there(any_db: Database, now: datetime) -> None:
    late, lost, refund = read(
        any_db, now, "My parcel is late again", "Again late: the parcels were lost", "Refund for my late parcel, please"
    )
    assert found(any_db, "late") == [refund, lost, late]
    assert found(any_db, "LATE parcel") == [refund, late]
    assert found(any_db, '"late again"') == [late]
    assert found(any_db, "parcel*") == [refund, lost, late]
    assert found(any_db, "late -refund") == [lost, late]
    assert found(any_db, 'late -"late again" -"for my"') == [lost]
    assert found(any_db, "nothing") == found(any_db, "-late") == found(any_db, "") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Пошиљка није стигла", "posiljka"),
        ("Pošiljka nije stigla", "пошиљка стигла"),
        ("ISPARTA'da kargo", "ısparta"),
        ("İzmir şubesi", "izmir subesi"),
        ("தமிழ் மொழி", "தமிழ்"),
        ("注文が届かない", "注文"),
        ("พัสดุยังไม่มาถึง", "พัสดุ"),
        ("배송이 늦어요", "배송"),
        ("La crème brûlée", "creme brulee"),
        ("Meine Straße", "STRASSE"),
        ("don’t do that", "don't"),
        ("مُشْكِلة", "مشكله"),
    ],
)
def test_a_word_is_found_however_it_is_written(any_db: Database, now: datetime, written: str, typed: str) -> None:
    (mention,) = read(any_db, now, written)
    read(any_db, now, "something else", start=1)
    assert found(any_db, typed) == [mention]


def test_a_letter_of_a_script_without_spaces_is_found_only_in_its_sequence(any_db: Database, now: datetime) -> None:
    first, _ = read(any_db, now, "注文が届かない", "文注が届かない")
    assert found(any_db, "注文") == [first]


def test_pages_follow_one_another_without_gap_or_double(any_db: Database, now: datetime) -> None:
    ids = read(any_db, now, *["late again"] * 7)
    assert found(any_db, "late", 3) == ids[:3:-1]
    assert found(any_db, "late", 10, before=ids[4]) == ids[3::-1]


@pytest.mark.parametrize("few", [1, 100])
def test_they_are_found_across_buckets_the_newest_first(
    any_db: Database, now: datetime, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(word_index, "BUCKET", 1)
    monkeypatch.setattr(word_index, "FEW", few)
    ids = read(any_db, now, *[f"late {'again' if n % 3 == 0 else 'often'} {n}" for n in range(20)])
    again = ids[::3][::-1]
    assert found(any_db, "again") == again
    assert found(any_db, "again", 2) == again[:2]
    assert found(any_db, "again", 50, before=again[2]) == again[3:]
    assert found(any_db, '"late again"', 3, before=again[0]) == again[1:4]
    assert found(any_db, '"again late"') == []


def test_an_edited_text_is_found_by_its_new_words_alone(any_db: Database, now: datetime) -> None:
    (mention,) = read(any_db, now, "the parcel is late")
    read(any_db, now, "the parcel has come")
    assert found(any_db, "late") == []
    assert found(any_db, "come") == [mention]


def test_what_its_source_removed_is_not_found(any_db: Database, now: datetime) -> None:
    read(any_db, now, "the parcel is late", "the shop is closed")
    read(any_db, now, "", removed=True)
    assert found(any_db, "late") == []
    assert len(found(any_db, "closed")) == 1


def test_what_was_purged_is_not_found(any_db: Database, now: datetime) -> None:
    (old,) = read(any_db, now, "the parcel is late")
    with any_db.write() as session:
        session.get_one(MentionRow, old).judging = "judged"
    later = now + timedelta(days=400)
    (new,) = read(any_db, later, "late too", start=1)
    assert found(any_db, "late") == [new, old]
    assert purge(any_db, later, timedelta(days=365)).mentions == 1
    assert found(any_db, "late") == [new]


def test_what_was_erased_is_not_found_nor_left_on_the_disk(db: Database, now: datetime) -> None:
    read(db, now, "zanzibarian parcels", author=Author(handle="@mari"))
    read(db, now, "late parcels", start=1)
    erase(db, "x", "mari", now, lambda *_: 0)
    assert found(db, "zanzibarian") == []
    assert len(found(db, "parcels")) == 1
    assert b"zanzibarian" not in b"".join(page for page in _pages(db))


def _pages(db: Database) -> list[bytes]:
    with db.read() as session:
        shadows = session.execute(text("SELECT block FROM mention_words_data")).scalars().all()
        return [
            *shadows,
            *(c.encode() for c in session.execute(text("SELECT c0 FROM mention_words_content")).scalars()),
        ]


def test_a_case_opened_by_hand_is_found(
    any_db: Database, make_settings: Callable[..., Settings], now: datetime
) -> None:
    cases = Cases(any_db, make_settings())
    told = Told("phone", "1", None, "The parcel is late", None, "Acme", "high", "delivery", "en")
    case_id, _ = open_by_hand(any_db, cases, told, now)
    with any_db.read() as session:
        assert found(any_db, "late") == [session.scalar(select(MentionRow.id).where(MentionRow.case_id == case_id))]


def test_what_was_stored_before_there_was_an_index_is_read_in_by_a_job_that_can_be_stopped(
    any_db: Database, make_settings: Callable[..., Settings], now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(word_index, "AT_ONCE", 2)
    for _ in range(5):
        complain(any_db, make_settings(), now, "The parcel is late")  # straight into the tables
    word_index.anew(any_db)
    assert found(any_db, "late") == []
    seen: list[tuple[int, int]] = []
    assert word_index.fill(any_db, lambda *step: seen.append(step), most=2) == 2
    assert len(found(any_db, "late")) == 2
    with any_db.read() as session:
        assert word_index.unindexed(session) == 3
    (new,) = read(any_db, now, "late too")
    assert word_index.fill(any_db) == 3
    assert word_index.fill(any_db) == 0
    assert len(found(any_db, "late")) == 6
    assert found(any_db, "too") == [new]
    assert seen == [(2, 5)]
    with any_db.read() as session:
        assert session.scalar(select(UnindexedRow.below)) is None


def test_reading_in_all_again_doubles_nothing(any_db: Database, now: datetime) -> None:
    ids = read(any_db, now, "late", "late again")
    word_index.anew(any_db)
    assert word_index.fill(any_db) == 2
    assert found(any_db, "late") == ids[::-1]


def test_a_text_with_no_end_of_words_is_stored(any_db: Database, now: datetime) -> None:
    long = ("a" * 1_000_000, " ".join(f"w{n}" for n in range(30_000)), "late " * 30_000)
    read(any_db, now, *(f"acme {said}" for said in long))
    assert len(found(any_db, "late")) == 1
    assert len(found(any_db, "w9")) == 1
    assert found(any_db, "w29999") == []
    assert len(words("late " * 30_000)) == MOST_WORDS


HARD = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(['"', "-", "*", "'", "\\", ":*", "NOT", "OR", "&", "!", "(", ")", "<->", "late", " ", "\x00"])
    ).map("".join),
)


@given(typed=HARD)
def test_a_question_has_words_of_letters_digits_and_marks_alone(typed: str) -> None:
    asked = question(typed)
    for term in (*asked.wanted, *asked.unwanted):
        assert term.words
        assert all(word == "".join(words(word)) for word in term.words)
    assert len(asked.wanted) + len(asked.unwanted) <= MOST_TERMS


def test_whatever_people_type_is_no_error(any_db: Database, now: datetime) -> None:
    read(any_db, now, "late")

    @given(typed=HARD)
    def typing(typed: str) -> None:
        found(any_db, typed)
        found(any_db, f"late {typed}")

    typing()


def test_every_text_is_found_by_each_of_its_words(any_db: Database, now: datetime) -> None:
    @given(said=st.text(min_size=1, max_size=40))
    def saying(said: str) -> None:
        with any_db.write() as session:
            word_index.put(session, [(1, said)])
        for word in set(words(said)):
            assert found(any_db, word) == [1]
        with any_db.write() as session:
            word_index.drop(session, [1])
        assert all(found(any_db, word) == [] for word in words(said))

    saying()


def test_a_question_is_read_as_it_was_meant() -> None:
    asked = question("late “not arrived” -refund deliv* e-mail ab*")
    assert asked.wanted == (
        Term(("late",)),
        Term(("not", "arrived")),
        Term(("deliv",), starts=True),
        Term(("e", "mail")),
        Term(("ab",)),  # too short a beginning: nearly every mention has a word that begins so
    )
    assert asked.unwanted == (Term(("refund",)),)


def test_the_command_lists_what_has_the_words(
    db: Database, make_settings: Callable[..., Settings], now: datetime, tmp_path: Path
) -> None:
    ids = read(db, now, "the parcel is late \x1b[31m", "a late parcel")
    path = tmp_path / "firsthour.toml"
    path.write_text(f'[database]\nurl = "{db.url}"\n')
    run = CliRunner().invoke
    shown = run(app, ["search", "--config", str(path), "parcel is"])
    assert shown.exit_code == 0, shown.output
    assert "late" in shown.stdout
    assert "\x1b" not in shown.stdout
    found = json.loads(run(app, ["search", "--json", "--config", str(path), "late"]).stdout)
    assert [each["id"] for each in found] == ids[::-1]
    assert "Nothing has these words" in run(app, ["search", "--config", str(path), "xyzzy"]).stdout
    word_index.anew(db)
    assert "2 mentions read in" in run(app, ["db", "index", "--config", str(path)]).stdout
