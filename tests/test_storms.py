"""What is a storm and what is none: recognised when verdicts are committed, among recent cases."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from conftest import NOON
from sqlalchemy import func, select
from stored import verdict

from monitor.cases import Cases
from monitor.classify.likeness import likeness, middle, pack
from monitor.classify.verdict import Verdict
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import Refused
from monitor.incidents import Incidents, answer_for, buckets, incident
from monitor.models import CaseRow, IncidentRow, MentionRow
from monitor.settings import Settings
from monitor.storms import Gathered, Storms

BRANDS = [{"name": "Acme", "match": "acme"}, {"name": "Bolt", "match": "bolt"}]
MINUTE = timedelta(minutes=1)


class Town:
    """People who complain, judged in batches as the classifying stage does it."""

    def __init__(self, db: Database, clock: ManualClock, settings: Settings) -> None:
        self.db, self.clock = db, clock
        self.heard: list[Gathered] = []
        self.storms = Storms(settings.storms, [lambda session, gathered, now: self.heard.append(gathered)])
        self.incidents = Incidents(db, settings.storms)
        self.cases = Cases(db, settings, gather=self.storms.gather)
        self._count = 0

    def complain(self, *said: dict[str, Any]) -> list[int]:
        """One batch; the ids of the cases. Each may say `brand`, `ago`, `backfill` and anything of a verdict."""
        now = self.clock.now()
        with self.db.write() as session:
            verdicts: dict[int, Verdict] = {}
            for each in said:
                self._count += 1
                row = MentionRow(
                    source="news",
                    external_id=f"m{self._count}",
                    text=f"Complaint {self._count}",
                    author=f"customer{self._count}",
                    brands=[each.get("brand", "Acme")],
                    backfill=each.get("backfill", False),
                    posted_at=now - each.get("ago", timedelta(0)),
                    seen_at=now,
                    judging="judged",
                )
                session.add(row)
                session.flush()
                given = {k: v for k, v in each.items() if k not in ("brand", "ago", "backfill")}
                verdicts[row.id] = verdict(**given)
            return list(self.cases.consider(session, verdicts, now).values())

    def minutes(self, count: int, per_minute: int = 1, **said: Any) -> None:
        for _ in range(count):
            self.complain(*[said] * per_minute)
            self.clock.move(MINUTE)

    def past(self, weeks: int, per_hour: int, topic: str = "delivery") -> None:
        """An ordinary past: so many an hour, at the hours that the usual is taken from."""
        now = self.clock.now().replace(minute=0)
        ago = [
            self.clock.now() - now + timedelta(weeks=w) + timedelta(hours=h) - timedelta(minutes=60 * n / per_hour)
            for w in range(1, weeks + 1)
            for h in (-1, 0, 1)
            for n in range(per_hour)
        ]
        self.complain(*[{"ago": a, "backfill": True, "topic": topic} for a in ago])
        self.complain({"ago": timedelta(weeks=weeks, hours=3), "backfill": True})

    def incident_rows(self) -> list[IncidentRow]:
        with self.db.read() as session:
            return list(session.scalars(select(IncidentRow).order_by(IncidentRow.id)))

    def in_none(self) -> int:
        with self.db.read() as session:
            alone = select(func.count()).select_from(CaseRow).where(CaseRow.incident_id.is_(None))
            return session.scalars(alone).one()


@pytest.fixture
def make_town(any_db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Callable[..., Town]:
    return lambda **storms: Town(any_db, clock, make_settings(brands=BRANDS, storms=storms))


@pytest.fixture
def town(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Town:
    return Town(db, clock, make_settings(brands=BRANDS))


def seen(direction: int, wobble: float = 0.05, seed: int = 0) -> bytes:
    """Features that point into one direction, more or less."""
    dice = np.random.default_rng(seed)
    features = dice.normal(0, wobble, 32).astype(np.float32)
    features[direction] += 1
    return pack(features)


def test_eight_of_one_topic_in_a_quarter_of_an_hour_are_a_storm_where_that_never_happens(
    make_town: Callable[..., Town],
) -> None:
    town = make_town()
    town.past(weeks=8, per_hour=1)
    town.minutes(7)
    assert town.incident_rows() == []
    town.minutes(1)
    (found,) = town.incident_rows()
    assert (found.brand, found.state, found.topics) == ("Acme", "open", ["delivery"])
    assert len(town.heard[0].cases) == 8  # those that came before it was recognised are of it too
    town.minutes(5)
    assert [gathered.opened for gathered in town.heard] == [True] + [False] * 5
    with town.db.read() as session:
        assert incident(session, found.id, town.clock.now()).cases == 13


def test_what_is_usual_at_that_hour_is_no_storm(town: Town) -> None:
    town.past(weeks=8, per_hour=40)
    town.minutes(15)  # 15 in the window, where 10 are usual
    assert town.incident_rows() == []
    town.minutes(4, per_minute=9)
    assert len(town.incident_rows()) == 1


def test_where_nothing_is_known_two_dozen_are_needed(town: Town) -> None:
    town.complain(*[{}] * 15)
    assert town.incident_rows() == []
    town.complain(*[{}] * 15)
    assert len(town.incident_rows()) == 1
    assert town.in_none() == 0


def test_a_whole_batch_of_a_storm_is_recognised_with_its_commit(town: Town) -> None:
    town.complain(*[{}] * 128)
    assert town.in_none() == 0
    assert [len(gathered.cases) for gathered in town.heard] == [128]


def test_topics_that_have_nothing_to_do_with_it_stay_alone(town: Town) -> None:
    town.past(weeks=8, per_hour=1)
    alone = town.in_none()
    town.complain(*[{}] * 20, {"topic": "price"}, {"topic": "billing"})
    assert town.in_none() == alone + 2


def test_two_brands_have_two_storms_at_once(town: Town) -> None:
    said = [{"brand": "Acme"}, {"brand": "Bolt"}] * 40
    town.complain(*said)
    assert [row.brand for row in town.incident_rows()] == ["Acme", "Bolt"]
    with town.db.read() as session:
        assert [incident(session, n, town.clock.now()).cases for n in (1, 2)] == [40, 40]


def test_a_source_that_was_away_and_brings_hours_at_once_is_no_storm(town: Town) -> None:
    town.past(weeks=8, per_hour=12)
    town.complain(*[{"ago": timedelta(minutes=5 * n)} for n in range(60)])  # newest first, as feeds list them
    assert town.incident_rows() == []


def test_a_storm_that_is_heard_of_hours_later_is_still_gathered(town: Town) -> None:
    town.past(weeks=8, per_hour=1)
    town.complain(*[{"ago": timedelta(hours=5, seconds=10 * n)} for n in range(30)])
    assert [len(gathered.cases) for gathered in town.heard] == [30]


def test_imported_history_is_no_storm_but_says_what_is_usual(town: Town) -> None:
    town.complain(*[{"backfill": True, "ago": timedelta(minutes=n % 10)} for n in range(100)])
    assert town.incident_rows() == []


def test_last_weeks_storm_does_not_make_this_weeks_usual(town: Town) -> None:
    town.past(weeks=8, per_hour=1)
    town.complain(*[{}] * 60)
    town.incidents.end(1, "ann", town.clock.now())
    town.clock.move(timedelta(weeks=1))
    town.minutes(8)
    assert len(town.incident_rows()) == 2


def test_look_alikes_of_many_topics_are_one_storm(make_town: Callable[..., Town]) -> None:
    town = make_town()
    dice = random.Random(3)
    topics = ("delivery", "outage", "billing", "price", "other")
    for n in range(60):  # an hour of all sorts, so that it is known how alike complaints are by chance
        town.complain({"topic": dice.choice(topics), "features": seen(n % 30, seed=n)})
        town.clock.move(4 * MINUTE)
    town.complain(*[{"topic": topics[n % 5], "features": seen(31, seed=n)} for n in range(20)])
    (found,) = town.incident_rows()
    assert found.topics == []  # none of them is what it is about
    alone = town.in_none()
    town.complain({"topic": "safety", "features": seen(31, seed=99)}, {"topic": "outage", "features": seen(4)})
    assert town.in_none() == alone + 1


def test_other_is_a_topic_only_where_nothing_more_is_known(town: Town) -> None:
    town.past(weeks=8, per_hour=1)
    town.complain(*[{"topic": "other", "features": seen(n, seed=n)} for n in range(30)])
    assert town.incident_rows() == []
    town.complain(*[{"topic": "other"}] * 30)
    assert len(town.incident_rows()) == 1


def test_it_can_be_switched_off(make_town: Callable[..., Town]) -> None:
    town = make_town(enabled=False)
    town.complain(*[{}] * 100)
    assert town.incident_rows() == []


def test_an_incident_ends_when_it_was_back_to_the_usual_for_a_while(make_town: Callable[..., Town]) -> None:
    town = make_town(calm="30m")
    town.past(weeks=8, per_hour=4)
    town.minutes(20, per_minute=3)
    town.clock.move(10 * MINUTE)
    town.incidents.tick(town.clock.now())
    assert town.incident_rows()[0].state == "open"
    town.minutes(2)
    town.clock.move(20 * MINUTE)
    town.incidents.tick(town.clock.now())
    (found,) = town.incident_rows()
    assert (found.state, found.ended_by) == ("ended", "firsthour")
    alone = town.in_none()
    town.minutes(1)
    assert town.in_none() == alone + 1  # alerted by itself again


def test_an_incident_ends_after_the_longest_in_any_case(make_town: Callable[..., Town]) -> None:
    town = make_town(longest="1h")
    for _ in range(7):
        town.complain(*[{}] * 30)
        town.clock.move(10 * MINUTE)
    assert town.incidents.tick(town.clock.now()) == 1
    assert town.incidents.tick(town.clock.now()) == 0


def test_who_ends_what_has_ended_is_told_so(town: Town) -> None:
    town.complain(*[{}] * 30)
    town.incidents.end(1, "ann", town.clock.now())
    with pytest.raises(Refused, match="ended already, by ann"):
        town.incidents.end(1, "bob", town.clock.now())
    with pytest.raises(Refused, match="no incident 9"):
        town.incidents.end(9, "bob", town.clock.now())


def test_the_prepared_answer_is_every_cases_and_nobody_elses(town: Town) -> None:
    cases = town.complain(*[{}] * 30, {"topic": "price"})
    town.incidents.set_answer(1, "  We are on it. ", "ann", town.clock.now())
    with town.db.read() as session:
        assert answer_for(session, cases[0]) == answer_for(session, cases[29]) == "We are on it."
        assert answer_for(session, cases[30]) is None
    with pytest.raises(Refused, match="3001 characters"):
        town.incidents.set_answer(1, "x" * 3001, "ann", town.clock.now())


def test_a_batch_that_is_rolled_back_leaves_no_incident(town: Town) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    town.cases = Cases(town.db, town.cases._gathering.settings, gather=Storms(town.storms._settings, [fail]).gather)
    with pytest.raises(RuntimeError):
        town.complain(*[{}] * 30)
    assert town.incident_rows() == []
    assert town.in_none() == 0


def test_likeness_is_the_cosine_within_what_a_byte_can_say() -> None:
    dice = np.random.default_rng(1)
    rows = dice.normal(size=(40, 384)).astype(np.float32)
    exact = rows @ rows[0] / np.linalg.norm(rows, axis=1) / np.linalg.norm(rows[0])
    packed: list[bytes | None] = [pack(row * 7) for row in rows]
    assert np.abs(likeness(packed[0] or b"", packed) - exact).max() < 0.01


def test_likeness_with_nothing_or_with_another_models_features_is_none() -> None:
    assert likeness(pack(np.ones(8, np.float32)), [None, b"", pack(np.ones(4, np.float32))]).tolist() == [-1, -1, -1]
    assert likeness(b"", [pack(np.ones(8, np.float32))]).tolist() == [-1]
    assert pack(np.zeros(4, np.float32)) == bytes(4)
    assert middle([None]) is None


def test_buckets_cover_the_time_with_as_many_bars_as_there_is_room_for() -> None:
    start = NOON
    times = [start + n * MINUTE for n in (0, 1, 1, 59, 60)]
    length, counts = buckets(times, start, start + 60 * MINUTE, most=24)
    assert (length, len(counts), sum(counts)) == (timedelta(minutes=5), 12, 5)
    assert (counts[0], counts[-1]) == (3, 2)
    assert buckets([], start, start, most=24)[1] == [0]
