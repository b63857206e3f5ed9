from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, ConfigurationError, Refused, RetryLater
from monitor.sources.app_store import AppStore
from monitor.sources.base import Reply
from monitor.sources.contract import NOW, Answer, SourceContract, poll
from monitor.sources.recheck import MOST
from tests.sources.fakes import LoopbackService, Post
from tests.sources.test_app_store import CUPERTINO


@functools.cache
def _private_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem() -> str:
    return (
        _private_key()
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def refusal(status: int, code: str, detail: str) -> Response:
    errors = [{"status": str(status), "code": code, "title": "A title", "detail": detail}]
    return Response(json.dumps({"errors": errors}), status, content_type="application/json")


class Connect(LoopbackService):
    """Reviews of all countries behind links to the next page, the newest first, and one response to each."""

    page_size = 200
    lag = timedelta(days=1)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.responses: dict[str, tuple[str, datetime]] = {}
        self.next_host = self.url
        self.claims: dict[str, Any] = {}

    def build(self, **options: Any) -> AppStore:
        given = {"app_id": 42, "key_id": "K1", "issuer_id": "57246542-96fe", "private_key": pem()}
        given |= {"connect_url": self.url, "base_url": "http://127.0.0.1:1"} | options
        return AppStore("reviews", AppStore.Options(**given), ())

    def new_id(self, at: datetime) -> str:
        return f"00000028-b08c-0014-729e-{next(self._numbers):012}"

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, createdDate=None)

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text=text, at=at)

    def remove(self, external_id: str) -> None:
        del self.posts[external_id]

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.responses[external_id] = (f"We are sorry ({at})", at)

    def replies(self, external_id: str) -> list[str]:
        return [self.responses[external_id][0]] if external_id in self.responses else []

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"

    def respond(self, request: Request) -> Any:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        assert jwt.get_unverified_header(token) == {"alg": "ES256", "typ": "JWT", "kid": "K1"}
        self.claims = jwt.decode(token, _private_key().public_key(), ["ES256"], audience="appstoreconnect-v1")
        assert self.claims["exp"] - self.claims["iat"] <= 20 * 60
        if request.path == "/v1/customerReviewResponses":
            return self._respond(request.get_json()["data"])
        if request.path == "/v1/apps/42/customerReviews":
            return self._page(request)
        found = re.fullmatch(r"/v1/customerReviews/([\w-]+)(/response)?", request.path)
        if found is None or found[1] not in self.posts or (found[2] and found[1] not in self.responses):
            return refusal(404, "NOT_FOUND", "The specified resource does not exist")
        return {"data": self._response(found[1]) if found[2] else self._review(self.posts[found[1]])}

    def _respond(self, data: dict[str, Any]) -> Response:
        external_id = data["relationships"]["review"]["data"]["id"]
        text = data["attributes"]["responseBody"]
        if external_id in self.locked:
            return refusal(409, "STATE_ERROR", "This review cannot be responded to")
        if len(text) > 5970:
            return refusal(409, "ENTITY_ERROR.ATTRIBUTE.INVALID.TOO_LONG", "The response is too long")
        self.responses[external_id] = (text, NOW)
        return Response(json.dumps({"data": self._response(external_id)}), 201, content_type="application/json")

    def _page(self, request: Request) -> Any:
        assert (request.args["sort"], request.args["include"]) == ("-createdDate", "response")
        start, size = int(request.args.get("cursor", 0)), int(request.args["limit"])
        assert size <= 200
        listed = self.newest_first()
        shown = listed[start : start + size]
        page: dict[str, Any] = {
            "data": [self._review(post) for post in shown],
            "included": [self._response(post.id) for post in shown if post.id in self.responses],
            "links": {"self": request.url},
        }
        if start + size < len(listed):
            query = f"cursor={start + size}&limit={size}&sort=-createdDate&include=response"
            page["links"]["next"] = f"{self.next_host}{request.path}?{query}"
        return page

    def _review(self, post: Post) -> dict[str, Any]:
        attributes = {
            "rating": 1,
            "title": "",
            "body": post.text,
            "reviewerNickname": post.author,
            "createdDate": post.at.astimezone(CUPERTINO).isoformat(),
            "territory": "USA",
        } | post.more
        linked = {"type": "customerReviewResponses", "id": f"r-{post.id}"} if post.id in self.responses else None
        relationships = {"response": {"data": linked}}
        return {"type": "customerReviews", "id": post.id, "attributes": attributes, "relationships": relationships}

    def _response(self, external_id: str) -> dict[str, Any]:
        text, at = self.responses[external_id]
        attributes = {"responseBody": text, "lastModifiedDate": at.isoformat(), "state": "PENDING_PUBLISH"}
        return {"type": "customerReviewResponses", "id": f"r-{external_id}", "attributes": attributes}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Connect]:
    service = Connect(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_a_review_of_any_country_has_its_title_its_words_and_its_stars(service: Connect) -> None:
    service.post("Crashes at every start", NOW - timedelta(hours=1), rating=2, title="Useless", territory="EST")
    (item,) = poll(service.source())[0].values()
    assert (item.text, item.rating, item.author.name) == ("Useless\n\nCrashes at every start", 2.0, "ann")
    assert item.url == "https://apps.apple.com/app/id42?see-all=reviews"


@pytest.mark.parametrize(
    "garbled", [{"rating": 6}, {"rating": None}, {"createdDate": "2026-11-20T12:00:00"}, {"body": 7}]
)
def test_a_review_of_another_shape_is_shown_as_unreadable(service: Connect, garbled: dict[str, Any]) -> None:
    service.post("acme", NOW - timedelta(hours=1), **garbled)
    page = service.source().fetch(None, NOW)
    assert (len(page.items), len(page.rejects)) == (0, 1)


def test_the_key_goes_to_no_other_host_whatever_address_the_next_page_has(service: Connect) -> None:
    service.next_host = "http://127.0.0.1:1"  # nobody listens there
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(450)}
    assert poll(service.source())[0].keys() >= posted


