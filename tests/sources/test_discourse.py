from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from html import escape
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, Refused, RetryLater, Uncertain
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, Answer, SourceContract, ago, poll
from monitor.sources.discourse import Discourse
from monitor.sources.recheck import MOST
from tests.sources.fakes import LoopbackService, Post

TOPIC = 9


class Forum(LoopbackService):
    """One topic of many posts. The list of the newest goes by number; a search shows beginnings only."""

    page_size = 50
    lag = timedelta(minutes=59)
    recalled = MOST
    credentials = False

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.options: dict[str, Any] = {}
        self.deleted: set[str] = set()
        self.moved: set[str] = set()  # into a category that the key may not read
        self.key_withdrawn = False
        self.moderated = False
        self.refusal = Response("", 200)

    def build(self, **options: Any) -> Discourse:
        return Discourse("forum", Discourse.Options(**{"base_url": self.url} | self.options | options), ("acme",))

    def new_id(self, at: datetime) -> str:
        return f"{TOPIC}/{next(self._numbers)}"

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"created_at": "yesterday"})

    def remove(self, external_id: str) -> None:
        self.deleted.add(external_id)

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"

    def respond(self, request: Request) -> Any:
        if self.key_withdrawn:
            return self._error(403, "The API username or key is invalid.", "invalid_access")
        if request.method == "POST":
            return self._write(request)
        if request.path == "/posts.json":
            before = int(request.args.get("before", 2**62))
            posts = [post for post in self._shown() if self._number(post) < before]
            return {"latest_posts": [self._post(post) for post in posts[:50]]}
        if request.path == "/search.json":
            return self._search(request.args["q"].removesuffix(" order:latest"), int(request.args["page"]))
        if request.path == "/session/current.json":
            return {"current_user": {"username": request.headers["Api-Username"]}}
        if request.path == "/user_actions.json":
            start = int(request.args["offset"])
            own = [post for post in self._shown() if post.author == request.args["username"]]
            if not own:
                return self._error(404, "The requested URL or resource could not be found.", "not_found")
            return {"user_actions": [self._action(post) for post in own[start : start + 30]]}
        if user := re.fullmatch(r"/u/([\w-]+)/activity\.json", request.path):
            return [self._post(post, raw=False) for post in self._shown() if post.author == user[1]][:50]
        if whole := re.fullmatch(r"/posts/(\d+)\.json", request.path):
            return self._post(self.posts[f"{TOPIC}/{whole[1]}"])
        return self._topic(re.fullmatch(r"/t/(\d+/\d+)\.json", request.path)[1])  # type: ignore[index]

    def _topic(self, external_id: str) -> Any:
        if external_id in self.moved:
            return self._error(403, "You are not permitted to view the requested resource.", "invalid_access")
        if external_id not in self.posts:
            return self._error(404, "The requested URL or resource could not be found.", "not_found")
        number = int(external_id.split("/")[1])
        names = [f"{TOPIC}/{each}" for each in range(number + 9, number - 10, -1)]
        near = [self.posts[each] for each in names if each in self.posts and each not in self.deleted | self.moved]
        posts = [{k: v for k, v in self._post(post).items() if k != "topic_title"} for post in near]
        return {"title": "Acme stopped working", "post_stream": {"posts": posts}}

    def _search(self, words: str, page: int) -> Any:
        hits = sorted((post for post in self._shown() if words in post.text), key=lambda post: post.at, reverse=True)
        shown = [
            {k: v for k, v in self._post(post).items() if k not in ("raw", "cooked")} | {"blurb": post.text[:20]}
            for post in hits[(page - 1) * 50 : page * 50]
        ]
        return {"posts": shown, "grouped_search_result": {"more_full_page_results": len(hits) > page * 50 or None}}

    def _write(self, request: Request) -> Any:
        assert request.headers["Api-Key"] == "hush-hush"
        asked = request.get_json()
        parent = f"{asked['topic_id']}/{asked['reply_to_post_number']}"
        if parent in self.locked:
            return self._error(422, "This topic is closed; it no longer accepts new replies.", None)
        if self.refusal.status_code != 200:
            return self.refusal
        if self.moderated:
            return {"action": "enqueued", "success": True, "pending_count": 1}
        return self._post(self.posts[self.post(asked["raw"].rstrip(), NOW, "acmehelp", parent=parent)])

    def _shown(self) -> list[Post]:
        posts = [post for post in self.posts.values() if post.id not in self.deleted | self.moved]
        return sorted(posts, key=self._number, reverse=True)

    def _number(self, post: Post) -> int:
        return int(post.id.split("/")[1])

    def _action(self, post: Post) -> dict[str, Any]:
        return self._place(post) | {"action_type": 5, "acting_username": post.author, "excerpt": post.text[:300]}

    def _place(self, post: Post) -> dict[str, Any]:
        parent = int(post.parent.split("/")[1]) if post.parent else None
        return {
            "topic_id": TOPIC,
            "post_number": self._number(post),
            "reply_to_post_number": None if parent == 1 else parent,  # the first post needs no name
            "created_at": post.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }

    def _post(self, post: Post, raw: bool = True) -> dict[str, Any]:
        data: dict[str, Any] = self._place(post) | {
            "id": self._number(post),
            "username": post.author,
            "name": post.author.title(),
            "cooked": f"<p>{escape(post.text)}</p>",
            "topic_title": "Acme stopped working",
            "actions_summary": [{"id": 2, "count": 12}, {"id": 8}],
            "reply_count": 3,
            "reads": 400,
        }
        return data | ({"raw": post.text} if raw else {}) | post.more.get("garbled", {})

    def _error(self, status: int, words: str, kind: str | None) -> Response:
        return Response(json.dumps({"errors": [words], "error_type": kind}), status, content_type="application/json")


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Forum]:
    service = Forum(httpserver)
    yield service
    service.close()


