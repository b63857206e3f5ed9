"""The lists of the interface: every row once, filters, and sentences for what cannot be answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from monitor.clock import ManualClock
from monitor.database import Database
from monitor.export import hour, hours
from monitor.models import CorrectionRow, MentionRow, ReplyRow
from monitor.recount import rebuild
from monitor.web import listing
from monitor.web.paging import CaseQuery, MentionQuery, PastQuery
from tests.web import town
from tests.web.serving import Desk


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A town in which two verdicts were corrected and two replies written, one of them still a draft."""
    now = desk.clock.now()
    ids = town.settle(desk.db, now)
    with desk.db.write() as session:
        judged = select(MentionRow.id).where(MentionRow.source == "x", MentionRow.judging == "judged")
        first, second = session.scalars(judged.order_by(MentionRow.id).limit(2))
        for minutes, mention in enumerate((first, second)):
            at = now - timedelta(minutes=minutes)
            session.add(CorrectionRow(mention_id=mention, complaint=True, actor="Mari", at=at))
        for key, state in (("a", "sent"), ("b", "draft")):
            case = ids["jun_dlc"]
            mention = session.scalars(select(MentionRow.id).where(MentionRow.case_id == case)).one()
            given: dict[str, Any] = {"text": "We look into it.", "actor": "Mari", "origin": "web"}
            row = ReplyRow(key=key, case_id=case, mention_id=mention, state=state, **given)
            row.created_at = row.not_before = now
            session.add(row)
    rebuild(desk.db, now)
    return desk


def get(desk: Desk, path: str, **asked: Any) -> dict[str, Any]:
    answer = desk.http.get(f"/api/v1/{path}", params=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def paged(desk: Desk, path: str, name: str, limit: int, **asked: Any) -> list[dict[str, Any]]:
    rows, cursor = [], {}
    while True:
        page = get(desk, path, limit=limit, **asked, **cursor)
        assert len(page[name]) <= limit
        rows += page[name]
        if page["next"] is None:
            return rows
        assert len(page[name]) == limit
        cursor = {"cursor": page["next"]}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("cases", "cases"),
        ("mentions", "mentions"),
        ("corrections", "corrections"),
        ("replies", "replies"),
        ("trends/hourly", "hours"),
    ],
)
def test_pages_of_any_size_give_every_row_once_in_the_same_order(busy: Desk, path: str, name: str) -> None:
    whole = get(busy, path, limit=200)[name]
    assert whole
    for limit in (1, 3):
        assert paged(busy, path, name, limit) == whole


def test_mentions_come_in_the_order_in_which_they_were_posted_also_those_of_one_second(busy: Desk) -> None:
    now = busy.clock.now()
    with busy.db.write() as session:
        for _ in range(5):
            town.mention(session, town.JUN, now - timedelta(days=2))
    found = paged(busy, "mentions", "mentions", 2)
    places = [(row["posted_at"], row["id"]) for row in found]
    assert places == sorted(places, reverse=True)
    assert len(set(places)) == len(places)


def test_a_mention_that_comes_late_neither_doubles_nor_hides_another(busy: Desk) -> None:
    first = get(busy, "mentions", limit=4)
    with busy.db.write() as session:
        town.mention(session, town.JUN, busy.clock.now())
    rest = get(busy, "mentions", limit=200, cursor=first["next"])
    seen = [row["id"] for row in first["mentions"] + rest["mentions"]]
    assert len(seen) == len(set(seen)) == len(get(busy, "mentions", limit=200)["mentions"]) - 1


def test_several_values_of_a_filter_mean_any_and_several_filters_mean_all(busy: Desk) -> None:
    both = get(busy, "mentions", language=["ta", "tr"])["mentions"]
    assert {row["language"] for row in both} == {"ta", "tr"}
    assert [row["author"] for row in get(busy, "mentions", language=["ta", "tr"], severity="critical")["mentions"]] == [
        "ayse_k"
    ]
    assert {row["topic"] for row in get(busy, "cases", topic=["outage", "billing"])["cases"]} == {"outage", "billing"}
    assert get(busy, "mentions", brand="Acme", sentiment="positive", complaint="true")["mentions"] == []


def test_since_is_inclusive_until_exclusive_and_a_date_is_its_midnight(busy: Desk) -> None:
    row = get(busy, "mentions", limit=1)["mentions"][0]
    assert row["id"] in [each["id"] for each in get(busy, "mentions", since=row["posted_at"])["mentions"]]
    assert row["id"] not in [each["id"] for each in get(busy, "mentions", until=row["posted_at"])["mentions"]]
    days = {
        each["posted_at"][:10] for each in get(busy, "mentions", since="2026-11-11", until="2026-11-20")["mentions"]
    }
    assert days == {"2026-11-11", "2026-11-15"}
    plus = busy.http.get("/api/v1/mentions?since=2026-11-20T13:00:00+02:00").json()["mentions"]
    assert plus == get(busy, "mentions", since="2026-11-20T11:00:00Z")["mentions"] != []


def test_one_mention_has_an_address(busy: Desk) -> None:
    row = get(busy, "mentions", limit=1)["mentions"][0]
    assert get(busy, f"mentions/{row['id']}") == row
    for number in (0, -1, 99_999, 2**70):
        answer = busy.http.get(f"/api/v1/mentions/{number}")
        assert (answer.status_code, answer.json()["title"]) == (404, "Not Found")


