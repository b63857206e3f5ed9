from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, Refused, RetryLater
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, Answer, SourceContract, poll
from monitor.sources.x import X
from tests.sources.fakes import LoopbackService, Post

EPOCH = datetime.fromtimestamp(1_288_834_974_657 / 1000, UTC)


class XApi(LoopbackService):
    """Search and mentions, newest first, with `since_id`, opaque tokens, expansions, and a 400 for what is too old."""

    page_size = 100
    lag = timedelta(minutes=5)
    addressed = "acme @acmehelp"

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.tokens_known = True
        self.now = NOW
        self.options: dict[str, Any] = {}
        self.duplicate = False

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"

    def build(self, **options: Any) -> X:
        given = {"bearer_token": "secret-bearer-token", "base_url": self.url} | self.options | options
        return X("twitter", X.Options(**given), options.pop("terms", ("acme",)))

    def new_id(self, at: datetime) -> str:
        return str((int((at - EPOCH) / timedelta(milliseconds=1)) << 22) + next(self._numbers))

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled=True)

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        old = next(p for p in self.posts.values() if external_id in (p.id, *p.more.get("edit_history_tweet_ids", [])))
        new = self.new_id(at)
        history = [*old.more.get("edit_history_tweet_ids", [external_id]), new]
        del self.posts[old.id]
        self.posts[new] = replace(old, id=new, text=text, at=at, more={"edit_history_tweet_ids": history})

    def _create(self, request: Request) -> Any:
        """Signed by the account that answers, over the address that was really asked."""
        signed = request.headers["Authorization"]
        assert signed.startswith("OAuth ")
        assert _verified(request, signed)
        wanted = request.get_json()
        to = wanted["reply"]["in_reply_to_tweet_id"]
        parent = self.posts[to]
        addressed = "@acmehelp" in parent.text or self._quotes_us(parent)
        if to in self.locked or not addressed:
            return Response('{"detail": "You are not permitted to perform this action.", "title": "Forbidden"}', 403)
        if any(post.text == wanted["text"] and post.parent == to for post in self.posts.values()):
            return Response('{"detail": "You are not allowed to create a Tweet with duplicate content."}', 403)
        new = self.post(wanted["text"], NOW, "acmehelp", parent=to)
        return Response(json.dumps({"data": {"id": new, "text": wanted["text"]}}), 201, content_type="application/json")

    def remove(self, external_id: str) -> None:
        self.posts[external_id] = replace(self.posts[external_id], more={"gone": "resource-not-found"})

    def _looked_up(self, asked: list[str]) -> dict[str, Any]:
        assert len(asked) <= 100
        shown = [self.posts[each] for each in asked if not self.posts[each].more.get("gone")]
        errors = [
            {"resource_id": each, "type": f"https://api.twitter.com/2/problems/{self.posts[each].more['gone']}"}
            for each in asked
            if self.posts[each].more.get("gone")
        ]
        return {"data": [self._tweet(post) for post in shown]} | ({"errors": errors} if errors else {})

    def _quotes_us(self, post: Post) -> bool:
        quoted = [self.posts[each["id"]] for each in post.more.get("referenced_tweets", [])]
        return any(each.author == "acmehelp" for each in quoted)

    def respond(self, request: Request) -> Any:
        if request.path == "/2/tweets" and request.method == "POST":
            return self._create(request)
        assert request.headers["Authorization"] == "Bearer secret-bearer-token"
        asked = request.args
        if request.path == "/2/tweets":
            return self._looked_up(asked["ids"].split(","))
        if found := re.fullmatch(r"/2/tweets/(\d+)", request.path):
            post = self.posts[found[1]]
            quoted = [self.posts[each["id"]] for each in post.more.get("referenced_tweets", [])]
            tweets = [{"id": q.id, "author_id": "777" if q.author == "acmehelp" else q.author} for q in quoted]
            return {"data": self._tweet(post), "includes": {"tweets": tweets}}
        if request.path == "/2/users/777/tweets":
            return self._page(request, lambda post: post.author == "acmehelp", asked.get("pagination_token"))
        if request.path == "/2/users/by/username/acmehelp":
            return {"data": {"id": "777", "username": "acmehelp"}}
        if request.path.startswith("/2/users/by/username/"):
            return {"errors": [{"title": "Not Found Error", "detail": "Could not find user"}]}
        if request.path == "/2/users/777/mentions":
            return self._page(request, lambda post: "@acmehelp" in post.text, asked.get("pagination_token"))
        query = asked["query"]
        assert len(query) <= 512
        if request.path == "/2/tweets/counts/recent":
            return {"data": [], "meta": {"total_tweet_count": len(self.posts)}}
        assert request.path == "/2/tweets/search/recent"
        accounts = re.findall(r"from:(\w+)", query)
        words = re.sub(r"-is:retweet|[()]", "", query).split(" OR ")

        def wanted(post: Post) -> bool:
            if accounts:
                return post.author in accounts and post.parent is not None
            return any(word.strip().strip('"').lower() in post.text.lower() for word in words)

        return self._page(request, wanted, asked.get("next_token"))

    def _page(self, request: Request, wanted: Any, token: str | None) -> Any:
        since = int(request.args.get("since_id", 0))
        too_old = since < int(self.new_id(self.now - timedelta(days=7)))
        if too_old or (token and not self.tokens_known):
            return Response('{"title": "Invalid Request", "detail": "a value is not valid"}', 400)
        below = int(token.removeprefix("older")) if token else 2**63
        posts = [post for post in self.newest_first(wanted) if since < int(post.id) < below]
        size = int(request.args["max_results"])
        shown = posts[:size]
        meta: dict[str, Any] = {"result_count": len(shown)}
        if len(posts) > size:
            meta["next_token"] = f"older{shown[-1].id}"
        if not shown:
            return {"meta": meta}
        assert "author_id" in request.args["expansions"]
        users = [
            {"id": name, "username": name, "name": name.title(), "public_metrics": {"followers_count": 12}}
            for name in {post.author for post in shown}
        ]
        media = [each for post in shown for each in post.more.get("media", [])]
        tweets = [self._tweet(post) for post in shown]
        return {"data": tweets, "includes": {"users": users, "media": media}, "meta": meta}

    def _tweet(self, post: Post) -> dict[str, Any]:
        if post.more.get("garbled"):
            return {"id": post.id, "author_id": post.author}
        text = html.escape(post.text, quote=False)
        tweet: dict[str, Any] = {
            "id": post.id,
            "text": text[:275] + "…" if len(text) > 280 else text,
            "author_id": post.author,
            "conversation_id": post.parent or post.id,
            "edit_history_tweet_ids": [post.id],
            "lang": "en",
        }
        if len(text) > 280:
            tweet["note_tweet"] = {"text": text}
        if post.parent:
            tweet["referenced_tweets"] = [{"type": "replied_to", "id": post.parent}]
        return tweet | post.more


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[XApi]:
    service = XApi(httpserver)
    yield service
    service.close()


