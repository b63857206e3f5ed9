from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import GiveUp
from monitor.leases import claim, finish
from monitor.mentions import Stored, mention, mentions, store_page
from monitor.models import MentionRow, RejectRow, RevisionRow
from monitor.settings import BrandSettings
from monitor.sources.base import Author, Item, Page, Reject
from monitor.storable import MAX_TEXT, storable, storable_key

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
BRANDS = Brands(
    [
        BrandSettings(name="Acme", match="acme OR source:reviews", accounts=["acmehelp"]),
        BrandSettings(name="Beta", match="beta"),
    ]
)


def item(id: str = "1", text: str = "acme is late", **more: Any) -> Item:
    return replace(Item(id, text, NOON - timedelta(minutes=3), author=Author("ann")), **more)


def store(db: Database, *items: Item, rejects: tuple[Reject, ...] = (), now: datetime = NOON, **more: Any) -> Stored:
    with db.write() as session:
        return store_page(
            session, more.pop("source", "forum"), Page(items, {}, rejects=rejects), BRANDS, (), now, **more
        )


def rows(db: Database, table: Any = MentionRow) -> list[Any]:
    with db.read() as session:
        return list(session.scalars(select(table).order_by(table.id)))


def test_a_page_is_stored_once_however_often_it_comes(any_db: Database) -> None:
    page = [item("1"), item("2", "beta and acme"), item("3", "nothing of ours")]
    first = store(any_db, *page)
    assert (first.new, first.unmatched, first.newest) == (2, 1, NOON - timedelta(minutes=3))
    assert store(any_db, *page) == Stored(unmatched=1, newest=first.newest)
    assert [(row.external_id, row.brands, row.judging) for row in rows(any_db)] == [
        ("1", ["Acme"], "waiting"),
        ("2", ["Acme", "Beta"], "waiting"),
    ]


def test_the_same_id_of_another_source_is_another_mention(any_db: Database) -> None:
    assert store(any_db, item()).new + store(any_db, item(), source="blog").new == 2


def test_a_mention_comes_back_as_it_was_stored(any_db: Database) -> None:
    author = Author("ann", "Ann", "https://x.com/ann", 12)
    store(any_db, item(author=author, rating=2.0, url="https://x.com/1", conversation="7", parent="6"), backfill=True)
    with any_db.read() as session:
        found = mention(session, rows(any_db)[0].id)
        assert mentions(session, [found.id, 99]) == [found]
        with pytest.raises(GiveUp):
            mention(session, 99)
    assert (found.author, found.rating, found.conversation, found.parent) == (author, 2.0, "7", "6")
    assert (found.brands, found.backfill, found.own, found.seen_at) == (("Acme",), True, False, NOON)


def test_an_edit_keeps_the_old_words_and_is_judged_again(any_db: Database) -> None:
    store(any_db, item())
    with any_db.write() as session:
        session.execute(update(MentionRow).values(judging="judged", attempt=3))
    assert store(any_db, item(text="acme stole my money"), now=NOON + timedelta(minutes=1)).changed == 1
    (row,) = rows(any_db)
    assert (row.text, row.revision, row.judging, row.attempt) == ("acme stole my money", 1, "waiting", 0)
    (revision,) = rows(any_db, RevisionRow)
    assert (revision.text, revision.revision, revision.replaced_at) == ("acme is late", 0, NOON + timedelta(minutes=1))


def test_a_changed_rating_is_an_edit(any_db: Database) -> None:
    store(any_db, item(rating=5.0))
    assert store(any_db, item(rating=1.0)).changed == 1
    assert rows(any_db, RevisionRow)[0].rating == 5.0


def test_an_edit_that_names_no_brand_any_more_keeps_its_brands(any_db: Database) -> None:
    store(any_db, item())
    store(any_db, item(text="never mind"))
    assert rows(any_db)[0].brands == ["Acme"]


def test_a_worker_that_judges_the_old_words_cannot_finish(any_db: Database) -> None:
    store(any_db, item())
    with any_db.write() as session:
        (lease,) = claim(session, MentionRow, select(MentionRow.id), "worker", NOON, timedelta(minutes=1))
    store(any_db, item(text="acme, again"))
    with any_db.write() as session:
        assert not finish(session, MentionRow, lease, judging="judged")
        (again,) = claim(session, MentionRow, select(MentionRow.id), "worker", NOON, timedelta(minutes=1))
        assert not finish(session, MentionRow, lease, judging="judged")
        assert finish(session, MentionRow, again, judging="judged")


def test_a_page_that_repeats_an_id_with_other_words_loses_neither(any_db: Database) -> None:
    stored = store(any_db, item(text="acme one"), item(text="acme one"), item(text="acme two"), item(text="acme three"))
    assert (stored.new, stored.changed) == (1, 2)
    assert rows(any_db)[0].text == "acme three"
    assert [revision.text for revision in rows(any_db, RevisionRow)] == ["acme one", "acme two"]


