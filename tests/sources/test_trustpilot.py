from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, RetryLater
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, SourceContract, ago, poll
from monitor.sources.hooks import Call, CallRefused
from monitor.sources.recheck import MOST
from monitor.sources.trustpilot import Trustpilot
from tests.sources.fakes import LoopbackService, Post

UNIT = "46d6a890ffa235a75b00021d"


class TrustpilotApi(LoopbackService):
    """A list by numbered pages of a hundred, single reviews, tokens, and one answer to each review."""

    page_size = 100
    lag = timedelta(days=1)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.options: dict[str, Any] = {}
        self.removed: set[str] = set()
        self.answers: dict[str, tuple[str, datetime]] = {}
        self.tokens: list[str] = []
        self.withdrawn = 0  # the first so many tokens

    def build(self, **options: Any) -> Trustpilot:
        given = {"business": "acme.com", "api_key": "key", "base_url": self.url} | self.options | options
        return Trustpilot("reviews", Trustpilot.Options(**given), ())

    def takes_replies(self, request: Request) -> bool:
        return request.path.endswith("/reply")

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"stars": "none"})

    def remove(self, external_id: str) -> None:
        self.removed.add(external_id)

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        post = self.posts[external_id]
        self.posts[external_id] = replace(post, text=text, more=post.more | {"edited": at})

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.answers[external_id] = (f"Sorry, at {at}", at)

    def replies(self, external_id: str) -> list[str]:
        return [self.answers[external_id][0]] if external_id in self.answers else []

    def respond(self, request: Request) -> Any:
        if request.path.endswith("/accesstoken"):
            assert request.form["grant_type"] == "client_credentials"
            if request.authorization is None or request.authorization.password != "hush-hush":
                return Response('{"message": "Invalid client"}', 401)
            self.tokens.append(f"Bearer token {len(self.tokens)}")
            return {"access_token": self.tokens[-1][7:], "expires_in": "359999"}
        assert request.headers["apikey"] == "key"
        valid = request.headers.get("Authorization") in self.tokens[self.withdrawn :]
        if "/private/" in request.path and not valid:
            return Response('{"message": "Unauthorized"}', 401)
        if request.path == "/v1/business-units/find":
            found = request.args["name"] == "acme.com"
            return (
                {"id": UNIT, "displayName": "Acme"}
                if found
                else Response('{"message": "Business unit not found"}', 404)
            )
        if request.path == f"/v1/business-units/{UNIT}":
            return {"displayName": "Acme", "numberOfReviews": {"total": len(self.posts)}}
        if request.path == f"/v1/business-units/{UNIT}/reviews":
            assert request.args["orderBy"] == "createdat.desc"
            start = (int(request.args["page"]) - 1) * int(request.args["perPage"])
            shown = self.newest_first(lambda post: post.id not in self.removed)
            return {"reviews": [self.review(post) for post in shown[start : start + int(request.args["perPage"])]]}
        return self._single(request, *re.fullmatch(r"/v1/(?:private/)?reviews/(\d+)(/reply)?", request.path).groups())  # type: ignore[union-attr]

    def _single(self, request: Request, external_id: str, reply: str | None) -> Any:
        if external_id in self.removed:
            return Response('{"message": "Not found"}', 404)
        if reply:
            if external_id in self.locked:
                return Response('{"message": "The review is under investigation", "errorCode": 1}', 409)
            assert request.get_json()["authorBusinessUserId"] == "user"
            self.answers[external_id] = (request.get_json()["message"], NOW)
            return Response("", 201)
        return self.review(self.posts[external_id])

    def review(self, post: Post) -> dict[str, Any]:
        review: dict[str, Any] = {
            "id": post.id,
            "consumer": {"id": "c1", "displayName": post.author},
            "stars": post.more.get("stars", 1),
            "title": post.more.get("title", post.text[:12] + "…"),
            "text": post.text,
            "language": "en",
            "createdAt": post.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds"),
            "companyReply": None,
            "numberOfLikes": 4,
        }
        if edited := post.more.get("edited"):
            review["updatedAt"] = edited.isoformat()
        if post.id in self.answers:
            text, at = self.answers[post.id]
            review["companyReply"] = {"text": text, "createdAt": at.isoformat().replace("+00:00", "Z")}
        return review | post.more.get("garbled", {})


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[TrustpilotApi]:
    service = TrustpilotApi(httpserver)
    yield service
    service.close()


@pytest.fixture
def replying(service: TrustpilotApi) -> TrustpilotApi:
    service.options = {"api_secret": "hush-hush", "business_user": "user"}
    return service


class TestContract(SourceContract):
    pass


class TestContractOfOneThatReplies(SourceContract):
    @pytest.fixture
    def service(self, replying: TrustpilotApi) -> TrustpilotApi:
        return replying


