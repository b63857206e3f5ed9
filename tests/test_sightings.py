from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor.brands import Brands
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import RetryLater
from monitor.from_sources import FromSources
from monitor.mentions import store_page
from monitor.models import CaseRow, DeliveryRow, MentionRow
from monitor.settings import BrandSettings, Settings, SourceSettings
from monitor.sightings import OPEN_EVERY, PAUSE, Sightings
from monitor.sources.base import Capabilities, Engagement, Item, Page, Source
from tests.stored import complain

SETTINGS = Settings(brands=[BrandSettings(name="Acme", match="acme")])
BRANDS = Brands(SETTINGS.brands)
HOUR = timedelta(hours=1)


@dataclass
class Wall:
    """A service with a wall of posts, which answers about two at a time."""

    now: datetime
    name: str = "wall"
    posts: dict[str, Item] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    error: RetryLater | None = None
    capabilities = Capabilities(look_up=2)

    def write(self, db: Database, external_id: str, **more: Any) -> None:
        self.posts[external_id] = Item(external_id, "acme is late", self.now, **more)
        with db.write() as session:
            store_page(session, self.name, Page((self.posts[external_id],), {}), BRANDS, (), self.now)

    def delete(self, external_id: str) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text="", removed=True)

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        self.asked.append(external_ids)
        if self.error is not None:
            raise self.error
        return tuple(self.posts[each] for each in external_ids if each in self.posts)


class Heard:
    def __init__(self) -> None:
        self.gone: list[tuple[int, int]] = []
        self.grown: list[int | None] = []

    def reply_seen(self, session: Session, case_id: int, reply: object) -> None: ...

    def spread_grew(self, session: Session, spread: Any, now: datetime) -> None:
        self.grown.append(spread.now.likes)

    def words_gone(self, session: Session, case_id: int, mention_id: int, now: datetime) -> None:
        self.gone.append((case_id, mention_id))


def sightings(db: Database, *walls: Wall, heard: Any = None) -> Sightings:
    sources = {wall.name: (cast(Source, wall), SourceSettings(name=wall.name, type="wall")) for wall in walls}
    return Sightings(db, sources, BRANDS, [heard] if heard else [])


def kept(db: Database) -> dict[str, str]:
    with db.read() as session:
        return {row.external_id: row.text for row in session.scalars(select(MentionRow).order_by(MentionRow.id))}


def open_a_case(db: Database, clock: ManualClock, external_id: str) -> tuple[int, int]:
    with db.write() as session:
        row = session.scalars(select(MentionRow).where(MentionRow.external_id == external_id)).one()
        row.judging = "judged"
        given = {"severity": "low", "topic": "other", "language": "en", "policy": "default", "clock": "none"}
        times = {"opened_at": clock.now(), "posted_at": clock.now()}
        case = CaseRow(mention_id=row.id, brand="Acme", source=row.source, state="open", **given, **times)
        session.add(case)
        session.flush()
        row.case_id = case.id
        return case.id, row.id


def test_what_was_deleted_at_its_source_is_deleted_here_within_a_day(any_db: Database, clock: ManualClock) -> None:
    wall = Wall(clock.now())
    for name in ("1", "2", "3", "4", "5"):
        wall.write(any_db, name)
    looking = sightings(any_db, wall)
    wall.delete("2")
    wall.delete("5")
    assert looking.tick(clock.now()).removed == 0
    clock.move(timedelta(hours=20))
    for _ in range(3):  # a batch of two each minute
        looking.tick(clock.now())
        clock.move(timedelta(minutes=1))
    assert kept(any_db) == {"1": "acme is late", "2": "", "3": "acme is late", "4": "acme is late", "5": ""}
    assert sorted(each for asked in wall.asked for each in asked) == ["1", "2", "3", "4", "5"]
    assert looking.tick(clock.now()).removed == 0
    assert len(wall.asked) == 3