def test_a_removal_takes_the_text_everywhere(any_db: Database) -> None:
    store(any_db, item())
    store(any_db, item(text="acme, edited"))
    assert store(any_db, item(text="", removed=True)).removed == 1
    assert store(any_db, item(text="", removed=True)).removed == 0
    (row,) = rows(any_db)
    assert (row.text, row.removed_at, row.judging) == ("", NOON, "skipped")
    assert [revision.text for revision in rows(any_db, RevisionRow)] == [""]


def test_a_removal_of_what_was_never_seen_stores_nothing(any_db: Database) -> None:
    stored = store(any_db, item(removed=True))
    assert (stored.new, stored.removed, stored.unmatched) == (0, 0, 0)
    assert rows(any_db) == []


def test_what_is_shown_again_after_a_removal_is_read_again(any_db: Database) -> None:
    store(any_db, item())
    store(any_db, item(removed=True))
    store(any_db, item())
    (row,) = rows(any_db)
    assert (row.text, row.removed_at, row.judging) == ("acme is late", None, "waiting")
    assert rows(any_db, RevisionRow) == []


def test_the_brands_own_words_are_kept_and_not_judged(any_db: Database) -> None:
    stored = store(any_db, item(text="Sorry! We look into it.", author=Author("AcmeHelp")))
    (row,) = rows(any_db)
    assert stored.own == (row.id,)
    assert (row.own, row.judging, row.brands) == (True, "skipped", ["Acme"])


@pytest.mark.parametrize(
    "text",
    [
        "acme \x00 nul",
        "acme \ud800 lone \udfff surrogates",
        "acme Ж 漢 한 ع א த ไ अ Ω ğ all at once 🏳️‍🌈",
        "acme " + "a" * 1_000_000,
        "acme \u202e<!channel> =cmd() %s {x}",
    ],
)
def test_strange_texts_are_stored(any_db: Database, text: str) -> None:
    assert store(any_db, item(text=text)).new == 1
    assert store(any_db, item(text=text)).changed == 0
    (row,) = rows(any_db)
    assert "\x00" not in row.text
    assert len(row.text) <= MAX_TEXT
    row.text.encode()


def test_an_empty_text_counts_where_the_source_is_the_brand(any_db: Database) -> None:
    assert store(any_db, item(text="", rating=1.0), source="reviews").new == 1


def test_a_surrogate_pair_becomes_its_character() -> None:
    assert storable("\ud83d\ude21 \ud83d") == "😡 "


def test_long_keys_stay_apart() -> None:
    keys = {storable_key("x" * 500 + end) for end in ("a", "b")} | {storable_key("x\x00"), storable_key("x")}
    assert len(keys) == 4
    assert all(len(key) <= 400 for key in keys)


def test_strange_fields_are_made_fit(any_db: Database) -> None:
    odd = item(
        "i\x00d" * 300,
        author=Author("h" * 400, "n\x00", "u\ud800", 10**30),
        rating=float("nan"),
        url="https://x.com/\x00",
        conversation="c" * 900,
        parent="\ud800",
    )
    assert store(any_db, odd).new == 1
    assert store(any_db, odd).changed == 0
    (row,) = rows(any_db)
    assert row.rating is None
    assert row.author_followers == 2**63 - 1


def test_a_date_in_the_future_counts_as_now(any_db: Database) -> None:
    late = datetime(2099, 1, 1, tzinfo=UTC)
    assert store(any_db, item(posted_at=late)).newest == NOON
    assert rows(any_db)[0].posted_at == NOON


def test_items_without_a_usable_date_or_id_are_rejected_and_the_rest_is_stored(any_db: Database) -> None:
    naive = item("naive", posted_at=NOON.replace(tzinfo=None))
    stored = store(any_db, naive, item(""), item("text", text=None), item("good"))
    assert (stored.new, stored.rejected) == (1, 3)
    assert [r.reason for r in rows(any_db, RejectRow)] == [
        "the item's date 2026-11-20T12:00:00 has no time zone",
        "the item has no id",
        "the item has no text",
    ]


def test_a_reject_is_kept_once(any_db: Database) -> None:
    rejects = (Reject("not JSON", "{\x00"), Reject("no date", "{}", "7"))
    store(any_db, rejects=rejects)
    store(any_db, rejects=(*rejects, *rejects))
    assert [(r.reason, r.external_id) for r in rows(any_db, RejectRow)][1] == ("no date", "7")
    assert len(rows(any_db, RejectRow)) == 2


def test_a_clock_set_back_stores_as_ever(any_db: Database) -> None:
    store(any_db, item("1"))
    assert store(any_db, item("2"), now=NOON - timedelta(days=400)).new == 1


def test_only_the_named_brands_are_looked_for(any_db: Database) -> None:
    with any_db.write() as session:
        page = Page((item("1", "acme"), item("2", "beta")), {})
        stored = store_page(session, "forum", page, BRANDS, ["Beta"], NOON)
    assert (stored.new, stored.unmatched) == (1, 1)


def test_nothing_is_stored_when_the_transaction_fails(any_db: Database) -> None:
    def crash() -> None:
        with any_db.write() as session:
            store_page(session, "forum", Page((item(),), {}), BRANDS, (), NOON)
            raise RuntimeError("crash")

    with pytest.raises(RuntimeError, match="crash"):
        crash()
    assert rows(any_db) == []
