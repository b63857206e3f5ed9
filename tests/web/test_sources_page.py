"""The page of the sources: the same figures as the command line, and what could not be read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import insert

from monitor import rejects
from monitor import source_words as words
from monitor.cases import Cases
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.health import Health
from monitor.models import RejectRow, SourceState
from monitor.rejects import Rejected, Retried
from monitor.settings import Settings
from monitor.web import DeskServer, build_web
from tests.conftest import NOON
from tests.test_collect_turns import MINUTE, UNITS, Tap, stage
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE, Seen, heading


@pytest.fixture
def taps(db: Database, clock: ManualClock, make_settings: Callable[..., Settings]) -> Iterator[httpx2.Client]:
    """A desk over one source with a budget, of which 12 of 48 units are spent at noon, and one that is not read yet.
    Item 1 can be read by now, no other."""
    tap, new = Tap("tap", UNITS, cost=12), Tap("new")
    tap.gives = lambda now: 1
    stage(db, clock, tap, new).poll("tap")
    clock.move(20 * MINUTE)
    given = [{"name": name, "type": "rss", "url": f"https://{name}.example/f"} for name in ("tap", "new")]
    settings = make_settings(sources=given)
    made = dict(zip(("tap", "new"), zip((tap, new), settings.sources, strict=True), strict=True))

    def retry(reject: Rejected) -> Retried:
        if reject.id != 1:
            return Retried(reject, False, "its service shows no such item")
        with db.write() as session:
            rejects.forget(session, reject.id)
        return Retried(reject, True, "read")

    health = Health(db, clock, settings, lambda: made)
    server = DeskServer(build_web(db, clock, Cases(db, settings), settings, health, retry=retry), port=0)
    server.start()
    with httpx2.Client(base_url=server.address, headers={"Origin": server.address}, trust_env=False) as client:
        yield client
    server.stop()


def unread(db: Database, count: int, source: str = "tap", **more: str) -> None:
    with db.write() as session:
        given = {"reason": "the time is missing", "raw": '{"id": 1}'} | more
        rows = [{"source": source, "external_id": f"{n}", "at": NOON + n * MINUTE, **given} for n in range(count)]
        session.execute(insert(RejectRow), rows)


def table(client: httpx2.Client, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(client.get(f"/api/v1/charts/sources/{name}.csv").text)))[1:]


def test_it_shows_what_the_command_line_shows(taps: httpx2.Client) -> None:
    page = Seen(taps.get("/sources").text)
    for said in ("20 min ago", "12 of 48 units", "60 s", "never"):
        assert said in page.text
    for title, meaning in words.MEANINGS.values():
        assert title in page.text
        assert meaning in page.text
    assert ("a", {"href": "/sources", "aria-current": "page"}) in page.tags


def test_titles_say_what_is_behind_and_what_will_be_spent(taps: httpx2.Client, db: Database) -> None:
    page = taps.get("/sources").text
    assert "Nothing fails; the longest ago was tap, 20 min ago" in page
    assert "The newest mention of tap is of 20 min ago" in page
    # 12 units in the 20 minutes that were counted: the 36 left go in an hour or so
    assert "The units of tap will be spent at 1" in page
    assert table(taps, "read") == [["tap", "ok", "1200", "60", "0"], ["new", "new", "", "60", "0"]]
    assert table(taps, "newest") == [["tap", "1200", "2026-11-20T12:00:00Z"]]
    assert table(taps, "budgets")[0][:5] == ["tap", "units", "12.0", "48", "36.0"]
    with db.write() as session:
        session.get_one(SourceState, "tap").failures = 3
    assert "1 of 2 sources is not read: tap (failing)" in taps.get("/sources").text


def test_times_stand_in_the_unit_that_suits_them(taps: httpx2.Client, db: Database) -> None:
    with db.write() as session:
        session.get_one(SourceState, "tap").last_success_at = NOON + 20 * MINUTE - timedelta(seconds=7)
    read, newest = (taps.get(f"/api/v1/charts/sources/{name}").json() for name in ("read", "newest"))
    assert [bar["words"] for bar in read["spec"]["data"]["values"]] == ["7 s, every 60 s"]
    assert [bar["words"] for bar in newest["spec"]["data"]["values"]] == ["20 min"]
    page = Seen(taps.get("/sources").text).text
    assert "7 s" in page
    assert taps.get("/api/v1/charts/sources/read.csv").text.splitlines()[0] == (
        'Source,State,"Since the last good poll, seconds","Polled every, seconds",Failures in a row'
    )


def test_programs_get_the_same_with_the_definitions(taps: httpx2.Client, db: Database) -> None:
    unread(db, 2)
    told = taps.get("/api/v1/sources").json()
    assert [(each["name"], each["state"], each["lag_seconds"]) for each in told["sources"]] == [
        ("tap", "ok", 1200.0),
        ("new", "new", None),
    ]
    assert told["sources"][0]["budgets"][0]["left"] == 36
    assert told["unread"] == {"tap": 2}
    assert told["definitions"] == {name: meaning for name, (_, meaning) in words.MEANINGS.items()}
    (last, _) = taps.get("/api/v1/sources/unread").json()
    assert (last["reason"], last["raw"]) == ("the time is missing", '{"id": 1}')
    assert taps.get("/api/v1/sources?source=usenet").status_code == 422


def test_what_could_not_be_read_is_tried_again_or_forgotten(taps: httpx2.Client, db: Database) -> None:
    unread(db, 3)
    assert "Item 1 of tap: read." in taps.post("/sources/unread/1/retry").text
    assert "Item 2 of tap: its service shows no such item." in taps.post("/sources/unread/2/retry").text
    assert "Item 3 is forgotten" in taps.post("/sources/unread/3/forget", data={"source": "tap"}).text
    with db.read() as session:
        assert [each.id for each in rejects.rejects(session)] == [2]
    for act in ("retry", "forget"):
        assert taps.post(f"/sources/unread/3/{act}").status_code == 404
    assert taps.post("/sources/unread/2/forget", headers={"Origin": "https://evil.example"}).status_code == 403


def test_one_source_alone_is_shown_and_an_unknown_one_is_explained(taps: httpx2.Client, db: Database) -> None:
    unread(db, 1, "gone")
    unread(db, 60)
    page = taps.get("/sources?source=gone").text
    assert 'aria-label="Sources"' not in page
    assert page.count("the time is missing") == 1
    assert "The newest 50 of 61" in taps.get("/sources").text
    answer = taps.get("/sources?source=tapp")
    assert answer.status_code == 422
    assert "did you mean &#34;tap&#34;?" in answer.text
    assert heading(answer.text) == "How the sources are doing"


def test_without_sources_it_says_how_to_add_one(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    assert "firsthour sources add TYPE" in open_desk(clock, sources=[]).http.get("/sources").text


def test_hostile_items_and_errors_stay_text(desk: Desk) -> None:
    unread(desk.db, 1, "<b>", reason=HOSTILE.replace("\u0000", ""), raw=HOSTILE.replace("\u0000", ""))
    with desk.db.write() as session:
        session.add(SourceState(name="x", failures=1, error=HOSTILE.replace("\u0000", "")))
    page = Seen(desk.http.get("/sources").text)
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in page.text
    assert not any(tag == "img" or "onerror" in attrs for tag, attrs in page.tags)
    assert [attrs.get("src") for tag, attrs in page.tags if tag == "script" and "type" not in attrs] == [
        *("/static/htmx.min.js", "/static/live.js", "/static/charts.js")
    ]
