from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.sources.base import Author, Engagement, Reply
from monitor.sources.contract import NOW, SourceContract, ago, poll
from monitor.sources.facebook import Facebook
from monitor.sources.hooks import Call, CallRefused
from monitor.sources.recheck import MOST
from tests.sources.fakes import Post
from tests.sources.graph_fakes import SECRET, TOKEN, GraphApi, error, missing, signed

PAGE = "100"


class Feed(GraphApi):
    """A Page with one post of its own, under which people comment; visitors' posts, tags and recommendations."""

    lag = timedelta(minutes=30)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.walls: dict[str, Post] = {}  # posts; `self.posts` holds the comments
        self.wall("1", "Buy our acme", ago(60 * 24), PAGE)
        self.tags: list[dict[str, Any]] = []
        self.ratings: list[dict[str, Any]] = []

    def wall(self, number: str, text: str, at: datetime, author: str) -> str:
        self.walls[f"{PAGE}_{number}"] = Post(f"{PAGE}_{number}", text, at, author)
        return f"{PAGE}_{number}"

    def build(self, **options: Any) -> Facebook:
        given = {"page_id": PAGE, "access_token": TOKEN, "base_url": self.url} | self.options | options
        return Facebook("page", Facebook.Options(**given), ())

    def new_id(self, at: datetime) -> str:
        return f"1_{next(self._numbers)}"

    def post(self, text: str, at: datetime, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        return super().post(text, at, author, parent, **{"under": f"{PAGE}_1"} | more)

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"created_time": None})

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.post("we are sorry", at, account, parent=external_id)

    def graph(self, request: Request, path: str) -> Any:
        if request.method == "POST":
            return self._write(request, path)
        fields = request.args["fields"]
        if not path:
            asked = request.args["ids"].split(",")
            assert len(asked) <= 50
            if any(not self._there(each) for each in asked):
                return missing()
            return {each: self._node(each, fields) for each in asked}
        if path == PAGE:
            return {"id": PAGE, "name": "acmehelp"}
        if path == f"{PAGE}/feed":
            walls = sorted(self.walls.values(), key=lambda wall: wall.at, reverse=True)
            return self.shown(walls, int(request.args["limit"]), request.args.get("after"), self._wall)
        if path == f"{PAGE}/tagged":
            return {"data": self.tags}
        if path == f"{PAGE}/ratings":
            return {"data": self.ratings}
        if thread := re.fullmatch(r"(\w+)/comments", path):
            assert (request.args["filter"], request.args["order"]) == ("stream", "reverse_chronological")
            return self._thread(thread[1], int(request.args["limit"]), request.args["after"])
        return self._node(path, fields) if self._there(path) else missing()

    def _write(self, request: Request, path: str) -> Any:
        target = path.removesuffix("/comments")
        if target in self.locked:
            return error(100, "Comments are turned off", error_user_msg="Comments on this post are limited.")
        above = self.posts[target].parent if target in self.posts else None
        return {"id": self.post(request.form["message"], NOW, PAGE, parent=above or target)}

    def _there(self, node: str) -> bool:
        return (node in self.posts or node in self.walls) and node not in self.removed

    def _wall(self, wall: Post) -> dict[str, Any]:
        return self._whole(wall) | {"comments": self._thread(wall.id, 50, None)}

    def _thread(self, wall: str, limit: int, after: str | None) -> dict[str, Any]:
        comments = self.newest_first(lambda post: post.more["under"] == wall and post.id not in self.removed)
        return self.shown(comments, limit, after, self._whole)

    def _node(self, node: str, fields: str) -> dict[str, Any]:
        found = self.posts.get(node) or self.walls[node]
        assert node in self.posts or "parent" not in fields, "a post has no such field"
        whole = self._whole(found)
        if "comments" in fields:
            whole["comments"] = self._below(node)
        if "parent" in whole and "parent{id,comments" in fields:
            whole["parent"] |= {"comments": self._below(whole["parent"]["id"])}
        return whole

    def _below(self, node: str) -> dict[str, Any]:
        return {"data": [self._whole(post) for post in self.newest_first(lambda post: post.parent == node)]}

    def _whole(self, post: Post) -> dict[str, Any]:
        ours = post.author in (PAGE, "acmehelp")
        whole: dict[str, Any] = {
            "id": post.id,
            "message": post.text,
            "created_time": post.at.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "from": {"id": PAGE, "name": "acmehelp"} if ours else {"id": f"9{post.author}", "name": post.author},
            "permalink_url": f"https://www.facebook.com/{post.id}?x",
            "like_count": 7,
            "comment_count": 2,
            "attachment": {"media": {"image": {"src": "https://cdn.example/broken.jpg"}}},
        }
        if post.parent:
            whole["parent"] = {"id": post.parent}
        return whole | post.more.get("garbled", {})


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Feed]:
    service = Feed(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_an_answer_is_known_to_belong_to_what_it_answers_and_our_own_is_no_mention(service: Feed) -> None:
    first = service.post("It broke", ago(9))
    second = service.post("same here!!", ago(8), "bob", first)
    service.reply(first, "acmehelp", ago(7))
    items, _ = poll(service.source(recheck="0s"))
    assert items.keys() == {first, second}
    assert (items[first].parent, items[second].parent) == (f"post/{PAGE}_1", first)
    assert items[second].conversation == f"post/{PAGE}_1"
    assert items[second].url == f"https://www.facebook.com/{second}?x"
    assert items[second].engagement == Engagement(likes=7, answers=2)
    assert items[second].author == Author("9bob", "bob")
    assert items[second].media == ("https://cdn.example/broken.jpg",)


def test_comments_under_old_posts_are_read_and_only_threads_with_news_are_read_on(service: Feed) -> None:
    for number in range(2, 40):
        under = service.wall(str(number), "Buy", ago(60 * number), PAGE)
        service.post(f"acme {number}", ago(number), under=under)
    under = service.wall("40", "Buy", ago(60 * 40), PAGE)
    busy = {service.post(f"acme {i}", ago(60 + i / 10), under=under) for i in range(120)}
    items, cursor = poll(service.source())
    assert items.keys() >= busy
    assert len(items) == 158
    service.requests.clear()
    poll(service.source(recheck="0s"), cursor, NOW + timedelta(hours=1))
    paths = [request.path.removeprefix("/v26.0/") for request in service.requests]
    assert paths == [f"{PAGE}/feed", f"{PAGE}/feed", f"{PAGE}/tagged", f"{PAGE}/ratings"]


def test_visitors_posts_tags_and_recommendations_are_read(service: Feed) -> None:
    wall = service.wall("5", "Your shop is closed?", ago(5), "ann")
    created = ago(4).strftime("%Y-%m-%dT%H:%M:%S+0000")
    service.tags = [{"id": "7_8", "message": "Never buy at Acme", "created_time": created}, {"id": "7_9"}]
    service.ratings = [
        {"created_time": created, "recommendation_type": kind, "review_text": text, "open_graph_story": {"id": str(n)}}
        for n, (kind, text) in enumerate((("negative", "They were rude"), ("positive", "Nice"), ("negative", "")))
    ]
    source = service.source()
    cursor, items, rejects, more = None, {}, [], True
    while more:
        page = source.fetch(cursor, NOW)
        items |= {item.external_id: item for item in page.items}
        rejects += page.rejects
        cursor, more = page.cursor, page.more
    assert {key: (item.text, item.rating) for key, item in items.items()} == {
        f"post/{wall}": ("Your shop is closed?", None),
        "tag/7_8": ("Never buy at Acme", None),
        "rating/0": ("They were rude", 1.0),
        "rating/1": ("Nice", 5.0),
    }
    assert [reject.reason for reject in rejects] == ["KeyError: 'created_time'"]


def test_the_page_answers_a_visitors_post_too(service: Feed) -> None:
    wall = service.wall("5", "Your shop is closed?", ago(5), "ann")
    source = service.source()
    reply = Reply(f"post/{wall}", "It opens at 9", "key", NOW)
    assert source.find_reply(reply) is None
    sent = source.reply(reply, NOW)
    assert source.find_reply(reply) == sent
    assert source.replies_to((reply.to,), frozenset({"acmehelp"})) == {reply.to: sent}


def test_a_reply_to_an_answer_stands_beside_it_and_is_found_there(service: Feed) -> None:
    first = service.post("It broke", ago(9))
    second = service.post("same here!!", ago(8), "bob", first)
    source = service.source()
    reply = Reply(second, "We are on it", "key", NOW)
    assert source.find_reply(reply) is None
    sent = source.reply(reply, NOW)
    assert service.replies(first)[-1] == "We are on it"
    assert source.find_reply(reply) == sent
    assert second not in source.replies_to((second,), frozenset({"acmehelp"}))
    service.posts[sent.external_id] = replace(
        service.posts[sent.external_id], more={"under": f"{PAGE}_1", "garbled": {"message_tags": [{"id": "9bob"}]}}
    )
    assert source.replies_to((second,), frozenset({"acmehelp"}))[second] == sent


def test_one_comment_that_is_gone_does_not_hide_answers_to_the_others(service: Feed) -> None:
    ids = [service.post(f"acme {i}", ago(9)) for i in range(60)]
    for each in ids:
        service.reply(each, "acmehelp", ago(5))
    service.remove(ids[7])
    found = service.source().replies_to(tuple(ids), frozenset({"acmehelp"}))
    assert found.keys() == {*ids} - {ids[7]}


def test_a_permission_that_is_missing_deletes_nothing(service: Feed) -> None:
    mention = service.post("acme", ago(5))
    source = service.source()
    assert isinstance(source, Facebook)
    service.remove(mention)
    service.failing = {"/feed": error(200, "Permissions error", 403)}
    with pytest.raises(AuthError, match="pages_read_user_content"):
        source.look_up((mention,))
    service.failing = {}
    assert [item.removed for item in source.look_up((mention, "tag/7_8", "rating/9"))] == [True]


def test_the_app_secret_proves_each_call(service: Feed) -> None:
    service.options = {"app_secret": SECRET}
    mention = service.post("acme", ago(5))
    source = service.source()
    assert poll(source)[0].keys() == {mention}
    source.reply(Reply(mention, "We are on it", "key", NOW), NOW)


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (error(190, "Session has expired", 401, error_subcode=463), AuthError, "make a new one"),
        (error(102), AuthError, "access_token"),
        (error(10, "Permission denied", 403), AuthError, "pages_read_user_content"),
        (error(200), AuthError, "pages_manage_engagement"),
        (error(4), RetryLater, "code 4"),
        (error(613), RetryLater, "code 613"),
        (error(80001), RetryLater, "code 80001"),
        (error(1, status=500), RetryLater, "code 1"),
        (error(2500, "Unknown path", is_transient=True), RetryLater, "Unknown path"),
        (error(100, "Tried accessing nonexisting field"), RetryLater, "nonexisting field"),
        (error(190, status=200), AuthError, "access_token"),
    ],
)
def test_an_errors_code_says_what_to_do(
    service: Feed, answer: Response, kind: type[FirsthourError], words: str
) -> None:
    service.failing = {"/feed": answer}
    with pytest.raises(kind, match=words) as caught:
        poll(service.source())
    assert isinstance(caught.value, AuthError) == (kind is AuthError)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(error(2, status=500), Uncertain), (error(368, "Blocked"), Refused), (error(17), RetryLater)],
)
def test_the_same_goes_for_a_reply(service: Feed, answer: Response, kind: type[FirsthourError]) -> None:
    source = service.source()
    reply = Reply(service.post("acme", ago(5)), "We are on it", "key", NOW)
    source.find_reply(reply)
    service.failing = {"/comments": answer}
    with pytest.raises(kind) as caught:
        source.reply(reply, NOW)
    assert type(caught.value) is kind


