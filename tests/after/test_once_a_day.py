"""Never two acknowledgements to an author within a day: whoever dies when, whatever is lost, and all at once."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import pairwise
from threading import Barrier

import pytest
from fake_slack import FakeSlack
from hypothesis import HealthCheck, example, given, target
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from monitor import faults
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import RetryLater, Uncertain
from monitor.settings import Settings
from tests.after.square import CourteousOffice

STEPS = ("notices.granted", "notices.decided", "reply.claimed", "reply.looked", "reply.sent", "reply.settled")
Make = Callable[[Database], CourteousOffice]


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _unhook() -> Iterator[None]:
    yield
    faults.hook = None


@pytest.fixture
def make(clock: ManualClock, slack: FakeSlack, make_settings: Callable[..., Settings]) -> Make:
    return lambda db: CourteousOffice(db, clock, slack, make_settings, None, ("auto_ack",))


@pytest.fixture
def office(make: Make, db: Database) -> CourteousOffice:
    return make(db)


def too_near(said: list[tuple[str, datetime]]) -> list[str]:
    """The authors who were told twice within a day."""
    found = []
    for author in {author for author, _ in said}:
        times = sorted(at for who, at in said if who == author)
        found += [author for one, two in pairwise(times) if two - one < timedelta(days=1)]
    return found


authors = st.sampled_from(["mari", "@Mari", "juri"])
courses = st.lists(
    st.one_of(
        st.tuples(st.just("complain"), authors),
        st.tuples(st.just("decide"), st.sampled_from(["", "", *STEPS[:2]])),
        st.tuples(st.just("send"), st.sampled_from(["", "", "", "lost", "unheard", "limited", *STEPS[2:]])),
        st.tuples(st.just("wait"), st.sampled_from(["1", "20", "200", "3600", "43200", "86399", "86400"])),
    ),
    min_size=8,
    max_size=40,
)


@hypothesis_settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(courses)
@example(
    [
        *[("complain", "mari"), ("decide", ""), ("wait", "1"), ("send", "")],
        *[("wait", "86399"), ("complain", "mari"), ("decide", ""), ("send", "")],
    ]
)
def test_no_course_of_events_tells_an_author_twice_within_a_day(
    office: CourteousOffice, clock: ManualClock, course: list[tuple[str, str]]
) -> None:
    clock.move(timedelta(days=3))  # the database is the same for every example
    office.square.posts.clear()
    sources: dict[str, str] = {}
    said: list[tuple[str, datetime]] = []

    def heard() -> None:
        for post in office.square.posts[len(said) :]:
            said.append((sources.get(post.to, "somebody before"), clock.now()))

    for number, (what, how) in enumerate(course):
        if what == "complain":
            case = office.complain(author=how, conversation=f"{clock.now()} {number}", brands=[f"B {number}"])
            sources[case.external_id] = how.removeprefix("@").lower()
        elif what == "wait":
            clock.move(timedelta(seconds=int(how)))
        else:
            errors = {"unheard": Uncertain("no answer"), "limited": RetryLater("wait", timedelta(seconds=20))}
            office.square.troubles = [errors[how]] if how in errors else []
            office.square.lost = [Uncertain("no answer")] if how == "lost" else []
            faults.hook = kill(how)
            with suppress(Killed):
                office.new_notices().run_once() if what == "decide" else office.new_sender(f"w{number}").run_once()
            faults.hook = None
            heard()
    target(len(said))
    assert too_near([each for each in said if each[0] != "somebody before"]) == []


def kill(step: str) -> Callable[[str], None]:
    def at(name: str) -> None:
        if name == step:
            raise Killed

    return at


def test_of_many_processes_at_once_one_is_permitted(make: Make, any_db: Database, clock: ManualClock) -> None:
    office = make(any_db)
    for number in range(24):
        office.complain(
            author=random.choice(["mari", "Mari", "@mari"]), conversation=f"c{number}", brands=[f"B{number}"]
        )
    clock.move(timedelta(seconds=1))
    start = Barrier(6)

    def decide() -> None:
        stage = office.new_notices()
        start.wait()
        stage.run_once()

    with ThreadPoolExecutor(6) as pool:
        for done in [pool.submit(decide) for _ in range(6)]:
            done.result()
    outcomes = [outcome for _, outcome in office.outcomes()]
    assert (len(outcomes), outcomes.count("told"), outcomes.count(None)) == (24, 1, 0)
    with ThreadPoolExecutor(4) as pool:
        for sent in [pool.submit(office.new_sender(f"w{number}").run_once) for number in range(4)]:
            sent.result()
    assert len(office.square.posts) == 1


def test_whoever_dies_when_everybody_is_told_once_in_the_end(make: Make, db: Database, clock: ManualClock) -> None:
    office, dice, lives = make(db), random.Random(7), 0
    for number in range(40):
        office.complain(author=f"customer {number % 20}", conversation=f"c{number}", brands=[f"B{number}"])
    clock.move(timedelta(seconds=1))

    def sometimes(name: str) -> None:
        if dice.random() < 0.15:
            raise Killed

    while lives < 2000:
        lives += 1
        faults.hook = sometimes
        try:
            done = office.new_notices().run_once() + office.new_sender(f"w{lives}").run_once()
        except Killed:
            done = 1
        faults.hook = None
        if not done and not any(state in ("pending", "sending", "unknown") for _, state in office.sent()):
            break
        clock.move(timedelta(seconds=1))
        if lives % 10 == 0:
            clock.move(timedelta(seconds=20))
    assert len(office.square.posts) == len({post.key for post in office.square.posts})
    told = [outcome for _, outcome in office.outcomes()].count("told")
    assert told == 20
    assert len(office.square.posts) + [state for _, state in office.sent()].count("dropped") == 20
