"""What each role sees and may do, and that no page and no answer of the interface forgets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from monitor import word_index
from monitor.access.roles import Role
from monitor.access.rows import AuditRow
from monitor.access.tokens import Tokens
from monitor.clock import ManualClock
from monitor.models import CorrectionRow, MentionRow, ReplyRow
from monitor.personal import hidden
from monitor.web.masking import masked
from tests.web.people import US, browser, person, signed_in, users
from tests.web.serving import Desk
from tests.web.town import BAD, Said, case, happened

SECRETS = ("kadri.kask", "Kadri", "Kask", "kadri@kask.example", "5123", "kask_friend", "kask.example")
LOUD = Said(
    "kadri.kask",
    "app-store",
    "en",
    "Acme lost my parcel! I am Kadri Kask, write to kadri@kask.example or +372 5123 4567, ask @kask_friend or "
    "https://kask.example/me",
    0.99,
    BAD,
    "high",
    "delivery",
)


@pytest.fixture
def desk(open_desk: Callable[..., Desk], clock: ManualClock) -> Desk:
    return open_desk(clock, login={"local": True})


@pytest.fixture
def case_id(desk: Desk) -> int:
    now = desk.clock.now()
    with desk.db.write() as session:
        row, other = (case(session, LOUD, now - before) for before in (timedelta(minutes=10), timedelta(days=2)))
        for each in (row, other):
            happened(session, each, "note", "Liis", now, "web", text="Called Kadri on 5123 4567.")
            happened(session, each, "rated", "kadri.kask", now, "survey", score=2)
        whose = {"author_name": "Kadri Kask", "author_url": "https://kask.example", "media": ["https://kask.example/p"]}
        session.execute(update(MentionRow).values(**whose))
        about = {"mention_id": row.mention_id, "actor": "Liis", "at": now}
        session.add(CorrectionRow(complaint=True, **about))
        written = {"case_id": row.id, "mention_id": row.mention_id, "actor": "Liis", "origin": "web", "not_before": now}
        session.add(ReplyRow(key="1", state="sent", text="Dear Kadri Kask, ...", created_at=now, **written))
        return row.id


def test_who_may_not_see_a_name_does_not_find_it_either(desk: Desk, case_id: int) -> None:
    word_index.anew(desk.db)
    word_index.fill(desk.db)
    for name, role, finds in (("ann", Role.AGENT, True), ("vic", Role.VIEWER, False)):
        there = signed_in(desk, name, role).http
        for typed in ("kadri", "kask", "5123", '"write to kadri"'):
            assert ('class="to-case"' in there.get("/mentions", params={"q": typed}).text) is finds
        assert 'class="to-case"' in there.get("/mentions", params={"q": "parcel"}).text


def revealed(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def pages(case_id: int) -> list[str]:
    return [
        "/",
        f"/cases/{case_id}",
        "/mentions",
        "/overview",
        "/trends",
        "/trends/mentions",
        "/topics",
        "/competitors",
        "/sources",
        "/staffing",
        "/corrections",
        "/parts/board",
        "/parts/heard",
        f"/parts/cases/{case_id}",
        "/response",
    ]


def test_a_viewer_reads_everything_and_learns_of_no_customer(desk: Desk, case_id: int) -> None:
    viewer, agent = signed_in(desk, "Vera", Role.VIEWER), signed_in(desk, "Ann", Role.AGENT)
    for path in pages(case_id):
        answer = viewer.http.get(path)
        assert answer.status_code == 200
        assert revealed(answer.text) == [], path
    assert "lost my parcel" in viewer.http.get(f"/cases/{case_id}").text
    assert "Liis noted" in viewer.http.get(f"/cases/{case_id}").text
    assert set(revealed(agent.http.get(f"/cases/{case_id}").text)) == set(SECRETS)


def test_every_answer_of_the_interface_is_masked_for_a_token_without_the_scope_personal(
    desk: Desk, case_id: int
) -> None:
    tokens, now = Tokens(desk.db), desk.clock.now()
    _, plain = tokens.add("plain", ["read", "export"], US, now)
    _, personal = tokens.add("personal", ["read", "export", "personal"], US, now)
    schema = desk.http.get("/api/openapi.json").json()
    seen = {"plain": "", "personal": ""}
    for path, methods in schema["paths"].items():
        if "get" not in methods or not path.startswith("/api/"):
            continue
        values = {"case_id": str(case_id), "mention_id": "1", "page": "overview", "name": "volume"}
        values |= {"what": "mentions", "format": "jsonl"}
        address = path.format(**values)
        for name, secret in (("plain", plain), ("personal", personal)):
            asked = {"q": "acme"} if address.endswith("/search") else {}
            answer = browser(desk, Authorization=f"Bearer {secret}").http.get(address, params=asked)
            assert answer.status_code in (200, 501), (address, answer.text)
            seen[name] += answer.text if not answer.headers["content-type"].startswith("image/") else ""
    assert revealed(seen["plain"]) == []
    assert set(revealed(seen["personal"])) == set(SECRETS)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("act", {"event": "take"}),
        ("act", {"event": "note", "text": "x"}),
        ("reply", {"reply": "Hello", "do": "send"}),
        ("reply/weigh", {"reply": "Hello"}),
    ],
)
def test_a_viewer_changes_nothing_and_is_told_who_can_help(
    desk: Desk, case_id: int, path: str, fields: dict[str, str]
) -> None:
    person(desk, "Boss", Role.ADMIN)
    viewer = signed_in(desk, "Vera", Role.VIEWER)
    answer = viewer.post(f"/cases/{case_id}/{path}", **fields)
    assert answer.status_code == 403
    assert "That takes the role agent" in answer.text
    assert "Boss can give you the role agent" in answer.text
    assert '<form class="actions"' not in viewer.http.get(f"/cases/{case_id}").text
    with desk.db.read() as session:
        assert desk.cases.get(session, case_id).owner is None


@pytest.mark.parametrize("path", ["/people", "/audit"])
def test_people_and_the_log_are_for_admins(desk: Desk, path: str) -> None:
    agent, admin = signed_in(desk, "Ann"), signed_in(desk, "Boss", Role.ADMIN)
    assert path not in agent.http.get("/").text
    answer = agent.http.get(path)
    assert answer.status_code == 403
    assert "That takes the role admin" in answer.text
    assert path in admin.http.get("/").text
    assert admin.http.get(path).status_code == 200


def test_an_admin_gives_roles_that_count_from_the_next_click(desk: Desk, case_id: int) -> None:
    viewer, admin = signed_in(desk, "Vera", Role.VIEWER), signed_in(desk, "Boss", Role.ADMIN)
    assert admin.post("/people/role", name="Vera", role="agent").status_code == 303
    assert viewer.post(f"/cases/{case_id}/act", event="take").status_code == 303
    assert viewer.post("/people/role", name="Vera", role="admin").status_code == 403
    assert admin.post("/people/access", name="Vera", do="disable").status_code == 303
    assert viewer.http.get("/").status_code == 303
    assert admin.post("/people/access", name="Vera", do="enable").status_code == 303
    with desk.db.read() as session:
        kinds = [row.kind for row in session.query(AuditRow).order_by(AuditRow.id) if row.actor == "Boss"]
    assert kinds == ["signed_in", "role_changed", "user_disabled", "user_enabled"]


def test_the_last_admin_stays_one(desk: Desk) -> None:
    admin = signed_in(desk, "Boss", Role.ADMIN)
    for path, fields in (("/people/role", {"role": "viewer"}), ("/people/access", {"do": "disable"})):
        answer = admin.post(path, name="Boss", **fields)
        assert answer.status_code == 409
        assert "Boss is the last admin" in answer.text
    assert users(desk).admins() == ["Boss"]


def test_who_looked_at_people_and_at_the_log_is_in_the_log(desk: Desk) -> None:
    admin = signed_in(desk, "Boss", Role.ADMIN)
    admin.http.get("/people")
    page = admin.http.get("/audit").text
    assert page.count("looked at settings</td>") == 2
    assert "looked at settings</td>" not in admin.http.get("/audit?kind=role_changed").text
    assert "Nothing that fits" in admin.http.get("/audit?actor=Nobody").text


def test_without_a_login_whoever_is_at_the_machine_may_do_everything(
    open_desk: Callable[..., Desk], clock: ManualClock
) -> None:
    desk = open_desk(clock)
    assert desk.http.get("/people").status_code == 200
    assert desk.http.get("/account").status_code == 404
    assert desk.http.get("/login").headers["Location"] == "/"
    assert desk.http.get("/api/v1/cases").status_code == 200


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("write to ann@acme.example!", "write to [e-mail]!"),
        ("ask @ann_b or u/ann-b", "ask [name] or [name]"),
        ("@ann@mastodon.example knows", "[name] knows"),
        ("call +372 5123 4567 or (02) 1234-5678", "call [number] or [number]"),
        ("my order 12345678", "my order [number]"),
        ("see https://x.com/ann/status/1", "see [link]"),
        (
            "since 2026-11-20, 3 days, 12:30, 19,99 €, 24.12.2026",
            "since 2026-11-20, 3 days, 12:30, 19,99 €, 24.12.2026",
        ),
        ("Ann said hello, Annabel did not", "[name] said hello, Annabel did not"),
        ("٠٥٠١٢٣٤٥٦٧", "[number]"),
    ],
)
def test_what_is_taken_out_of_words(text: str, shown: str) -> None:
    assert hidden(text, ["Ann"]) == shown


@given(st.text(max_size=300), st.from_regex(r"[a-z0-9]{3,10}@[a-z]{3,10}\.example", fullmatch=True))
def test_an_address_is_found_in_any_company(around: str, address: str) -> None:
    assert address not in hidden(f"{around} {address} {around}")


@pytest.mark.parametrize("letter", ["a", "1", "1 ", "@", ".", "a.", "u/", "(", "1-", "@a."])
def test_a_text_made_to_be_slow_is_not(letter: str) -> None:
    assert len(hidden(letter * 20_000)) <= 70_000


def test_what_holds_nothing_personal_is_left_as_it_is() -> None:
    value: dict[str, Any] = {"a": [1, 2], "b": ("x", {"c": None})}
    assert masked(value) is value