def test_a_limit_that_is_used_up_is_waited_for_as_long_as_meta_says(service: Feed) -> None:
    use = '{"type": "pages", "call_count": 100, "total_cputime": 25, "estimated_time_to_regain_access": 19}'
    service.headers = {"X-Business-Use-Case-Usage": f'{{"{PAGE}": [{use}]}}'}
    source = service.source()
    cursor = source.fetch(None, NOW).cursor
    asked = len(service.requests)
    with pytest.raises(RetryLater, match="limit is used up") as caught:
        source.fetch(cursor, NOW + timedelta(minutes=4))
    assert caught.value.after == timedelta(minutes=15)
    assert len(service.requests) == asked
    service.headers = {}
    _, cursor = poll(source, cursor, NOW + timedelta(minutes=20))
    refused = error(32)
    refused.headers["X-Business-Use-Case-Usage"] = f'{{"{PAGE}": [{use}]}}'
    service.failing = {"/feed": refused}
    with pytest.raises(RetryLater) as caught:
        poll(source, cursor, NOW + timedelta(minutes=21))
    assert caught.value.after == timedelta(minutes=19)


@pytest.mark.parametrize(
    ("header", "pauses"),
    [('{"call_count": 97, "total_time": 3}', True), ('{"call_count": 80}', False), ("[]", False), ("{", False)],
)
def test_a_limit_that_is_nearly_used_up_is_spared(service: Feed, header: str, pauses: bool) -> None:
    service.headers = {"X-App-Usage": header}
    source = service.source()
    cursor = source.fetch(None, NOW).cursor
    if pauses:
        with pytest.raises(RetryLater):
            source.fetch(cursor, NOW + timedelta(minutes=1))
    else:
        source.fetch(cursor, NOW + timedelta(minutes=1))


