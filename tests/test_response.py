"""The figures of the response, against a small world that was reckoned by hand.

Ten cases with a clock on the Sunday on which Tallinn's clocks went back (2026-10-25: 04:00 became 03:00 at 01:00 UTC):

| case | source | language | posted | what became of it |
|---|---|---|---|---|
| 1 | x | en | 03:30 summer time | Mari took it after 2 min and answered after 5 min |
| 2 | x | en | 03:30 winter time | Mari took it after 4 min and answered after 12 min |
| 3 | x | et | 12:00 | an answer was seen on the source after 20 min and 0.9 s; Jaan has it |
| 4 | app | en | 12:00 | Jaan answered after 60 min |
| 5 | app | en | 12:00 | Jaan noted an answer after 90 min, 30 of them business |
| 6 | app | et | 12:00 | Mari took it after 30 min and answered after 180 min, 150 of them business: too late |
| 7 | x | en | 12:00 | waits, due long ago, nobody took it |
| 8 | x | en | 12:00 | waits, not due yet |
| 9 | x | en | 12:00 | taken back from Jaan, breached, resolved without a reply |
| 10 | x | en | 12:00 | dismissed in time |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import response
from monitor.breaches import Breach
from monitor.breaches import breaches as listed
from monitor.outcome_columns import Outcomes
from monitor.outcomes import REASONS, Measure, Outcome, Turn
from monitor.response import DEFINITIONS, UNKNOWN, Bar, Figures, grouped
from monitor.waits import DEFINITIONS as WAITED

TALLINN = ZoneInfo("Europe/Tallinn")
NOON = datetime(2026, 10, 25, 10, 0, tzinfo=UTC)
DUE = NOON + timedelta(hours=1)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def figures(world: Sequence[Outcome], measure: Measure = "calendar") -> Figures:
    return response.figures(Outcomes.of(world), measure)


def distribution(world: Sequence[Outcome], measure: Measure = "calendar") -> list[Bar]:
    return response.distribution(Outcomes.of(world), measure)


def breaches(world: Sequence[Outcome]) -> list[Breach]:
    return listed(Outcomes.of(world))


WAITS = Outcome(8, "Acme", "x", "en", "open", None, NOON, NOON, clocked=True)


def answered(case_id: int, after: float, *turns: Turn, at: datetime = NOON, **more: object) -> Outcome:
    given = {"state": "replied", "answered_at": at + minutes(after), "met": True, "calendar_seconds": after * 60}
    given |= {"business_seconds": after * 60, "posted_at": at, "opened_at": at, "turns": turns}
    return replace(WAITS, case_id=case_id, **(given | more))  # type: ignore[arg-type]


def turn(kind: str, actor: str, after: float, at: datetime = NOON, sent: bool = False) -> Turn:
    return Turn(kind, actor, at + minutes(after), sent)


SUMMER, WINTER = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
OLD = replace(WAITS, case_id=11, clocked=False)
WORLD = [
    answered(
        1, 5, turn("take", "Mari", 2, SUMMER), turn("reply", "Mari", 5, SUMMER, sent=True), at=SUMMER, satisfaction=5
    ),
    answered(
        2, 12, turn("take", "Mari", 4, WINTER), turn("reply", "Mari", 12, WINTER, sent=True), at=WINTER, satisfaction=4
    ),
    answered(
        3,
        20,
        turn("reply_seen", "acmehelp", 20),
        language="et",
        owner="Jaan",
        calendar_seconds=1200.9,
        business_seconds=1200.9,
        satisfaction=1,
    ),
    answered(4, 60, turn("reply", "Jaan", 60, sent=True), source="app"),
    answered(5, 90, turn("reply", "Jaan", 90), source="app", business_seconds=1800.0),
    answered(
        6,
        180,
        turn("take", "Mari", 30),
        turn("reply", "Mari", 180, sent=True),
        source="app",
        language="et",
        met=False,
        breached_at=DUE,
        business_seconds=9000.0,
    ),
    replace(WAITS, case_id=7, met=False, breached_at=DUE),
    WAITS,
    replace(
        WAITS,
        case_id=9,
        state="resolved",
        breached_at=DUE,
        calendar_seconds=7200.0,
        turns=(turn("take", "Jaan", 10), turn("silent_owner", "firsthour", 40)),
    ),
    replace(WAITS, case_id=10, state="dismissed", calendar_seconds=60.0),
]


def test_every_figure_is_what_the_small_world_says() -> None:
    assert figures(WORLD) == Figures(
        cases=10,
        answered=6,
        waiting=2,
        closed_without_reply=2,
        median_seconds=2400,  # 5, 12, 20 | 60, 90, 180 minutes: between 20 and 60
        p90_seconds=10800,  # nine of ten of six: all six
        within_20=0.3,
        within_60=0.4,
        within_target=0.5,
        breached=3,
        median_to_take=420,  # 2, 4 | 10, 30 minutes
        answered_outside=2 / 6,
        satisfaction=10 / 3,
        satisfied=2 / 3,
        rated=3,
    )


def test_business_minutes_change_the_times_and_nothing_else() -> None:
    # 5, 12, 20 | 30, 60, 150 minutes
    assert figures(WORLD, "business") == replace(figures(WORLD), median_seconds=1500, p90_seconds=9000, within_60=0.5)


def test_a_p90_is_a_time_that_nine_of_ten_do_not_exceed() -> None:
    assert figures([answered(n, n) for n in range(1, 11)]).p90_seconds == 9 * 60
    assert figures([answered(n, n) for n in range(1, 12)]).p90_seconds == 10 * 60


def test_shares_are_of_all_cases_and_not_of_the_answered() -> None:
    assert figures([answered(1, 5), WAITS, WAITS, WAITS]).within_20 == 0.25


def test_without_cases_nothing_is_claimed() -> None:
    empty = figures([])
    assert (empty.cases, empty.breached) == (0, 0)
    assert {empty.median_seconds, empty.p90_seconds, empty.within_60, empty.satisfaction, empty.answered_outside} == {
        None
    }


def test_a_case_without_a_clock_is_in_no_figure() -> None:
    assert Outcomes.of([*WORLD, OLD]).clocked().rows["case_id"].tolist() == [each.case_id for each in WORLD]


def test_groups_are_named_by_source_language_and_person() -> None:
    assert [(name, of.cases, of.within_60) for name, of in grouped(Outcomes.of(WORLD).apart("source"))] == [
        ("app", 3, 1 / 3),
        ("x", 7, 3 / 7),
    ]
    assert [(name, of.cases, of.breached) for name, of in grouped(Outcomes.of(WORLD).apart("language"))] == [
        ("en", 8, 2),
        ("et", 2, 1),
    ]
    assert [(name, of.cases) for name, of in grouped(Outcomes.of(WORLD).apart("person"))] == [
        ("Jaan", 3),
        ("Mari", 3),
        ("nobody", 4),
    ]


def test_the_hour_that_comes_twice_in_autumn_holds_both() -> None:
    assert [(name, of.cases) for name, of in grouped(Outcomes.of(WORLD).apart_by_hour(TALLINN))] == [
        ("03", 2),
        ("12", 8),
    ]
    assert [name for name, _ in grouped(Outcomes.of(WORLD).apart_by_hour(ZoneInfo("UTC")))] == ["00", "01", "10"]


def test_the_distribution_holds_every_case_once() -> None:
    bars = {bar.label: (bar.cases, bar.so_far) for bar in distribution(WORLD) if bar.cases}
    assert bars == {
        "up to 5 min": (1, 0.1),
        "10 to 20 min": (2, 0.3),
        "40 to 60 min": (1, 0.4),
        "1 to 2 h": (1, 0.5),
        "2 to 8 h": (1, 0.6),
        "still waiting": (2, None),
        "closed without a reply": (2, None),
    }
    unknown = distribution([replace(WORLD[0], business_seconds=None)], "business")
    assert [bar.label for bar in unknown if bar.cases] == [UNKNOWN]


@given(st.lists(st.sampled_from(WORLD) | st.builds(answered, st.just(1), st.floats(0, 1e5))))
def test_bars_and_shares_tell_the_same(world: list[Outcome]) -> None:
    bars, of = distribution(world), figures(world)
    assert sum(bar.cases for bar in bars) == len(world)
    assert {bar.label: bar.so_far for bar in bars}["10 to 20 min"] == of.within_20
    assert {bar.label: bar.so_far for bar in bars}["40 to 60 min"] == of.within_60
    assert of.answered + of.waiting + of.closed_without_reply == of.cases


def test_every_breach_has_its_reason() -> None:
    assert [(b.case_id, b.reason) for b in breaches(WORLD)] == [
        (9, "owner_silent"),
        (7, "nobody_took_it"),
        (6, "answered_late"),
    ]


@pytest.mark.parametrize(
    ("reason", "opened", "turns"),
    [
        ("heard_late", 61, []),
        ("heard_late", 60, []),
        ("nobody_took_it", 1, [("take", 61)]),
        ("given_back", 1, [("take", 5), ("release", 59)]),
        ("not_answered", 1, [("take", 5), ("release", 8), ("take", 60), ("release", 61)]),
        ("not_answered", 1, [("hand_over", 5)]),
    ],
)
def test_the_reason_is_who_had_the_case_when_it_was_due(
    reason: str, opened: float, turns: list[tuple[str, float]]
) -> None:
    case = replace(
        WAITS,
        opened_at=NOON + minutes(opened),
        breached_at=DUE,
        turns=tuple(turn(kind, "Mari", after) for kind, after in turns),
    )
    assert [breach.reason for breach in breaches([case])] == [reason]
    assert reason in REASONS


def test_every_figure_has_its_definition() -> None:
    assert [*DEFINITIONS] == [field.name for field in fields(Figures)]


@pytest.mark.parametrize("words", [DEFINITIONS, WAITED, REASONS])
def test_the_docs_define_figures_and_reasons_as_the_page_does(words: Mapping[str, tuple[str, str]]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "response.md").read_text(encoding="utf-8")
    table = "\n".join(f"| **{title}** | {meaning} |" for title, meaning in words.values())
    assert f"|---|---|\n{table}\n\n" in page
