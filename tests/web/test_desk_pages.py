"""What the pages show."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

from sqlalchemy import update

from monitor.clock import ManualClock
from monitor.models import CaseRow, MentionRow, SourceState
from tests.web import town
from tests.web.serving import Desk

HOSTILE = '<script>alert(1)</script><img src=x onerror=alert(2)> "quoted" {{ 7*7 }} \u202egnp.exe\u202c \u0000\u2066end'


class Seen(HTMLParser):
    """Which elements and attributes a page really has, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def rows(page: str) -> list[int]:
    return [int(n) for n in re.findall(r'class="row" data-case="(\d+)"', page)]


def heading(page: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page)
    assert found
    return found[1]


def test_the_headline_says_how_it_stands_and_the_least_time_left_comes_first(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = desk.http.get("/").text
    assert heading(page) == "1 is late, 2 more need an answer within 20 minutes"
    expected = ["ayse_k", "noura.q8", "kuldnokk", "jun_dlc", "meena_tvl", "slobodan_p"]
    assert rows(page)[:6] == [ids[author] for author in expected]
    assert "4 minutes late" in page
    assert "3rd in 30 days" in page


def test_a_case_shows_how_far_it_has_spread_and_links_to_its_pictures(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    media = ["https://i.example.com/1.png", "javascript:alert(1)"]
    with desk.db.write() as session:
        mention_id = session.get_one(CaseRow, ids["ayse_k"]).mention_id
        session.execute(update(MentionRow).where(MentionRow.id == mention_id).values(likes=1204, shares=1, media=media))
    page = Seen(desk.http.get(f"/cases/{ids['ayse_k']}").text)
    assert "1,204 likes, 1 share" in page.text
    assert {"https://i.example.com/1.png"} == {
        attrs["href"] for tag, attrs in page.tags if tag == "a" and attrs.get("href") in media
    }


def test_the_very_second_of_due_at_is_not_late(desk: Desk, clock: ManualClock) -> None:
    with desk.db.write() as session:
        town.case(session, town.AYSE, clock.now() - timedelta(hours=1))
    assert heading(desk.http.get("/").text) == "1 needs an answer within 20 minutes"
    clock.move(timedelta(seconds=1))
    assert heading(desk.http.get("/").text) == "1 is late, answer it now"


def test_filters_show_mine_nobodys_and_the_urgent_ones(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    mari = desk.as_somebody("Mari")
    assert rows(mari.get("/?show=mine").text) == [ids["kuldnokk"]]
    assert set(rows(mari.get("/?show=free").text)) == {
        ids[a] for a in ("ayse_k", "noura.q8", "meena_tvl", "slobodan_p")
    }
    assert set(rows(mari.get("/?show=urgent").text)) == {ids[a] for a in ("ayse_k", "noura.q8", "kuldnokk")}
    assert rows(desk.http.get("/?show=mine").text) == []
    assert "Show all cases" in desk.http.get("/?show=mine").text
    mari.close()


def test_a_case_shows_its_words_its_history_and_the_customers_other_cases(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    page = desk.http.get(f"/cases/{ids['kuldnokk']}").text
    text = Seen(page).text
    assert town.KADRI.text in text
    assert "3rd complaint in 30 days" in text
    assert "Mari took it" in text
    assert "The parcel is in Tartu since Monday; asked the hub." in text
    assert "complaint 97 %" in " ".join(text.split())
    assert "Other cases of this customer" in text
    assert page.count('class="others"') == 1


def test_snoozed_and_answered_cases_stand_apart_and_do_not_count_as_waiting(desk: Desk) -> None:
    now = desk.clock.now()
    with desk.db.write() as session:
        later = now + timedelta(hours=1)
        town.case(
            session,
            town.AYSE,
            now,
            state="snoozed",
            clock="paused",
            due_at=None,
            seconds_left=1800.0,
            snoozed_until=later,
        )
        answered = now - timedelta(minutes=5)
        town.case(
            session,
            town.JUN,
            answered,
            state="replied",
            clock="stopped",
            first_response_at=now,
            met=True,
            calendar_seconds=300.0,
        )
        old = now - timedelta(days=3)
        town.case(session, town.NOURA, old, clock="none", due_at=None, starts_at=None)
    page = desk.http.get("/").text
    assert heading(page) == "Nobody is waiting for an answer"
    assert "Answered after 5 minutes, in time" in page
    assert "The clock is paused" in page
    assert "No clock: it was too old when it was first seen" in page


def test_text_from_outside_is_inert_wherever_it_is_shown(desk: Desk) -> None:
    now = desk.clock.now()
    said = town.Said(HOSTILE, HOSTILE[:90], "en", HOSTILE, 0.9, town.BAD, "high", "billing")
    with desk.db.write() as session:
        row = town.case(session, said, now, owner=HOSTILE[:90], state="taken")
        first = session.get(MentionRow, row.mention_id)
        assert first is not None
        first.url, first.author_name, first.author_url = "javascript:alert(3)", HOSTILE, "data:text/html,x"
        town.happened(session, row, "note", HOSTILE[:90], now, "web", text=HOSTILE)
        town.happened(session, row, "hand_over", "A", now, "web", to=HOSTILE)
        case_id = row.id
    for path in ("/", f"/cases/{case_id}", "/mentions", f"/parts/cases/{case_id}", "/parts/board", "/parts/heard"):
        page = desk.http.get(path).text
        seen = Seen(page)
        assert all("src" in attributes for tag, attributes in seen.tags if tag == "script"), path
        assert not any(tag == "img" for tag, _ in seen.tags), path
        assert not any(name.startswith("on") for _, attributes in seen.tags for name in attributes), path
        hrefs = [attributes.get("href") or "" for _, attributes in seen.tags]
        assert not any(href.lower().startswith(("javascript", "data")) for href in hrefs), path
        assert "49" not in re.findall(r"quoted. (\S+)", seen.text), path
        assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", page), path


def test_a_megabyte_of_one_letter_stays_small_on_every_page(desk: Desk) -> None:
    now = desk.clock.now()
    with desk.db.write() as session:
        for text in ("a" * 1_000_000, "e" + "\u0301" * 1_000_000, "\u202e" * 1_000_000, "👨‍👩‍👧‍👦" * 100_000):
            town.case(session, town.Said("big", "x", "en", text, 0.9), now)
    for path in ("/", "/cases/1", "/cases/2", "/cases/3", "/cases/4", "/mentions"):
        answer = desk.http.get(path)
        assert answer.status_code == 200
        assert len(answer.content) < 400_000, path


def test_a_deleted_mention_shows_that_it_was_deleted(desk: Desk) -> None:
    with desk.db.write() as session:
        row = town.case(session, town.AYSE, desk.clock.now())
        first = session.get(MentionRow, row.mention_id)
        assert first is not None
        first.text, first.removed_at = "", desk.clock.now()
    assert "deleted by its author" in desk.http.get("/cases/1").text


def test_an_empty_desk_says_what_to_do(open_desk: Callable[..., Desk], clock: ManualClock) -> None:
    without_sources = open_desk(clock, sources=[]).http.get("/").text
    assert "Nothing is being read yet." in without_sources
    assert "firsthour check" in without_sources
    with_sources = open_desk(clock).http.get("/").text
    assert "3 sources are being read" in with_sources
    assert "Listening to app-store, reddit, x" in with_sources


def test_a_case_that_is_not_there_is_a_page_that_says_so(desk: Desk) -> None:
    for case_id in (99, 0, -1, 2**80):
        answer = desk.http.get(f"/cases/{case_id}")
        assert answer.status_code == 404
        assert f"There is no case {case_id}" in answer.text


def test_a_part_is_sent_again_only_when_it_changed(desk: Desk) -> None:
    ids = town.settle(desk.db, desk.clock.now())
    for part in ("/parts/board", "/parts/heard", f"/parts/cases/{ids['ayse_k']}"):
        first = desk.http.get(part).text
        digest = re.search(r'data-digest="(\w+)"', first)
        assert digest
        seen = {"X-Seen": digest[1]}
        assert desk.http.get(part, headers=seen).status_code == 204
        with desk.db.write() as session:
            case = session.get_one(CaseRow, ids["ayse_k"])
            case.owner = f"somebody who read {part}"
            town.mention(session, town.OTHERS[0], desk.clock.now())
        assert desk.http.get(part, headers=seen).status_code == 200


def test_older_mentions_are_reached_page_by_page(desk: Desk) -> None:
    with desk.db.write() as session:
        for number in range(120):
            town.mention(session, town.Said(f"a{number}", "x", "et", f"mention {number}."), desk.clock.now())
    path, seen = "/mentions?language=et", []
    for _ in range(3):
        page = desk.http.get(path).text
        seen += re.findall(r"mention (\d+)\.", page)
        older = re.search(r'href="(/mentions\?before=[^"]+)"', page)
        path = older[1].replace("&amp;", "&") if older else ""
    assert path == ""
    assert seen == [str(n) for n in reversed(range(120))]


def test_a_source_that_cannot_be_read_is_named_on_the_desk_with_the_reason(desk: Desk) -> None:
    with desk.db.write() as session:
        session.add(SourceState(name="reddit", failures=2, error="401 <b>Unauthorized</b>"))
    page = desk.http.get("/").text
    assert "<b>reddit</b> cannot be read: 401 &lt;b&gt;Unauthorized&lt;/b&gt;" in page


def test_nonsense_in_the_address_is_answered_with_a_page(desk: Desk) -> None:
    for path, status in (
        ("/nothing", 404),
        ("/cases/abc", 422),
        ("/mentions?before=-1", 422),
        (f"/mentions?before={2**70}", 422),
        ("/mentions?language=%00", 422),
        ("/?show=%00&brand=%00%ff", 200),
        ("/parts/cases/abc", 422),
    ):
        answer = desk.http.get(path)
        assert (answer.status_code, answer.headers["Content-Type"][:9]) == (status, "text/html"), path


def test_a_broken_database_is_a_page_that_says_so_and_json_for_programs(desk: Desk) -> None:
    with desk.db.engine.connect().execution_options(writes=True) as connection:
        connection.exec_driver_sql("ALTER TABLE verdicts RENAME TO gone")
        connection.commit()
    page = desk.http.get("/")
    assert page.status_code == 503
    assert "The database does not answer" in page.text
    assert "verdicts" not in page.text
    answer = desk.http.get("/api/v1/mentions")
    assert answer.status_code == 503
    assert "/readyz" in answer.json()["detail"]