def test_the_key_of_one_person_has_no_issuer(service: Connect) -> None:
    service.source(issuer_id=None).check()
    assert (service.claims["sub"], "iss" in service.claims) == ("user", False)
    service.source().check()
    assert service.claims["iss"] == "57246542-96fe"


def test_answers_to_many_reviews_cost_one_call_for_two_hundred(service: Connect) -> None:
    posted = [service.post(f"acme {i}", NOW - timedelta(minutes=i)) for i in range(150)]
    for external_id in posted[::2]:
        service.reply(external_id, "", NOW)
    assert service.source().replies_to(tuple(posted), frozenset()).keys() == set(posted[::2])
    assert len(service.requests) == 1


def test_a_reply_that_apple_does_not_take_is_refused_in_its_words(service: Connect) -> None:
    mention = service.post("acme", NOW)
    with pytest.raises(Refused, match="The response is too long"):
        service.source().reply(Reply(mention, "x" * 5971, "key", NOW), NOW)


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (refusal(401, "NOT_AUTHORIZED", "Provide a properly configured token"), "the clock of this machine"),
        (refusal(403, "FORBIDDEN_ERROR", "The API key in use does not allow this"), "Customer Support"),
    ],
)
def test_a_refused_key_says_what_to_look_at(service: Connect, response: Response, words: str) -> None:
    service.answer(Answer(response.status_code, response.data))
    source = service.source()
    with pytest.raises(AuthError, match=words):
        source.check()
    with pytest.raises(AuthError, match=words):
        source.reply(Reply("1", "We are on it", "key", NOW), NOW)


def test_reviews_are_gone_where_apple_says_so_and_not_where_an_address_is_wrong(service: Connect) -> None:
    source = service.source()
    service.answer(Answer(404, b"<html>Not Found</html>"))
    with pytest.raises(RetryLater):
        source.look_up(("1",))
    service.answer(Answer(404, refusal(404, "NOT_FOUND", "There is no such resource").data))
    assert [item.removed for item in source.look_up(("1",))] == [True]


def test_an_app_that_is_not_there_is_a_mistake_of_the_configuration(service: Connect) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.reviews\.app_id.*43"):
        service.source(app_id=43).check()


def test_a_private_key_that_is_none_is_not_shown(service: Connect) -> None:
    rsa = "-----BEGIN PRIVATE KEY-----\nhush-hush\n-----END PRIVATE KEY-----"
    with pytest.raises(ConfigurationError, match=r"private_key.*\.p8") as caught:
        service.source(private_key=rsa).check()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"key_id": "K1"},
        {"private_key": "x"},
        {"issuer_id": "57246542-96fe"},
        {"key_id": "K1", "private_key": "x", "country": "us"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AppStore.Options.model_validate({"app_id": 42} | options)