def test_a_review_has_its_title_once_its_stars_and_its_writer(service: TrustpilotApi) -> None:
    titled = service.post("Never again, they lost my parcel", ago(9), title="Lost parcel", stars=2)
    untitled = service.post("They lost my parcel", ago(8))
    items, _ = poll(service.source())
    assert items[titled].text == "Lost parcel\n\nNever again, they lost my parcel"
    assert items[untitled].text == "They lost my parcel"
    assert (items[titled].rating, items[titled].language, items[titled].author.name) == (2.0, "en", "ann")
    assert items[titled].engagement == Engagement(likes=4)
    assert items[titled].url == f"https://www.trustpilot.com/reviews/{titled}"


def test_a_business_that_trustpilot_does_not_know_is_a_mistake_in_the_configuration(service: TrustpilotApi) -> None:
    with pytest.raises(ConfigurationError, match=r'knows no "acme\.org"'):
        service.source(business="acme.org").check()


def test_the_units_id_spares_the_search_for_it(service: TrustpilotApi) -> None:
    poll(service.source(business=UNIT))
    assert not any(request.path.endswith("/find") for request in service.requests)


def test_an_edit_of_last_week_is_found(service: TrustpilotApi) -> None:
    review = service.post("It is broken", ago(0))
    _, cursor = poll(service.source())
    service.edit(review, "They mended it", ago(0))
    items, _ = poll(service.source(), cursor, NOW + timedelta(days=6))
    assert items[review].text == "They mended it"


def test_answers_to_many_reviews_are_read_from_the_list(service: TrustpilotApi) -> None:
    reviews = [service.post(f"acme {i}", ago(i)) for i in range(350)]
    for review in reviews:
        service.reply(review, "acmehelp", ago(1))
    assert len(service.source().replies_to((*reviews[:80], reviews[349]), frozenset())) == 81
    assert len(service.requests) == 5  # to find the business, three pages, and the one review that is older


def test_a_token_withdrawn_before_its_time_is_replaced(replying: TrustpilotApi) -> None:
    source = replying.source()
    reply = Reply(replying.post("acme", ago(9)), "We are on it", "key", NOW)
    assert source.find_reply(reply) is None
    replying.withdrawn = 1
    with pytest.raises(RetryLater, match="asking for a new one"):
        source.reply(reply, NOW)
    source.reply(reply, NOW)
    assert len(replying.tokens) == 2


def test_a_wrong_secret_is_named_and_kept_secret(replying: TrustpilotApi) -> None:
    with pytest.raises(AuthError, match="api_secret") as caught:
        replying.source(api_secret="another-one").check()
    assert "another-one" not in str(caught.value)


def test_check_counts_the_reviews(replying: TrustpilotApi) -> None:
    assert replying.source().check() == "Acme: 0 reviews"


@pytest.mark.parametrize("options", [{"api_secret": "x"}, {"business_user": "x"}, {"business": ""}])
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Trustpilot.Options.model_validate({"business": "acme.com", "api_key": "key"} | options)


def call(*events: Any, key: str = "a long word") -> Call:
    return Call("POST", query={"key": key}, body=json.dumps({"events": events}).encode())


@pytest.fixture
def hooked(service: TrustpilotApi) -> Trustpilot:
    source = service.source(hook_secret="a long word")
    assert isinstance(source, Trustpilot)
    assert source.capabilities.hook
    return source


def test_a_call_brings_what_the_list_would_bring(service: TrustpilotApi, hooked: Trustpilot) -> None:
    review = service.post("They lost my parcel", ago(8), stars=2)
    data = service.review(service.posts[review]) | {"consumer": {"id": "c1", "name": "ann"}}
    heard = hooked.hear(call({"eventName": "service-review-updated", "version": "1", "eventData": data}), NOW)
    assert heard.items == tuple(poll(hooked)[0].values())


def test_a_call_tells_of_a_deletion_and_of_what_it_cannot_read(hooked: Trustpilot) -> None:
    deleted = {"eventName": "service-review-deleted", "eventData": {"id": "7"}}
    strange = {"eventName": "service-review-created", "eventData": {"id": "8", "stars": 9}}
    other = {"eventName": "product-review-created", "eventData": {"id": "9"}}
    heard = hooked.hear(call(deleted, strange, other, "nothing"), NOW)
    assert [(item.external_id, item.removed) for item in heard.items] == [("7", True)]
    assert [reject.reason[:24] for reject in heard.rejects] == ["ValueError: a rating of ", "TypeError: string indice"]


@pytest.mark.parametrize(
    ("call", "status"),
    [
        (call(key="another word"), 401),
        (Call("POST", body=b"{}"), 401),
        (Call("GET", query={"key": "a long word"}), 405),
        (Call("POST", query={"key": "a long word"}, body=b"<html>"), 422),
        (Call("POST", query={"key": "a long word"}, body=b"[]"), 422),
    ],
)
def test_a_call_that_is_none_of_trustpilots_is_refused(hooked: Trustpilot, call: Call, status: int) -> None:
    with pytest.raises(CallRefused) as caught:
        hooked.hear(call, NOW)
    assert caught.value.status == status


def test_without_a_secret_no_call_is_heard(service: TrustpilotApi) -> None:
    source = service.source()
    assert isinstance(source, Trustpilot)
    assert not source.capabilities.hook
    with pytest.raises(CallRefused):
        source.hear(call(key=""), NOW)
