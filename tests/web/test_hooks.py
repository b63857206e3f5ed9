"""How the desk answers those who call it."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from sqlalchemy import select, text

from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.models import MentionRow
from monitor.sources.hooks import LARGEST_CALL
from monitor.web import DeskServer, build_web
from tests.hooks.test_hooks import WORD, hooks


@pytest.fixture
def sender(db: Database, clock: ManualClock, make_settings) -> Iterator[httpx2.Client]:  # type: ignore[no-untyped-def]
    """Calls by the public name, as a proxy hands it on; it is no page of the desk."""
    settings = make_settings(web={"public_url": "https://help.acme.example"})
    health = Health(db, clock, settings)
    server = DeskServer(build_web(db, clock, Cases(db, settings), settings, health, hooks(db, clock)), port=0)
    server.start()
    headers = {"Host": "help.acme.example"} | WORD
    with httpx2.Client(base_url=server.address, headers=headers, trust_env=False, verify=False) as client:
        yield client
    server.stop()


def stored(db: Database) -> list[str]:
    with db.read() as session:
        return list(session.scalars(select(MentionRow.text).order_by(MentionRow.id)))


def test_a_call_under_the_public_name_needs_no_origin(sender: httpx2.Client, db: Database) -> None:
    answer = sender.post("/hooks/bell", content="1 acme is slow\n2\n3 weather")
    assert answer.status_code == 200
    assert answer.json() == {
        **{"new": 1, "changed": 0, "removed": 0, "unmatched": 1, "repeated": False},
        "rejected": ["2: text is missing"],
    }
    assert stored(db) == ["acme is slow"]


def test_under_a_foreign_name_nothing_is_heard(sender: httpx2.Client) -> None:
    assert sender.post("/hooks/bell", content="1 acme", headers={"Host": "evil.example"}).status_code == 421


def test_the_public_name_opens_the_hooks_and_nothing_else(sender: httpx2.Client) -> None:
    for path in ("/", "/api/v1/cases", "/hooks", "/metrics"):
        assert sender.get(path).status_code == 421


@pytest.mark.parametrize(
    ("path", "headers", "status", "said"),
    [
        ("/hooks/bell", {"X-Word": "please"}, 401, "X-Word is not the word"),
        ("/hooks/door", {}, 404, "no such hook"),
    ],
)
def test_a_refusal_says_what_was_wrong(
    sender: httpx2.Client, db: Database, path: str, headers: dict[str, str], status: int, said: str
) -> None:
    answer = sender.post(path, content="1 acme", headers=headers)
    assert (answer.status_code, said in answer.json()["error"]) == (status, True)
    assert stored(db) == []


def test_a_call_in_which_nothing_can_be_read_is_422_with_the_reasons(sender: httpx2.Client) -> None:
    answer = sender.post("/hooks/bell", content="1\n2")
    assert (answer.status_code, answer.json()["rejected"]) == (422, ["1: text is missing", "2: text is missing"])


def test_a_megabyte_is_heard_and_more_is_refused_even_if_nobody_said_how_long_it_is(
    sender: httpx2.Client, db: Database
) -> None:
    line = b"1 acme " + b"a" * (LARGEST_CALL - 7)
    assert sender.post("/hooks/bell", content=line).status_code == 200
    assert sender.post("/hooks/bell", content=line + b"a").status_code == 413
    pieces = (line[at : at + 60_000] for at in [*range(0, len(line), 60_000), 0])
    assert sender.post("/hooks/bell", content=pieces).status_code == 413
    assert len(stored(db)) == 1


def test_a_service_that_asks_for_an_answer_gets_it_as_it_is(sender: httpx2.Client) -> None:
    answer = sender.get("/hooks/bell", params={"challenge": "<b>42</b>"})
    assert (answer.status_code, answer.text) == (200, "<b>42</b>")
    assert answer.headers["content-type"].startswith("text/plain")


def test_while_the_database_is_away_the_sender_is_told_to_call_again(sender: httpx2.Client, db: Database) -> None:
    with db.write() as session:
        session.execute(text("ALTER TABLE mentions RENAME TO gone"))
    answer = sender.post("/hooks/bell", content="1 acme")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    with db.write() as session:
        session.execute(text("ALTER TABLE gone RENAME TO mentions"))
    assert sender.post("/hooks/bell", content="1 acme").status_code == 200
    assert stored(db) == ["acme"]