def test_open_cases_come_first_and_tell_of_their_readers(any_db: Database, clock: ManualClock) -> None:
    wall, heard = Wall(clock.now()), Heard()
    for name in ("1", "2", "3", "4"):
        wall.write(any_db, name)
    open_a_case(any_db, clock, "4")
    looking = sightings(any_db, wall, heard=heard)
    clock.move(OPEN_EVERY)
    wall.posts["4"] = replace(wall.posts["4"], engagement=Engagement(likes=400))
    looking.tick(clock.now())
    assert (wall.asked, heard.grown) == ([("4",)], [400])
    clock.move(timedelta(days=1))
    looking.tick(clock.now())
    assert wall.asked[-1][0] == "4"


def test_silence_about_a_post_deletes_nothing_and_keeps_no_other_waiting(any_db: Database, clock: ManualClock) -> None:
    wall = Wall(clock.now())
    for name in ("1", "2", "3"):
        wall.write(any_db, name)
    del wall.posts["1"]
    clock.move(timedelta(days=1))
    looking = sightings(any_db, wall)
    looking.tick(clock.now())
    looking.tick(clock.now())
    assert wall.asked == [("1", "2"), ("3",)]
    assert set(kept(any_db).values()) == {"acme is late"}


def test_a_source_in_trouble_is_left_alone_for_as_long_as_it_asks(any_db: Database, clock: ManualClock) -> None:
    ill, well = Wall(clock.now(), "ill"), Wall(clock.now(), "well")
    ill.write(any_db, "1")
    well.write(any_db, "2")
    well.delete("2")
    ill.error = RetryLater("slow down", 2 * HOUR)
    clock.move(timedelta(days=1))
    looking = sightings(any_db, ill, well)
    assert looking.tick(clock.now()).removed == 1
    clock.move(HOUR)
    looking.tick(clock.now())
    assert len(ill.asked) == 1
    clock.move(HOUR)
    ill.error = RetryLater("somehow")
    looking.tick(clock.now())
    clock.move(PAUSE - timedelta(seconds=1))
    looking.tick(clock.now())
    assert len(ill.asked) == 2


def test_an_item_that_nobody_asked_for_is_not_stored(any_db: Database, clock: ManualClock) -> None:
    wall = Wall(clock.now())
    wall.write(any_db, "1")
    wall.posts["2"] = Item("2", "acme too", clock.now())
    wall.look_up = lambda external_ids: tuple(wall.posts.values())  # type: ignore[method-assign]
    clock.move(timedelta(days=1))
    sightings(any_db, wall).tick(clock.now())
    assert list(kept(any_db)) == ["1"]


def test_words_that_are_gone_are_taken_out_of_slack_too(db: Database, clock: ManualClock) -> None:
    wall = Wall(clock.now(), "news")
    cases = Cases(db, SETTINGS)
    case_id = complain(db, SETTINGS, clock.now(), "acme is late", cases, external_id="1", looked_at=clock.now())
    wall.posts["1"] = Item("1", "", clock.now(), removed=True)
    with db.write() as session:
        mention_id = session.scalars(select(MentionRow.id)).one()
        session.execute(update(CaseRow).values(slack_channel="C1", slack_ts="1.0"))
        common = {"case_id": case_id, "transport": "slack", "target": "C0", "created_at": clock.now()}
        common |= {"not_before": clock.now(), "state": "sent"}
        quoting = {"event": "joined", "detail": {"mention_id": mention_id}}
        session.add(DeliveryRow(key="a", kind="alert", receipt="1.0", payload={}, **common))
        session.add(DeliveryRow(key="b", kind="note", receipt="2.0", payload=quoting, **common))
        session.add(DeliveryRow(key="c", kind="note", receipt="3.0", payload={"event": "take"}, **common))
    clock.move(OPEN_EVERY)
    sightings(db, wall, heard=FromSources(cases, announcer=None)).tick(clock.now())  # type: ignore[arg-type]
    with db.read() as session:
        waiting = session.scalars(select(DeliveryRow).where(DeliveryRow.state == "pending").order_by(DeliveryRow.id))
        assert [(row.kind, row.payload) for row in waiting] == [
            ("redact", {"ts": "2.0", "place": "C1"}),
            ("update", {}),
        ]