def test_check_names_what_is_read_and_which_permission_is_missing(service: Feed) -> None:
    assert service.source(tagged=False).check() == "reached as acmehelp: feed, ratings"
    service.failing = {"/tagged": error(10, "Requires pages_read_user_content", 403)}
    with pytest.raises(AuthError, match="pages_read_user_content"):
        service.source().check()


def test_wrong_options_are_refused() -> None:
    for options in ({"page_id": "acme"}, {"version": "26"}):
        with pytest.raises(ValidationError):
            Facebook.Options.model_validate({"page_id": PAGE, "access_token": "x"} | options)


@pytest.fixture
def hooked(service: Feed) -> Facebook:
    service.options = {"app_secret": SECRET, "verify_token": "a long word"}
    source = service.source()
    assert isinstance(source, Facebook)
    assert source.capabilities.hook
    return source


def change(field: str, **value: Any) -> dict[str, Any]:
    return {"field": field, "value": {"created_time": int(ago(5).timestamp()), "verb": "add"} | value}


def calls(*changes: Any) -> Call:
    return signed({"object": "page", "entry": [{"id": PAGE, "time": 1, "changes": changes}, {"id": "another"}]})


def test_the_subscription_is_answered_with_metas_challenge(hooked: Facebook) -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "a long word", "hub.challenge": "1158201444"}
    assert hooked.hear(Call("GET", query=query), NOW).answer == "1158201444"
    with pytest.raises(CallRefused):
        hooked.hear(Call("GET", query=query | {"hub.verify_token": "another"}), NOW)