def test_drafts_are_nobody_elses_business(busy: Desk) -> None:
    assert [row["state"] for row in get(busy, "replies")["replies"]] == ["sent"]


def test_corrections_tell_what_was_said_and_what_was_judged(busy: Desk) -> None:
    newest = get(busy, "corrections")["corrections"][0]
    assert (newest["actor"], newest["complaint"], newest["source"]) == ("Mari", True, "x")
    assert newest["judged_complaint"] in (True, False)


def test_the_hourly_counts_add_up_to_the_mentions_that_count(busy: Desk) -> None:
    counted = [m for m in get(busy, "mentions", limit=200)["mentions"] if m["judging"] == "judged" and not m["own"]]
    found = get(busy, "trends/hourly", limit=200, brand="Acme")["hours"]
    assert sum(row["mentions"] for row in found) == len(counted)
    assert found[0]["hour"].endswith(":00:00Z")


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("mentions?brand=Acmee", 'There is no brand "Acmee"; did you mean "Acme"?'),
        ("cases?brand=Zzz", 'There is no brand "Zzz"; known: Acme.'),
        ("mentions?source=redit", 'There is no source "redit"; did you mean "reddit"?'),
        ("mentions?language=xx", 'There is no language "xx"; '),
        ("mentions?topic=delivry", 'There is no topic "delivry"; did you mean "delivery"?'),
        ("cases?langauge=en", "langauge: there is no such parameter; /api/openapi.json lists them"),
        ("cases?state=gone", "state.0: \"gone\" does not fit: it should be 'open', "),
        ("mentions?limit=500", 'limit: "500" does not fit: it should be less than or equal to 200'),
        (
            "mentions?since=yesterday",
            'since: "yesterday" does not fit: is no time: write it such as 2026-11-20T16:45+02:00',
        ),
        (
            "mentions?since=2026-11-20T10:00",
            'since: "2026-11-20T10:00" does not fit: has no time zone: write it such as',
        ),
        ("mentions?since=2026-11-19&until=2026-11-18", "until is not after since: exchange the two"),
        ("cases?since=2027-01-01", "since is 2027-01-01T00:00:00+00:00, in the future: nothing was heard yet"),
        ("trends/hourly?since=2026-11-19&until=2026-11-19", "until is not after since: exchange the two"),
        ("export/cases.csv?since=2026-11-19&until=2026-11-18", "until is not after since: exchange the two"),
        ("mentions?cursor=rubbish", "cursor: not one that this list gave; leave it out to begin again"),
        ("export/mentions.xlsx", "format: \"xlsx\" does not fit: it should be 'csv', 'jsonl' or 'parquet'"),
        ("nothing", "there is nothing at this address; /api/openapi.json lists what there is"),
    ],
)
def test_what_cannot_be_answered_is_told_in_a_sentence_with_the_mend(desk: Desk, path: str, says: str) -> None:
    answer = desk.http.get(f"/api/v1/{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert told["status"] == answer.status_code == (404 if path == "nothing" else 422)
    assert told["detail"].startswith(says)
    assert bool(told["errors"]) == ("does not fit" in says or "no such parameter" in says)


def test_a_cursor_of_one_list_is_none_of_another(busy: Desk) -> None:
    cursor = get(busy, "cases", limit=1)["next"]
    for path in ("mentions", "corrections", "replies", "trends/hourly"):
        assert "leave it out" in busy.http.get(f"/api/v1/{path}", params={"cursor": cursor}).json()["detail"]


def test_another_method_is_refused_with_those_that_are_taken(desk: Desk) -> None:
    answer = desk.http.delete("/api/v1/cases", headers={"Content-Length": "0"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET")
    assert "/api/openapi.json" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [(b"\x80", 400, "the body is no JSON that can be read"), (b"{", 422, "body: is no JSON")],
)
def test_a_body_that_is_no_json_is_told_so(desk: Desk, body: bytes, status: int, says: str) -> None:
    case = town.settle(desk.db, desk.clock.now())["jun_dlc"]
    headers = {"Content-Type": "application/json"}
    answer = desk.http.post(f"/api/v1/cases/{case}/events", content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"].partition(";")[0]) == (status, says)


def test_the_lists_are_the_same_on_both_databases(
    any_db: Database, clock: ManualClock, make_settings: Callable[..., Any]
) -> None:
    now = clock.now()
    ids = town.settle(any_db, now)
    rebuild(any_db, now)
    past = MentionQuery(brand=["Acme"], until=now, complaint=True, language=["ta", "tr"])
    with any_db.write() as session:
        session.add(CorrectionRow(mention_id=1, complaint=True, actor="Mari", at=now))
    with any_db.read() as session:
        newest = listing.mentions(session, 10, past)
        assert [m.author for m in newest] == ["meena_tvl", "ayse_k"]
        after = (newest[0].posted_at, newest[0].id)
        assert [m.author for m in listing.mentions(session, 10, past, after)] == ["ayse_k"]
        assert [c.id for c in listing.cases(session, 1, CaseQuery(severity=["critical"]))] == [ids["ayse_k"]]
        assert [k.actor for k in listing.corrections(session, 5, PastQuery(since=now))] == ["Mari"]
        assert listing.replies(session, 5, PastQuery(source=["x"])) == []
    first, second, *_ = hours(any_db, now - timedelta(days=1), now, ["Acme"])
    assert hours(any_db, None, None, after=first[:7], limit=1)[0] == second or first.hour != second.hour
    assert isinstance(hour(first)["hour"], datetime)
