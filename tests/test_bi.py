"""The views for BI tools: their columns stay, they say what the pages say, and they keep what is personal apart."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import URL, inspect, text, update
from stored import complain

from monitor import bi, schema
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.models import CorrectionRow, MentionRow
from monitor.outcome_columns import Outcomes
from monitor.outcomes import outcomes
from monitor.recount import rebuild
from monitor.response import figures
from monitor.settings import Settings

PAGE = (Path(__file__).parents[1] / "docs" / "bi.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(sql|postgresql)\n(.*?)^```", PAGE, re.S | re.M)
QUESTIONS = [(kind, sql) for kind, sql in BLOCKS if sql.startswith("SELECT")]
(RECIPE,) = (sql for _, sql in BLOCKS if sql.startswith("CREATE ROLE"))


def documented() -> dict[str, list[str]]:
    """The columns of each view, as the page tells of them."""
    parts = re.split(r"^### (bi_\w+)$", PAGE.split("## Who may read them")[0], flags=re.M)[1:]
    return {name: re.findall(r"^\| `(\w+)` \|", told, re.M) for name, told in zip(parts[::2], parts[1::2], strict=True)}


def asked(db: Database, sql: str) -> list[dict[str, Any]]:
    with db.read() as session:
        return [dict(row) for row in session.execute(text(sql)).mappings()]


@pytest.fixture
def week(any_db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Database:
    """A few cases with every ending, on both databases."""
    settings = make_settings()
    cases = Cases(any_db, settings)
    start = clock.now()
    ids = [complain(any_db, settings, start + timedelta(minutes=n), rating=1.5, brands=["Acme"]) for n in range(5)]
    for number, (event, after, who) in enumerate(
        [("take", 2, "Mari"), ("reply", 20, "Mari"), ("reply", 61, "Jaan"), ("dismiss", 5, "Mari"), ("reply", 70, "Al")]
    ):
        case = ids[(0, 0, 1, 2, 3)[number]]
        cases.act(case, event, who, "web", start + timedelta(minutes=after))
    complain(any_db, settings, start, posted_at=start - timedelta(days=3))  # too old for a clock
    alike = {"source": "x", "brands": ["Acme", "Bolt"], "posted_at": start, "seen_at": start}
    with any_db.write() as session:
        session.add(MentionRow(external_id="unjudged", text="hi", **alike))
        session.add(MentionRow(external_id="removed", text="", removed_at=start, **alike))
        session.add(CorrectionRow(mention_id=1, complaint=False, actor="Mari", at=start))
    rebuild(any_db, start)
    return any_db


def test_the_page_tells_of_every_column_in_its_place_and_of_no_other(any_db: Database) -> None:
    found = inspect(any_db.engine)
    assert set(found.get_view_names()) == set(documented())
    assert {name: [c["name"] for c in found.get_columns(name)] for name in documented()} == documented()


@pytest.mark.parametrize(("kind", "sql"), QUESTIONS)
def test_every_question_on_the_page_has_an_answer(week: Database, kind: str, sql: str) -> None:
    if kind == "sql" or week.dialect == "postgresql":
        assert asked(week, sql) or "corrections" in sql


def test_the_responses_give_the_figures_of_the_page(week: Database, clock: ManualClock) -> None:
    with week.read() as session:
        read = outcomes(session, clock.now() - timedelta(days=9), clock.now() + timedelta(days=1))
    found = [outcome for outcome in read if outcome.clocked]
    wanted = figures(Outcomes.of(found))
    (told,) = asked(
        week,
        "SELECT count(*) AS cases, count(answered_at) AS answered, sum(CASE WHEN waiting THEN 1 END) AS waiting,"
        " sum(CASE WHEN closed_without_reply THEN 1 END) AS closed,"
        " avg(CASE WHEN within_20 THEN 1.0 ELSE 0 END) AS soon, avg(CASE WHEN within_60 THEN 1.0 ELSE 0 END) AS hour,"
        " avg(CASE WHEN within_target THEN 1.0 ELSE 0 END) AS met,"
        " sum(CASE WHEN breached THEN 1 ELSE 0 END) AS breached, min(seconds_to_take) AS took,"
        " avg(CASE WHEN answered_outside THEN 1.0 WHEN NOT answered_outside THEN 0 END) AS outside,"
        " max(calendar_seconds) AS longest FROM bi_responses",
    )
    assert (told["cases"], told["answered"], told["waiting"], told["closed"]) == (5, 3, 1, 1)
    assert (told["cases"], told["answered"]) == (wanted.cases, wanted.answered)
    assert (told["waiting"], told["closed"]) == (wanted.waiting, wanted.closed_without_reply)
    assert [float(told[name]) for name in ("soon", "hour", "met", "outside")] == [
        wanted.within_20,
        wanted.within_60,
        wanted.within_target,
        wanted.answered_outside,
    ]
    assert told["breached"] == wanted.breached
    assert (float(told["took"]), wanted.median_to_take) == (120.0, 120.0)
    assert told["longest"] == max(outcome.seconds("calendar") or 0 for outcome in found)


def test_who_answered_is_who_the_page_says(week: Database, clock: ManualClock) -> None:
    with week.read() as session:
        found = outcomes(session, clock.now() - timedelta(days=9), clock.now() + timedelta(days=1))
    told = asked(week, "SELECT case_id, coalesce(answered_by, owner, 'nobody') AS person FROM bi_personal_cases")
    assert {row["case_id"]: row["person"] for row in told} == {outcome.case_id: outcome.person for outcome in found}


def test_hours_days_and_mentions_count_alike_and_a_correction_has_the_last_word(week: Database) -> None:
    counted = "SELECT sum(mentions) AS mentions, sum(CASE WHEN complaint THEN mentions END) AS complaints FROM {}"
    hourly, daily = (asked(week, counted.format(f"bi_trends_{grain}")) for grain in ("hourly", "daily"))
    assert [{k: int(v) for k, v in row.items()} for row in hourly] == [{"mentions": 6, "complaints": 4}]
    assert [{k: int(v) for k, v in row.items()} for row in daily] == [{"mentions": 6, "complaints": 4}]
    mentions = asked(week, "SELECT complaint, judged_complaint FROM bi_mentions WHERE counted")
    assert len(mentions) == 6
    assert [bool(m["judged_complaint"]) for m in mentions if not m["complaint"]] == [True, True]
    stars = asked(week, "SELECT sum(stars) AS stars, sum(rated) AS rated FROM bi_trends_daily")
    assert [(float(s["stars"]), int(s["rated"])) for s in stars] == [(7.5, 5)]
    days = {str(row["day"]) for row in asked(week, "SELECT day FROM bi_trends_daily")}
    assert days == {"2026-11-20", "2026-11-17"}
    hours = {str(row["hour"])[:19] for row in asked(week, "SELECT hour FROM bi_trends_hourly")}
    assert hours == {"2026-11-20 12:00:00", "2026-11-17 12:00:00"}


def test_a_mention_of_two_brands_is_one_row_for_each(week: Database) -> None:
    one, _ = asked(week, "SELECT id, brands FROM bi_mentions WHERE brands LIKE '%;%' ORDER BY id")
    assert one["brands"] == "Acme; Bolt"
    each = asked(week, f"SELECT brand FROM bi_mention_brands WHERE mention_id = {one['id']} ORDER BY brand")
    assert [row["brand"] for row in each] == ["Acme", "Bolt"]


def test_no_view_has_words_or_people_but_those_named_personal() -> None:
    revealing = {
        "text",
        "author",
        "author_name",
        "author_url",
        "url",
        "external_id",
        "owner",
        "actor",
        "detail",
        "error",
    }
    open_to_all = {name: columns for name, columns in documented().items() if not name.startswith(bi.PERSONAL)}
    assert {name: revealing & set(columns) for name, columns in open_to_all.items()} == {
        name: set() for name in open_to_all
    }


def test_removed_mentions_have_no_words_even_before_they_are_wiped(
    any_db: Database, clock: ManualClock, make_settings: Callable[..., Settings]
) -> None:
    complain(any_db, make_settings(), clock.now(), text="I take this back", author="@shy")
    with any_db.write() as session:
        session.execute(update(MentionRow).values(removed_at=clock.now()))
    assert asked(any_db, "SELECT * FROM bi_personal_mentions") == []
    assert [row["author"] for row in asked(any_db, "SELECT author FROM bi_personal_cases")] == [None]
    assert [bool(row["removed"]) for row in asked(any_db, "SELECT removed FROM bi_mentions")] == [True]


@pytest.fixture
def reader(pg_url: URL) -> Iterator[str]:
    """The role of the recipe, by a name of its own since roles belong to the whole server."""
    role = f"reader_of_{pg_url.database}"
    db = Database(pg_url)
    with db.write() as session:
        session.execute(text(re.sub(r"\bbi\b", role, RECIPE)))
    yield role
    with db.write() as session:
        session.execute(text(f"DROP OWNED BY {role}; DROP ROLE {role}"))
    db.close()


def may_read(db: Database, role: str, table: str) -> bool:
    with db.read() as session:
        return bool(session.scalar(text(f"SELECT has_table_privilege('{role}', '{table}', 'SELECT')")))


def test_the_recipes_role_reads_what_is_not_personal_and_nothing_else_also_after_an_upgrade(
    pg_url: URL, reader: str
) -> None:
    db = Database(pg_url)
    for _ in range(2):
        readable = {name for name in [*documented(), "mentions", "cases"] if may_read(db, reader, name)}
        assert readable == {name for name in documented() if not name.startswith(bi.PERSONAL)}
        with db.write() as session:
            connection = session.connection()
            bi.put_up(connection, bi.take_down(connection))
    db.close()


def test_the_views_are_out_of_the_way_of_a_migration(any_db: Database) -> None:
    with any_db.engine.connect().execution_options(writes=True) as connection, connection.begin():
        command.downgrade(schema.config(connection), "-1")
    assert inspect(any_db.engine).get_view_names() == []
    schema.upgrade(any_db)
    assert set(inspect(any_db.engine).get_view_names()) == set(documented())
