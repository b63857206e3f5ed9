from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, RetryLater, Uncertain
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, SourceContract, poll
from monitor.sources.rate import listening
from monitor.sources.recheck import MOST
from monitor.sources.reddit import Reddit
from tests.sources.fakes import LoopbackService, Post


class RedditApi(LoopbackService):
    """Tokens, listings of a hundred behind `after`, subreddits of which one is private, and an inbox."""

    page_size = 100
    lag = timedelta(minutes=15)
    recalled = MOST

    def takes_replies(self, request: Request) -> bool:
        return request.path.strip("/") == "api/comment"

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.headers: dict[str, str] = {}
        self.options: dict[str, Any] = {}
        self.scope_missing = ""  # a path that the token may not read
        self.tokens_given = 0
        self.token_withdrawn = False
        self.wait = ""  # what Reddit says to who comments too fast
        self.forgotten: set[str] = set()  # names that `after` no longer finds

    def build(self, **options: Any) -> Reddit:
        terms = options.pop("terms", ("acme",))
        given = {"client_id": "id", "client_secret": "hush-hush", "base_url": self.url} | self.options | options
        return Reddit("reddit", Reddit.Options(**given), terms)

    def new_id(self, at: datetime) -> str:
        return f"t3_{next(self._numbers)}"

    def comment(self, text: str, at: datetime, author: str, parent: str, **more: Any) -> str:
        name = f"t1_{next(self._numbers)}"
        self.posts[name] = Post(name, text, at, author, parent, more)
        return name

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.comment("we are sorry", at, account, external_id)

    def agree(self, external_id: str, at: datetime) -> str:
        return self.comment("acme: same here!!", at, "bob", external_id)

    def remove(self, external_id: str) -> None:
        """What a user deletes leaves the lists; only who asks for it by name sees the empty place."""
        left = {"selftext": "[deleted]", "body": "[deleted]", "author": "[deleted]"}
        self.posts[external_id] = replace(self.posts[external_id], more={"garbled": left, "deleted": True})

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"created_utc": None})

    def respond(self, request: Request) -> Any:
        path = request.path.strip("/")
        if path == "api/v1/access_token":
            if request.authorization and request.authorization.password != "hush-hush":
                return Response('{"message": "Unauthorized", "error": 401}', 401)
            if request.form.get("password") == "wrong":
                return {"error": "invalid_grant"}
            self.tokens_given += 1
            self.token_withdrawn = False
            return {"access_token": "given", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
        if self.token_withdrawn:
            return Response('{"message": "Unauthorized", "error": 401}', 401)
        if self.scope_missing and path.startswith(self.scope_missing):
            return Response("", 403, {"www-authenticate": 'Bearer realm="reddit", error="insufficient_scope"'})
        if path == "api/v1/me":
            return {"name": "acmehelp"}
        if path == "api/comment":
            return self._comment(request)
        if path.startswith("r/secret"):
            return Response('{"reason": "private", "message": "Forbidden", "error": 403}', 403)
        if path.startswith("r/nowhere"):
            return Response("", 302, {"Location": f"{self.url}/subreddits/search?q=nowhere"})
        if path == "api/info":
            asked = request.args["id"].split(",")
            assert len(asked) <= 100
            found = [self._child(self.posts[name]) for name in asked if name in self.posts]
            return {"kind": "Listing", "data": {"children": found, "after": None}}
        if path.endswith("/about"):
            return {"kind": "t5", "data": {}}
        return self._listing(request, path)

    def _comment(self, request: Request) -> dict[str, Any]:
        to = request.form["thing_id"]
        if self.wait:
            return {"json": {"errors": [["RATELIMIT", self.wait, "ratelimit"]]}}
        if to in self.locked:
            return {"json": {"errors": [["THREAD_LOCKED", "Comments are locked", "parent"]]}}
        name = self.comment(request.form["text"], NOW, "acmehelp", to)
        return {"json": {"errors": [], "data": {"things": [self._child(self.posts[name])]}}}

    def _listing(self, request: Request, path: str) -> Response | dict[str, Any]:
        if path == "r/all/search":
            words = [word.strip('" ').lower() for word in request.args["q"].split(" OR ")]
            posts = self.newest_first(lambda p: p.id[:2] == "t3" and any(word in p.text.lower() for word in words))
        elif user := re.fullmatch(r"user/([\w-]+)/comments", path):
            posts = self.newest_first(lambda p: p.id[:2] == "t1" and p.author == user[1])
            if not posts:
                return Response('{"message": "Not Found", "error": 404}', 404)
        elif path == "message/mentions":
            posts = self.newest_first(lambda p: "u/acmehelp" in p.text)
        else:
            subreddit, kind = re.fullmatch(r"r/(\w+)/(new|comments)", path).groups()  # type: ignore[union-attr]
            wanted = "t3" if kind == "new" else "t1"
            posts = self.newest_first(lambda p: p.id[:2] == wanted and p.more.get("subreddit") == subreddit)
        posts = [post for post in posts if not post.more.get("deleted")]
        names = [post.id for post in posts]
        after = request.args.get("after")
        if after:
            posts = posts[names.index(after) + 1 :] if after in names and after not in self.forgotten else []
        shown = posts[:100]
        data = {"children": [self._child(p) for p in shown], "after": shown[-1].id if len(posts) > 100 else None}
        return Response(
            json.dumps({"kind": "Listing", "data": data}), content_type="application/json", headers=self.headers
        )

    def _child(self, post: Post) -> dict[str, Any]:
        kind = post.id[:2]
        data: dict[str, Any] = {
            "id": post.id[3:],
            "name": post.id,
            "author": post.author,
            "created_utc": post.at.timestamp(),
            "permalink": f"/r/test/comments/9/x/{post.id[3:]}/",
        }
        if kind == "t1":
            data |= {"body": post.text, "parent_id": post.parent, "link_id": "t3_9"}
        else:
            data |= {"title": post.text[:100], "selftext": post.text[100:]}
        return {"kind": kind, "data": data | post.more.get("garbled", {})}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[RedditApi]:
    service = RedditApi(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


class TestContractWithAnAccount(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[RedditApi]:
        service = RedditApi(httpserver)
        service.options = {"username": "acmehelp", "password": "pass"}
        yield service
        service.close()


ACCOUNT = {"username": "acmehelp", "password": "pass", "inbox": True}


def test_subreddits_are_read_whole_posts_and_comments(service: RedditApi) -> None:
    post = service.post("no word of the brand", NOW - timedelta(minutes=9), subreddit="acmefans")
    comment = service.comment("broken again", NOW - timedelta(minutes=8), "bob", post, subreddit="acmefans")
    service.post("elsewhere", NOW - timedelta(minutes=7), subreddit="cats")
    items, _ = poll(service.source(search=False, subreddits=["r/acmefans"]))
    assert items.keys() == {post, comment}
    read = items[comment]
    assert (read.text, read.author.handle, read.parent, read.conversation) == ("broken again", "bob", post, "t3_9")
    assert read.url == f"https://www.reddit.com/r/test/comments/9/x/{comment[3:]}/"


def test_mentions_in_the_inbox_are_read_with_the_accounts_token(service: RedditApi) -> None:
    mention = service.comment("u/acmehelp where is it?", NOW - timedelta(minutes=8), "bob", "t3_9")
    assert poll(service.source(search=False, **ACCOUNT))[0].keys() == {mention}
    token_request = service.requests[0]
    assert token_request.form["grant_type"] == "password"


def test_a_private_or_missing_subreddit_is_shown_and_the_others_are_read(service: RedditApi) -> None:
    post = service.post("hello", NOW - timedelta(minutes=9), subreddit="acmefans")
    source = service.source(search=False, subreddits=["secret", "nowhere", "acmefans"])
    rejects, items, cursor, more = [], [], None, True
    while more:
        page = source.fetch(cursor, NOW)
        rejects += [reject.reason for reject in page.rejects]
        items += [item.external_id for item in page.items]
        cursor, more = page.cursor, page.more
    assert set(items) == {post}
    assert "r/secret/new/ cannot be read: private" in rejects
    assert "r/nowhere/new/ cannot be read: there is no such subreddit" in rejects
    with pytest.raises(ConfigurationError, match="r/secret: private"):
        service.source(subreddits=["acmefans", "secret"]).check()


def test_a_post_comes_with_its_pictures_its_score_and_what_it_passes_on(service: RedditApi) -> None:
    gallery = {"abc": {"s": {"u": "https://preview.redd.it/abc.png?s=1&amp;t=2"}}, "def": {"status": "failed"}}
    picture = {"post_hint": "image", "url": "https://i.redd.it/1.png", "media_metadata": gallery}
    service.post("acme", NOW - timedelta(minutes=2), garbled=picture | {"crosspost_parent": "t3_zzz"})
    counted = {"score": -3, "num_comments": 8, "num_crossposts": 2, "url": "https://acme.example"}
    service.post("acme", NOW - timedelta(minutes=1), garbled=counted)
    shown, scored = sorted(poll(service.source())[0].values(), key=lambda item: item.posted_at)
    assert shown.media == ("https://i.redd.it/1.png", "https://preview.redd.it/abc.png?s=1&t=2")
    assert shown.repost_of == "t3_zzz"
    assert (scored.engagement, scored.media) == (Engagement(likes=0, shares=2, answers=8), ())


def test_a_deleted_post_has_no_words_left(service: RedditApi) -> None:
    service.post("acme", NOW - timedelta(minutes=9), garbled={"selftext": "[removed]", "author": "[deleted]"})
    (item,) = poll(service.source())[0].values()
    assert (item.removed, item.text, item.author.handle) == (True, "", None)


def test_an_after_that_was_removed_meanwhile_does_not_end_the_reading(service: RedditApi) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(250)}
    page = service.source().fetch(None, NOW)
    service.forgotten = {page.items[-1].external_id}
    _, cursor = poll(service.source(), page.cursor)
    service.forgotten = set()
    assert poll(service.source(), cursor)[0].keys() == posted


def test_every_post_of_two_days_is_looked_at_again_and_a_deleted_one_is_forgotten(service: RedditApi) -> None:
    posted = [service.post(f"acme {i}", NOW - timedelta(minutes=i)) for i in range(250)]
    source = service.source()
    _, cursor = poll(source)
    service.edit(posted[240], "acme edited", NOW)
    service.remove(posted[150])
    seen: dict[str, Any] = {}
    for minute in range(30, 34):
        items, cursor = poll(source, cursor, NOW + timedelta(minutes=minute))
        seen |= items
    assert seen[posted[150]].removed
    assert seen[posted[240]].text == "acme edited"
    assert posted[150] not in cursor["known"]
    assert len(cursor["known"]) == 249
    assert not poll(source, cursor, NOW + timedelta(days=3))[1]["known"]


def test_who_comments_too_fast_waits_as_long_as_reddit_says(service: RedditApi) -> None:
    source = service.source(username="acmehelp", password="pass")
    mention = service.post("acme", NOW - timedelta(minutes=5))
    service.wait = "Looks like you've been doing that a lot. Take a break for 3 minutes before trying again."
    with pytest.raises(RetryLater, match="Take a break") as caught:
        source.reply(Reply(mention, "We are on it", "key", NOW), NOW)
    assert caught.value.after == timedelta(minutes=3)
    assert not isinstance(caught.value, Uncertain)


def test_without_an_account_it_says_that_it_cannot_reply(service: RedditApi) -> None:
    assert not service.source().capabilities.reply
    assert service.source(refresh_token="token").capabilities.reply


def test_an_account_known_by_its_token_alone_finds_its_reply(service: RedditApi) -> None:
    source = service.source(refresh_token="token")
    reply = Reply(service.post("acme", NOW - timedelta(minutes=5)), "We are on it", "key", NOW)
    assert source.find_reply(reply) is None
    source.reply(reply, NOW)
    assert source.find_reply(reply) is not None


def test_a_missing_scope_is_named(service: RedditApi) -> None:
    service.scope_missing = "message"
    with pytest.raises(AuthError, match="needs privatemessages"):
        poll(service.source(search=False, **ACCOUNT))
    service.scope_missing = "api/v1/me"
    with pytest.raises(AuthError, match="needs identity"):
        service.source(**ACCOUNT).check()


def test_a_token_withdrawn_before_its_time_is_replaced(service: RedditApi) -> None:
    source = service.source()
    _, cursor = poll(source)
    service.token_withdrawn = True
    with pytest.raises(RetryLater, match="asking for a new one"):
        poll(source, cursor)
    poll(source, cursor)
    assert service.tokens_given == 2


@pytest.mark.parametrize("options", [{"client_secret": "wrong-secret"}, {"username": "acmehelp", "password": "wrong"}])
def test_wrong_credentials_are_an_auth_error_that_keeps_them_secret(
    service: RedditApi, options: dict[str, str]
) -> None:
    with pytest.raises(AuthError) as caught:
        poll(service.source(**options))
    assert "wrong" not in str(caught.value)


def test_a_spent_allowance_is_waited_for_outside(service: RedditApi) -> None:
    """praw would sleep in the middle of a poll, for minutes."""
    service.headers = {"x-ratelimit-remaining": "0.0", "x-ratelimit-used": "600", "x-ratelimit-reset": "240"}
    with listening() as ear:
        poll(service.source())
    assert ear.rest == timedelta(seconds=240)


def test_replies_are_read_once_and_later_only_what_is_new(service: RedditApi) -> None:
    source = service.source()
    old = [service.post(f"acme {i}", NOW - timedelta(hours=9)) for i in range(150)]
    for post in old:
        service.reply(post, "acmehelp", NOW - timedelta(hours=8))
    assert source.replies_to(tuple(old), frozenset({"acmehelp"})).keys() == set(old)
    new = service.post("acme", NOW - timedelta(minutes=5))
    for minute in (3, 4):
        service.reply(new, "acmehelp", NOW - timedelta(minutes=minute))
    service.requests.clear()
    assert source.replies_to((new,), frozenset({"acmehelp", "no-such-one"}))[new].at == NOW - timedelta(minutes=4)


def test_many_words_become_searches_of_at_most_512_characters(service: RedditApi) -> None:
    words = (*(f"brand number {i}" for i in range(60)), "@acme", "日本語")
    posted = {service.post(f"I use {words[i]} daily", NOW - timedelta(minutes=5)) for i in (0, 30, 59, 60, 61)}
    assert poll(service.source(terms=words))[0].keys() == posted
    queries = [request.args["q"] for request in service.requests if "q" in request.args]
    assert len(queries) > 1
    assert max(map(len, queries)) <= 512
    assert '"@acme" OR 日本語' in queries[-1]


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"inbox": True}, "needs an account"),
        ({"username": "a"}, "go together"),
        ({"subreddits": ["not one"]}, "no subreddit"),
        ({"user_agent": "x"}, "at least 7"),
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any], hint: str) -> None:
    with pytest.raises(ValidationError, match=hint):
        Reddit.Options.model_validate({"client_id": "a", "client_secret": "b"} | options)