@pytest.fixture
def keyed(service: Forum) -> Forum:
    service.options = {"api_key": "hush-hush", "api_username": "acmehelp"}
    service.credentials = True
    return service


class TestContract(SourceContract):
    pass


class TestContractWithAKey(SourceContract):
    @pytest.fixture
    def service(self, keyed: Forum) -> Forum:
        return keyed


class TestContractOfASearch(SourceContract):
    @pytest.fixture
    def service(self, service: Forum) -> Forum:
        service.options = {"queries": ["acme"]}
        return service

    def test_an_unreadable_item_does_not_hide_the_others(self, service: Forum) -> None:  # type: ignore[override]
        before = service.post("acme before", ago(3))
        service.post("acme garbled", ago(2), garbled={"username": None, "post_number": "x"})
        after = service.post("acme after", ago(1))
        assert poll(service.source())[0].keys() >= {before, after}


def test_the_first_post_of_a_topic_has_its_title_and_answers_say_to_what(service: Forum) -> None:
    first, second = service.post("It does not start", ago(9)), service.post("same here!!", ago(8), "bob")
    third = service.post("and me", ago(7), parent=second)
    items, cursor = poll(service.source())
    assert items[first].text == "Acme stopped working\n\nIt does not start"
    assert (items[first].parent, items[second].parent, items[third].parent) == (None, first, second)
    assert items[second].conversation == str(TOPIC)
    assert items[second].url == f"{service.url}/t/9/2"
    assert items[second].engagement == Engagement(likes=12, answers=3, views=400)
    again, _ = poll(service.source(lag="0s"), cursor, NOW + timedelta(days=2))
    assert again[first] == items[first]


def test_words_quoted_from_others_are_not_the_authors_own(service: Forum) -> None:
    quoted = '[quote="bob, post:3, topic:9"]\n[quote="ann"]I love acme[/quote]\nbroken\n[/quote]\n'
    service.post("no title here", ago(9))
    external_id = service.post(f"{quoted}It works for me ![cat|690x388](upload://x.png)", ago(8))
    assert poll(service.source())[0][external_id].text == "It works for me"


def test_imported_posts_of_old_days_do_not_hide_those_below_them(service: Forum) -> None:
    service.post("acme", ago(60 * 30))
    _, cursor = poll(service.source())
    new = service.post("acme broke", ago(1))
    imported = {service.post(f"acme {i}", ago(60 * 24 * 365)) for i in range(120)}
    assert poll(service.source(), cursor)[0].keys() >= imported | {new}


def test_a_post_moved_out_of_sight_is_removed_but_not_when_the_key_was_withdrawn(keyed: Forum) -> None:
    moved = keyed.post("acme", ago(9))
    _, cursor = poll(keyed.source())
    keyed.moved = {moved}
    assert poll(keyed.source(), cursor)[0][moved].removed
    page = keyed.source().fetch(cursor, NOW)
    keyed.key_withdrawn = True
    with pytest.raises(AuthError, match="api_key"):
        keyed.source().fetch(page.cursor, NOW)


