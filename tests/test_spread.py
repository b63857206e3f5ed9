from __future__ import annotations

from dataclasses import astuple
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from monitor.brands import Brands
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.from_sources import FromSources
from monitor.mentions import mention, store_page
from monitor.models import CaseEventRow, MentionRow
from monitor.settings import BrandSettings, Settings
from monitor.sources.base import Engagement, Item, Page
from monitor.spread import Spread, level, spread_words
from monitor.storable import MAX_MEDIA
from tests.stored import complain

SETTINGS = Settings(brands=[BrandSettings(name="Acme", match="acme")])
BRANDS = Brands(SETTINGS.brands)
counts = st.none() | st.integers(0, 10**12)
engagements = st.builds(Engagement, counts, counts, counts, counts)


def read(db: Database, clock: ManualClock, *items: Item) -> tuple[Spread, ...]:
    with db.write() as session:
        return store_page(session, "news", Page(items, {}), BRANDS, (), clock.now()).spread


def test_pictures_and_engagement_are_stored_with_the_mention(any_db: Database, clock: ManualClock) -> None:
    media = ("https://i.example.com/1.png", "javascript:alert(1)", "https://i.example.com/1.png")
    many = tuple(f"https://i.example.com/{i}.png" for i in range(50))
    liked = Engagement(likes=12, shares=-1, views=2**70)
    posted = clock.now() - timedelta(minutes=1)
    read(any_db, clock, Item("1", "acme", posted, media=media, engagement=liked), Item("2", "acme", posted, media=many))
    with any_db.read() as session:
        first, second = (mention(session, id) for id in session.scalars(select(MentionRow.id).order_by(MentionRow.id)))
    assert first.media == ("https://i.example.com/1.png",)
    assert first.engagement == Engagement(likes=12, shares=0, views=2**63 - 1)
    assert (len(second.media), second.engagement) == (MAX_MEDIA, None)


def test_counts_that_change_are_kept_without_judging_the_words_again(any_db: Database, clock: ManualClock) -> None:
    item = Item("1", "acme", clock.now(), engagement=Engagement(likes=1, views=50))
    read(any_db, clock, item)
    assert read(any_db, clock, item) == ()
    read(any_db, clock, Item("1", "acme", clock.now(), engagement=Engagement(likes=3, views=50)))
    read(any_db, clock, Item("1", "acme", clock.now()))  # seen where the source does not tell
    with any_db.read() as session:
        row = session.scalars(select(MentionRow)).one()
    assert (row.likes, row.views, row.revision, row.judging) == (3, 50, 0, "waiting")


def test_a_jump_in_readers_of_an_open_case_is_told_once_for_each_power_of_ten(db: Database, clock: ManualClock) -> None:
    cases = Cases(db, SETTINGS)
    case_id = complain(db, SETTINGS, clock.now(), "acme is late", cases, external_id="1")
    listener = FromSources(cases, announcer=None)  # type: ignore[arg-type]
    for likes in (9, 99, 100, 950, 90, 999, 1_200, 800, 1_300):
        for spread in read(db, clock, Item("1", "acme is late", clock.now(), engagement=Engagement(likes=likes))):
            if spread.news:
                with db.write() as session:
                    listener.spread_grew(session, spread, clock.now())
    with db.read() as session:
        notes = session.scalars(select(CaseEventRow.detail).where(CaseEventRow.case_id == case_id)).all()
    assert [note["text"] for note in notes if "text" in note] == ["it spreads: 100 likes", "it spreads: 1,200 likes"]


def test_a_closed_case_hears_nothing_of_its_readers(db: Database, clock: ManualClock) -> None:
    cases = Cases(db, SETTINGS)
    case_id = complain(db, SETTINGS, clock.now(), "acme is late", cases, external_id="1")
    cases.act(case_id, "resolve", "ann", "cli", clock.now())
    (spread,) = read(db, clock, Item("1", "acme is late", clock.now(), engagement=Engagement(views=10**6)))
    with db.write() as session:
        FromSources(cases, announcer=None).spread_grew(session, spread, clock.now())  # type: ignore[arg-type]
    with db.read() as session:
        assert "note" not in [event.kind for event in cases.history(session, case_id)]


@pytest.mark.parametrize(
    ("engagement", "words"),
    [
        (None, ""),
        (Engagement(), ""),
        (Engagement(9, 0, 9, 999), ""),
        (Engagement(1204, 1, 10, 45_000), "1,204 likes, 1 share, 10 answers, 45,000 views"),
    ],
)
def test_only_what_is_many_is_put_into_words(engagement: Engagement | None, words: str) -> None:
    assert spread_words(engagement) == words


@given(engagements, engagements)
def test_more_readers_are_never_a_lower_level(one: Engagement, other: Engagement) -> None:
    both = Engagement(*((a or 0) + (b or 0) for a, b in zip(astuple(one), astuple(other), strict=True)))
    assert level(both) >= max(level(one), level(other))


@pytest.mark.parametrize(
    ("engagement", "expected"),
    [
        (Engagement(99), 0),
        (Engagement(40, 40, 20), 1),
        (Engagement(views=9_999), 0),
        (Engagement(views=10_000), 1),
        (Engagement(999, views=10**6), 3),
    ],
)
def test_levels_are_powers_of_ten_from_a_hundred_hands_or_ten_thousand_views(
    engagement: Engagement, expected: int
) -> None:
    assert level(engagement) == expected