def _verified(request: Request, header: str) -> bool:
    """Whether the OAuth 1.0a signature fits the request, as X works it out."""
    given = dict(re.findall(r'(\w+)="([^"]*)"', header))
    names = sorted(f"{name}={value}" for name, value in given.items() if name not in ("oauth_signature", "realm"))
    base = "&".join(quote(part, safe="") for part in (request.method, request.base_url, "&".join(names)))
    digest = hmac.new(b"consumer-secret&access-secret", base.encode(), hashlib.sha1).digest()
    return quote(base64.b64encode(digest).decode(), safe="") == given["oauth_signature"]


KEYS = {
    "account": "acmehelp",
    "consumer_key": "consumer",
    "consumer_secret": "consumer-secret",
    "access_token": "access",
    "access_token_secret": "access-secret",
}


class TestContract(SourceContract):
    pass


class TestContractWithAnAccountThatAnswers(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[XApi]:
        service = XApi(httpserver)
        service.options = KEYS
        yield service
        service.close()


def test_who_neither_mentioned_nor_quoted_us_is_not_answered_through_the_api(service: XApi) -> None:
    source = service.source(**KEYS)
    plain = service.post("acme is slow", NOW - timedelta(minutes=5))
    assert "only where the author mentioned or quoted @acmehelp" in str(source.barrier("acme is slow, @acmehelpers"))
    with pytest.raises(Refused, match="Answer on X itself"):
        source.reply(Reply(plain, "We are on it", "key", NOW, "acme is slow"), NOW)
    assert [request for request in service.requests if request.method == "POST"] == []
    assert source.barrier("hey @AcmeHelp, where is it?") is None


def test_who_quoted_us_is_answered_and_who_quoted_another_is_not(service: XApi) -> None:
    source = service.source(**KEYS)
    ours, theirs = (service.post("news", NOW - timedelta(hours=1), who) for who in ("acmehelp", "globex"))
    text = "acme, what is this? https://t.co/abc"
    assert source.barrier(text) is None
    for quoted, answered in ((ours, True), (theirs, False)):
        reference = [{"type": "quoted", "id": quoted}]
        mention = service.post(text, NOW - timedelta(minutes=5), referenced_tweets=reference)
        reply = Reply(mention, "We are on it", "key", NOW, text)
        if answered:
            assert source.reply(reply, NOW).url == f"https://x.com/acmehelp/status/{list(service.posts)[-1]}"
        else:
            with pytest.raises(Refused, match="mentioned or quoted"):
                source.reply(reply, NOW)


def test_x_refuses_the_same_words_twice_in_words_of_its_own(service: XApi) -> None:
    source = service.source(**KEYS)
    mention = service.post("@acmehelp acme", NOW - timedelta(minutes=5))
    reply = Reply(mention, "We are on it", "key", NOW, "@acmehelp acme")
    source.reply(reply, NOW)
    with pytest.raises(Refused, match="duplicate content"):
        source.reply(reply, NOW)


def test_an_account_that_may_only_read_is_a_mistake_of_the_configuration(service: XApi) -> None:
    source = service.source(**KEYS)
    service.answer(
        Answer(
            403,
            b'{"detail": "Your client app is not configured with the appropriate oauth1 app '
            b'permissions for this endpoint."}',
        )
    )
    with pytest.raises(AuthError, match="Read and Write"):
        source.reply(Reply("1", "We are on it", "key", NOW, "@acmehelp acme"), NOW)


def test_without_the_accounts_keys_it_says_that_it_cannot_reply(service: XApi) -> None:
    assert not service.source().capabilities.reply
    with pytest.raises(ValidationError, match="replies need all of"):
        service.source(consumer_key="x")


def test_a_long_post_is_read_whole_with_its_author_and_its_thread(service: XApi) -> None:
    first = service.post("acme", NOW - timedelta(minutes=5))
    long = "acme & co " + "x" * 400
    reply = service.post(long, NOW - timedelta(minutes=4), "bob", parent=first)
    item = poll(service.source())[0][reply]
    assert item.text == long
    assert (item.author.handle, item.author.name, item.author.followers) == ("bob", "Bob", 12)
    assert (item.conversation, item.parent, item.language) == (first, first, "en")
    assert item.url == f"https://x.com/bob/status/{reply}"


def test_a_look_up_takes_a_private_account_for_gone_and_anything_unknown_for_nothing(service: XApi) -> None:
    private = service.post("acme", NOW, gone="not-authorized-for-resource")
    odd = service.post("acme", NOW, gone="disconnected")
    (found,) = service.source().look_up((private, odd, "no id"))  # type: ignore[attr-defined]
    assert (found.external_id, found.removed) == (private, True)


def test_a_look_up_of_an_edited_post_gives_its_last_version(service: XApi) -> None:
    first = service.post("acme is slow", NOW - timedelta(minutes=9))
    last = service.post("acme is rude", NOW - timedelta(minutes=5))
    for each in (first, last):
        more = {"edit_history_tweet_ids": [first, last]}
        service.posts[each] = replace(service.posts[each], more=more)
    (found,) = service.source().look_up((first,))  # type: ignore[attr-defined]
    assert (found.external_id, found.text) == (first, "acme is rude")


def test_what_a_reply_answers_has_the_id_that_the_reply_names_though_it_was_edited(service: XApi) -> None:
    first, last = (service.post("acme is slow", NOW - timedelta(minutes=minutes)) for minutes in (9, 5))
    service.posts[last] = replace(service.posts[last], more={"edit_history_tweet_ids": [first, last]})
    source: Any = service.source()
    assert [item.external_id for item in source.parents((last, "no id"))] == [last]


def test_a_post_comes_with_its_pictures_and_how_far_it_has_spread(service: XApi) -> None:
    counts = {"like_count": 12, "retweet_count": 3, "quote_count": 1, "reply_count": 0, "impression_count": 950}
    media = [
        {"media_key": "3_1", "type": "photo", "url": "https://pbs.example/1.jpg"},
        {"media_key": "7_2", "type": "video", "preview_image_url": "https://pbs.example/2.jpg"},
    ]
    keys = {"media_keys": ["7_2", "3_1", "3_404"]}
    service.post("acme", NOW, public_metrics=counts, attachments=keys, media=media)
    service.post("acme", NOW, public_metrics={"like_count": "12"}, attachments=[])
    odd, whole = sorted(poll(service.source())[0].values(), key=lambda item: len(item.media))
    assert whole.media == ("https://pbs.example/2.jpg", "https://pbs.example/1.jpg")
    assert whole.engagement == Engagement(likes=12, shares=4, answers=0, views=950)
    assert (odd.media, odd.engagement) == ((), Engagement())


@pytest.mark.parametrize(
    ("said", "meant"), [("in", "id"), ("iw", "he"), ("und", None), ("qme", None), ("ta", "ta"), (None, None)]
)
def test_languages_are_given_as_the_standard_names_them(service: XApi, said: str | None, meant: str | None) -> None:
    service.post("acme", NOW - timedelta(minutes=5), lang=said)
    (item,) = poll(service.source())[0].values()
    assert item.language == meant


def test_mentions_of_the_own_account_are_read_and_retweets_are_not(service: XApi) -> None:
    mention = service.post("@acmehelp where is it?", NOW - timedelta(minutes=5))
    retweeted = [{"type": "retweeted", "id": "1"}]
    service.post("RT @acmehelp: hi", NOW - timedelta(minutes=4), referenced_tweets=retweeted)
    assert poll(service.source(account="@acmehelp", queries=["globex"]))[0].keys() == {mention}


def test_an_account_that_does_not_exist_is_a_mistake_of_the_configuration(service: XApi) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.twitter\.account.*nobody"):
        service.source(account="nobody", queries=["globex"]).check()


def test_many_words_become_several_searches_that_x_accepts(service: XApi) -> None:
    words = (*(f"brand number {i}" for i in range(60)), "@acme", "#acme", "OR", "日本語の名前")
    posted = {service.post(f"I use {words[i]} daily", NOW - timedelta(minutes=5)) for i in (0, 30, 59, 61, 63)}
    source = X("twitter", X.Options(bearer_token="secret-bearer-token", base_url=service.url), words)
    items, _ = poll(source)
    source.close()
    assert items.keys() == posted
    assert len(service.requests) > 2
    queries = " ".join(request.args["query"] for request in service.requests)
    assert '"brand number 7"' in queries
    assert '@acme OR #acme OR "OR" OR 日本語の名前' in queries


def test_a_word_too_long_for_any_search_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="too long"):
        X("twitter", X.Options(bearer_token="x"), ("y" * 600,))