@pytest.mark.parametrize("body", [b"<html>Not found</html>", b"", b"{}", b"[]"])
def test_a_404_that_is_not_the_forums_own_deletes_nothing(service: Forum, body: bytes) -> None:
    external_id = service.post("acme", ago(9))
    source = service.source()
    _, cursor = poll(source)
    service.answer(Answer(404, body))
    page = source.fetch({**cursor, "look_again": True}, NOW)
    assert not page.items
    assert [reject.external_id for reject in page.rejects] == [external_id]


def test_a_search_asks_for_the_whole_of_what_it_finds(service: Forum) -> None:
    long = "acme " + "and so on " * 50
    found = service.post(long, ago(9))
    service.post("something else", ago(8))
    items, _ = poll(service.source(queries=["acme"]))
    assert items.keys() == {found}
    assert items[found].text.endswith(long.strip())


def test_a_search_whose_posts_cannot_be_had_for_a_while_goes_on_where_it_was(service: Forum) -> None:
    posted = {service.post(f"acme {i}", ago(60 * 12 + i)) for i in range(30)}
    source = service.source(queries=["acme"])
    page = source.fetch(None, NOW)
    service.answer(Answer(500))
    with pytest.raises(RetryLater):
        source.fetch(page.cursor, NOW)
    service.answer(None)
    rest, cursor = poll(source, page.cursor)
    assert rest.keys() | {item.external_id for item in page.items} == posted
    service.requests.clear()
    poll(source, cursor, NOW + timedelta(minutes=1))
    assert len(service.requests) == 6  # the search, and five posts that are looked at again


def test_a_reply_held_back_by_a_moderator_is_told_and_not_repeated(keyed: Forum) -> None:
    reply = Reply(keyed.post("acme", ago(9)), "We are on it", "key", NOW)
    keyed.moderated = True
    with pytest.raises(Refused, match="until a moderator"):
        keyed.source().reply(reply, NOW)


def test_the_forums_reason_is_told_in_its_own_words(keyed: Forum) -> None:
    reply = Reply(keyed.post("acme", ago(9)), "Sorry", "key", NOW)
    keyed.refusal = keyed._error(422, "Body is too short (minimum is 20 characters)", None)
    with pytest.raises(Refused, match="minimum is 20"):
        keyed.source().reply(reply, NOW)


def test_a_wait_that_stands_only_in_the_body_is_obeyed(keyed: Forum) -> None:
    body = b'{"errors": ["Slow down"], "error_type": "rate_limit", "extras": {"wait_seconds": 23}}'
    reply = Reply(keyed.post("acme", ago(9)), "We are on it", "key", NOW)
    keyed.refusal = Response(body, 429)
    with pytest.raises(RetryLater, match="Slow down") as caught:
        keyed.source().reply(reply, NOW)
    assert caught.value.after == timedelta(seconds=23)
    assert not isinstance(caught.value, Uncertain)


def test_a_reply_written_with_markup_is_found_by_its_source_text(keyed: Forum) -> None:
    source = keyed.source()
    reply = Reply(keyed.post("acme", ago(9)), "**Sorry**, see <https://acme.example>\n", "key", NOW)
    sent = source.reply(reply, NOW)
    assert source.find_reply(reply) == sent


def test_replies_are_read_once_and_later_only_what_is_new(service: Forum) -> None:
    old = [service.post(f"acme {i}", ago(90)) for i in range(70)]
    for post in old:
        service.reply(post, "acmehelp", ago(60))
    source = service.source()
    assert source.replies_to(tuple(old), frozenset({"acmehelp"})).keys() == set(old)
    service.requests.clear()
    assert source.replies_to((old[3],), frozenset({"acmehelp"})).keys() == {old[3]}
    assert len(service.requests) == 1


def test_a_closed_forum_says_that_it_needs_a_key(service: Forum) -> None:
    body = b'{"errors": ["You need to be logged in to do that."], "error_type": "not_logged_in"}'
    service.answer(Answer(403, body, {"content-type": "application/json"}))
    with pytest.raises(AuthError, match="it needs an API key"):
        service.source().check()


def test_check_says_who_reads(keyed: Forum) -> None:
    assert keyed.source().check() == "signed in as acmehelp; 0 newest posts"


@pytest.mark.parametrize("options", [{"base_url": "forum.example.com"}, {"api_key": "x"}, {"api_username": "x"}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Discourse.Options.model_validate({"base_url": "https://forum.example.com"} | options)


def test_an_edit_of_last_week_is_found_too(service: Forum) -> None:
    external_id = service.post("acme", ago(60 * 20))
    _, cursor = poll(service.source())
    service.posts[external_id] = replace(service.posts[external_id], text="acme is fine again")
    later = NOW + timedelta(days=6)
    assert "fine again" in poll(service.source(), cursor, later)[0][external_id].text
