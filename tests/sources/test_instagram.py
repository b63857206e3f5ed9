from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request

from monitor.errors import AuthError, GiveUp, Refused, RetryLater
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, SourceContract, ago, poll
from monitor.sources.hooks import CallRefused
from monitor.sources.instagram import Instagram
from monitor.sources.recheck import MOST
from tests.sources.fakes import Post
from tests.sources.graph_fakes import SECRET, TOKEN, GraphApi, error, missing, signed

ACCOUNT = "17841"
TIME = "%Y-%m-%dT%H:%M:%S+0000"


class Gallery(GraphApi):
    """An account with one picture of its own, under which people comment; tags and mentions elsewhere."""

    lag = timedelta(minutes=30)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.pictures = {"500": ago(60 * 24)}
        self.tags: list[Post] = []
        self.elsewhere: dict[str, list[Post]] = {}  # comments under pictures of others

    def build(self, **options: Any) -> Instagram:
        given = {"account_id": ACCOUNT, "access_token": TOKEN, "base_url": self.url} | self.options | options
        return Instagram("insta", Instagram.Options(**given), ())

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        return super().post(text, at, author, parent, **{"under": "500"} | more)

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"timestamp": None})

    def graph(self, request: Request, path: str) -> Any:
        if request.method == "POST":
            return self._write(request, path)
        fields = request.args["fields"]
        if path == ACCOUNT:
            return {"username": "acmehelp"} if fields == "username" else self._mentioned(fields)
        limit, after = int(request.args.get("limit", 0)), request.args.get("after")
        if path == f"{ACCOUNT}/media":
            pictures = [Post(id, "", at, "acmehelp") for id, at in self.pictures.items()]
            return self.shown(pictures, limit, after, self._picture)
        if path == f"{ACCOUNT}/tags":
            return self.shown(self.tags, limit, after, self._tag, linked=False)
        if thread := re.fullmatch(r"(\d+)/comments", path):
            return self._thread(thread[1], limit, after)
        if thread := re.fullmatch(r"(\d+)/replies", path):
            return self._answers(thread[1], limit, after)
        if not path:
            asked = request.args["ids"].split(",")
            if "caption" in fields:
                about = {"caption": "Our new shop", "username": "acmehelp"}
                return {each: {"id": each, "timestamp": self.pictures[each].strftime(TIME)} | about for each in asked}
            gone = any(each not in self.posts or each in self.removed for each in asked)
            return missing() if gone else {each: self._comment(self.posts[each]) for each in asked}
        return missing() if path in self.removed else self._comment(self.posts[path])

    def _write(self, request: Request, path: str) -> Any:
        target, _, kind = path.partition("/")
        if kind == "mentions":
            assert target == ACCOUNT
            media, comment = request.form["media_id"], request.form.get("comment_id")
            self.elsewhere.setdefault(media, []).append(Post("901", request.form["message"], NOW, "acmehelp", comment))
            return {"id": "901"}
        if target in self.locked:
            return error(100, "Comments are off", error_user_msg="The owner has turned comments off.")
        return {"id": self.post(request.form["message"], NOW, "acmehelp", self.posts[target].parent or target)}

    def _mentioned(self, fields: str) -> Any:
        kind, number = re.match(r"mentioned_(media|comment)\.\w+_id\((\d+)\)", fields).groups()  # type: ignore[union-attr]
        if kind == "media":
            words = {"id": number, "caption": "acmehelp is slow", "username": "ann", "timestamp": ago(5).strftime(TIME)}
            below = [self._whole(post) for post in self.elsewhere.get(number, [])]
            return {"mentioned_media": words | {"comments": {"data": below}}}
        found = next((post for posts in self.elsewhere.values() for post in posts if post.id == number), None)
        return {"mentioned_comment": self._whole(found)} if found else missing()

    def _picture(self, picture: Post) -> dict[str, Any]:
        return {
            "id": picture.id,
            "timestamp": picture.at.strftime(TIME),
            "comments": self._thread(picture.id, 50, None),
        }

    def _thread(self, picture: str, limit: int, after: str | None) -> dict[str, Any]:
        comments = self.newest_first(
            lambda post: post.parent is None and post.more["under"] == picture and post.id not in self.removed
        )
        return self.shown(comments, limit, after, self._comment)

    def _comment(self, post: Post) -> dict[str, Any]:
        answers = self._answers(post.id, 50, None)
        return self._whole(post) | ({"replies": answers} if answers["data"] else {})

    def _answers(self, comment: str, limit: int, after: str | None) -> dict[str, Any]:
        return self.shown(self.newest_first(lambda post: post.parent == comment)[::-1], limit, after, self._whole)

    def _tag(self, post: Post) -> dict[str, Any]:
        return {
            "id": post.id,
            "caption": post.text,
            "timestamp": post.at.strftime(TIME),
            "username": post.author,
            "permalink": f"https://www.instagram.com/p/{post.id}/",
            "media_url": f"https://cdn.example/{post.id}.jpg",
            "like_count": 50,
            "comments_count": 3,
        }

    def _whole(self, post: Post) -> dict[str, Any]:
        whole = {"id": post.id, "text": post.text, "timestamp": post.at.strftime(TIME), "username": post.author}
        return whole | ({"parent_id": post.parent} if post.parent else {}) | post.more.get("garbled", {})


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Gallery]:
    service = Gallery(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_comments_and_the_answers_to_them_are_read_and_our_own_are_no_mentions(service: Gallery) -> None:
    first = service.post("It broke", ago(9))
    second = service.post("same here!!", ago(8), "bob", first)
    service.reply(first, "acmehelp", ago(7))
    items, _ = poll(service.source(recheck="0s"))
    assert items.keys() == {first, second}
    assert (items[first].parent, items[first].conversation, items[second].parent) == ("media/500", "media/500", first)
    assert items[second].author.url == "https://www.instagram.com/bob/"


def test_what_a_comment_answers_may_be_our_own_post(service: Gallery) -> None:
    first = service.post("It broke", ago(9))
    source = service.source()
    assert isinstance(source, Instagram)
    given = {item.external_id: (item.text, item.author.handle) for item in source.parents(("media/500", first))}
    assert given == {"media/500": ("Our new shop", "acmehelp"), first: ("It broke", "ann")}


def test_a_long_quarrel_below_one_comment_is_read_to_its_end(service: Gallery) -> None:
    first = service.post("It broke", ago(60))
    answers = {service.post(f"acme {i}", ago(30 - i / 10), "bob", first) for i in range(130)}
    assert poll(service.source())[0].keys() == {first, *answers}


def test_posts_that_tag_the_account_are_read_page_by_page_and_cannot_be_answered(service: Gallery) -> None:
    service.tags = [Post(str(700 - i), f"acme {i}", ago(i), "ann") for i in range(120)]
    items, cursor = poll(service.source())
    assert items.keys() == {f"tag/{post.id}" for post in service.tags}
    assert items["tag/700"].url == "https://www.instagram.com/p/700/"
    assert items["tag/700"].media == ("https://cdn.example/700.jpg",)
    assert items["tag/700"].engagement == Engagement(likes=50, answers=3)
    service.requests.clear()
    poll(service.source(), cursor, NOW + timedelta(minutes=1))
    assert sum(request.path.endswith("/tags") for request in service.requests) == 2  # all of the second is old
    with pytest.raises(Refused, match="Answer there"):
        service.source().reply(Reply("tag/700", "Thanks", "key", NOW), NOW)


def test_a_reply_to_an_answer_stands_beside_it_and_is_found_there(service: Gallery) -> None:
    first = service.post("It broke", ago(9))
    second = service.post("same here!!", ago(8), "bob", first)
    source = service.source()
    reply = Reply(second, "@bob We are on it", "key", NOW)
    assert source.find_reply(reply) is None
    sent = source.reply(reply, NOW)
    assert source.find_reply(reply) == sent
    service.post("@ann and you", ago(1), "acmehelp", first)
    assert source.replies_to((second,), frozenset({"acmehelp"})) == {second: sent}


def test_one_comment_that_is_gone_does_not_hide_answers_to_the_others(service: Gallery) -> None:
    ids = [service.post(f"acme {i}", ago(9)) for i in range(60)]
    for each in ids:
        service.reply(each, "acmehelp", ago(5))
    service.remove(ids[7])
    found = service.source().replies_to((*ids, "tag/1"), frozenset({"acmehelp"}))
    assert found.keys() == {*ids} - {ids[7]}


def test_the_limits_of_the_graph_api_are_obeyed(service: Gallery) -> None:
    use = '{"type": "instagram", "call_count": 100, "estimated_time_to_regain_access": 7}'
    service.headers = {"X-Business-Use-Case-Usage": f'{{"{ACCOUNT}": [{use}]}}'}
    source = service.source()
    cursor = source.fetch(None, NOW).cursor
    with pytest.raises(RetryLater) as caught:
        source.fetch(cursor, NOW)
    assert caught.value.after == timedelta(minutes=7)


def test_check_names_the_account_and_a_missing_permission(service: Gallery) -> None:
    assert service.source().check() == "reached as @acmehelp"
    service.failing = {"/tags": error(10, "Permission denied", 403)}
    with pytest.raises(AuthError, match="instagram_manage_comments"):
        service.source().check()


@pytest.fixture
def hooked(service: Gallery) -> Instagram:
    service.options = {"app_secret": SECRET, "verify_token": "a long word"}
    source = service.source()
    assert isinstance(source, Instagram)
    assert source.capabilities.hook
    return source


def calls(field: str, **value: Any) -> Any:
    change = {"field": field, "value": value}
    entry = {"id": ACCOUNT, "time": int(ago(5).timestamp()), "changes": [change]}
    return signed({"object": "instagram", "entry": [entry]})


def test_a_call_brings_what_the_list_would_bring(service: Gallery, hooked: Instagram) -> None:
    first = service.post("It broke", ago(5))
    ann = {"id": "9", "username": "ann"}
    (item,) = hooked.hear(calls("comments", id=first, text="It broke", media={"id": "500"}, **{"from": ann}), NOW).items
    assert {first: item} == poll(service.source(recheck="0s"))[0]
    ours = {"id": ACCOUNT, "username": "acmehelp"}
    assert not hooked.hear(calls("comments", id="1", text="Sorry", media={"id": "500"}, **{"from": ours}), NOW).items


def test_the_words_of_a_mention_are_asked_for_and_it_can_be_answered(service: Gallery, hooked: Instagram) -> None:
    (item,) = hooked.hear(calls("mentions", media_id="600"), NOW).items
    assert (item.external_id, item.text, item.author.handle) == ("mention/600", "acmehelp is slow", "ann")
    reply = Reply(item.external_id, "We are on it", "key", NOW)
    assert hooked.find_reply(reply) is None
    assert hooked.reply(reply, NOW) == hooked.find_reply(reply)


def test_a_mention_in_somebody_elses_thread_can_be_answered_but_not_looked_for(
    service: Gallery, hooked: Instagram
) -> None:
    service.elsewhere["600"] = [Post("610", "@acmehelp hello?", ago(5), "bob")]
    (item,) = hooked.hear(calls("mentions", media_id="600", comment_id="610"), NOW).items
    assert (item.external_id, item.text, item.author.handle) == ("mention/600/610", "@acmehelp hello?", "bob")
    reply = Reply(item.external_id, "We are on it", "key", NOW)
    hooked.reply(reply, NOW)
    assert service.elsewhere["600"][-1].parent == "610"
    with pytest.raises(GiveUp):
        hooked.find_reply(reply)


def test_a_mention_that_cannot_be_read_just_now_has_to_be_told_again(service: Gallery, hooked: Instagram) -> None:
    service.failing = {ACCOUNT: error(2, status=500)}
    with pytest.raises(CallRefused) as caught:
        hooked.hear(calls("mentions", media_id="600"), NOW)
    assert caught.value.status == 503


def test_a_mention_that_is_gone_already_is_shown_as_unreadable(hooked: Instagram) -> None:
    heard = hooked.hear(calls("mentions", media_id="600", comment_id="999"), NOW)
    assert [reject.reason for reject in heard.rejects] == ["ValueError: the mention under 600 is no longer there"]