def test_a_call_brings_what_the_lists_would_bring(service: Feed, hooked: Facebook) -> None:
    first, wall = service.post("It broke", ago(5)), service.wall("5", "Closed?", ago(5), "ann")
    second = service.post("same here!!", ago(5), "bob", first)
    who, bob = {"id": "9ann", "name": "ann"}, {"id": "9bob", "name": "bob"}
    post = {"post_id": f"{PAGE}_1"}
    link = {key: {"permalink_url": f"https://www.facebook.com/{key}?x"} for key in (first, second, wall)}
    of_first = {"item": "comment", "comment_id": first, "parent_id": f"{PAGE}_1", "message": "It broke", "from": who}
    of_second = {"item": "comment", "comment_id": second, "parent_id": first, "message": "same here!!", "from": bob}
    heard = hooked.hear(
        calls(
            change("feed", **of_first, **post, **link[first]),
            change("feed", **of_second, **post, **link[second]),
            change("feed", item="status", post_id=wall, message="Closed?", **{"from": who}, **link[wall]),
        ),
        NOW,
    )
    listed = poll(service.source(recheck="0s"))[0].values()
    assert {*heard.items} == {replace(item, media=(), engagement=None) for item in listed}
    assert heard.nonce
    assert heard.until is not None


def test_a_call_tells_of_deletions_and_leaves_out_what_is_no_mention(hooked: Facebook) -> None:
    ours = {"from": {"id": PAGE, "name": "acmehelp"}}
    heard = hooked.hear(
        calls(
            change("feed", item="comment", comment_id="1_7", post_id="100_1", verb="remove"),
            change("feed", item="comment", comment_id="1_8", post_id="100_1", message="We are sorry", **ours),
            change("feed", item="reaction", post_id="100_1"),
            change("mention", post_id="7_8", sender_name="ann"),
            change("ratings", open_graph_story_id="9", review_text="Rude", recommendation_type="negative"),
            change("feed", item="comment", comment_id="1_9", verb="edited"),
        ),
        NOW,
    )
    found = [(item.external_id, item.removed, item.text, item.rating) for item in heard.items]
    assert found == [("1_7", True, "", None), ("rating/9", False, "Rude", 1.0)]
    assert [reject.reason for reject in heard.rejects] == ["KeyError: 'post_id'"]


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (signed({"object": "page", "entry": []}, "another secret"), 401),
        (Call("POST", body=b"{}"), 401),
        (signed({"object": "user", "entry": []}), 422),
        (signed([1]), 422),
        (signed({"object": "page"}), 422),
    ],
)
def test_a_call_that_is_none_of_metas_is_refused(hooked: Facebook, call: Call, status: int) -> None:
    with pytest.raises(CallRefused) as caught:
        hooked.hear(call, NOW)
    assert caught.value.status == status