def test_a_forgotten_token_begins_the_walk_again_at_the_next_poll(service: XApi) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(250)}
    page = service.source().fetch(None, NOW)
    service.tokens_known = False
    page = service.source().fetch(page.cursor, NOW)
    assert not page.items
    service.tokens_known = True
    assert poll(service.source(), page.cursor)[0].keys() == posted


def test_after_a_long_pause_it_asks_no_further_back_than_x_allows(service: XApi) -> None:
    _, cursor = poll(service.source())
    later = service.now = NOW + timedelta(days=30)
    new = service.post("acme", later - timedelta(days=1))
    assert new in poll(service.source(), cursor, later)[0]


def test_a_refusal_names_the_missing_access_and_not_the_token(service: XApi) -> None:
    service.answer(Answer(403, b'{"title":"Client Forbidden","reason":"client-not-enrolled"}'))
    with pytest.raises(AuthError, match=r"client-not-enrolled.*tweet\.read") as caught:
        poll(service.source())
    assert "secret-bearer-token" not in str(caught.value)


def test_errors_that_x_reports_with_status_200_are_tried_again(service: XApi) -> None:
    service.answer(Answer(200, b'{"errors": [{"title": "Service", "detail": "over capacity"}]}'))
    with pytest.raises(RetryLater, match="over capacity"):
        poll(service.source())


def test_replies_are_asked_for_once_and_later_only_what_is_new(service: XApi) -> None:
    source = service.source()
    one = service.post("acme one", NOW - timedelta(minutes=60))
    two = service.post("acme two", NOW - timedelta(minutes=50))
    service.reply(one, "acmehelp", NOW - timedelta(minutes=40))
    assert source.replies_to((one, two), frozenset({"acmehelp"})).keys() == {one}
    service.reply(two, "acmehelp", NOW - timedelta(minutes=30))
    service.requests.clear()
    assert source.replies_to((one, two), frozenset({"acmehelp"})).keys() == {one, two}
    (request,) = service.requests
    assert int(request.args["since_id"]) > int(two)


@pytest.mark.parametrize("options", [{}, {"bearer_token": ""}, {"bearer_token": "x", "account": "not an account"}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        X.Options.model_validate(options)
