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

from monitor.errors import AuthError, ConfigurationError, Refused
from monitor.sources.base import Reply
from monitor.sources.contract import NOW, Answer, SourceContract, poll
from monitor.sources.google_business import GoogleBusiness
from monitor.sources.recheck import MOST
from tests.sources.fakes import Post
from tests.sources.google_fakes import GoogleService, refusal

CAFE, SHOP = "accounts/1/locations/2", "accounts/1/locations/3"


class Maps(GoogleService):
    """Reviews of places, the last edited first, fifty behind each token; one answer to each, which Google looks at."""

    page_size = 50
    lag = timedelta(days=1)
    recalled = MOST

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.tokens_known = True
        self.answers: dict[str, dict[str, Any]] = {}
        self.verdict: dict[str, str] = {"reviewReplyState": "PENDING"}

    def build(self, **options: Any) -> GoogleBusiness:
        given = {"locations": [CAFE], "client_id": "client", "client_secret": "hush-hush", "refresh_token": "lasting"}
        given |= {"base_url": f"{self.url}/v4", "token_url": f"{self.url}/token"} | options
        return GoogleBusiness("places", GoogleBusiness.Options(**given), ())

    def new_id(self, at: datetime) -> str:
        return f"{CAFE}/reviews/AbF{next(self._numbers):05}"

    def review(self, location: str, text: str | None, at: datetime, **more: Any) -> str:
        external_id = f"{location}/reviews/AbF{next(self._numbers):05}"
        self.posts[external_id] = Post(external_id, "", at, "ann", None, {"comment": text} | more)
        return external_id

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, starRating="STAR_RATING_UNSPECIFIED")

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text=text, at=at)

    def remove(self, external_id: str) -> None:
        del self.posts[external_id]

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.answers[external_id] = {"comment": f"We are sorry ({at})", "updateTime": at.isoformat()}

    def replies(self, external_id: str) -> list[str]:
        return [self.answers[external_id]["comment"]] if external_id in self.answers else []

    def respond(self, request: Request) -> Any:
        if (answer := self.signed_in(request)) is not None:
            return answer
        name = request.path.removeprefix("/v4/")
        if location := re.fullmatch(r"(accounts/\d+/locations/\d+)/reviews", name):
            return self._page(request, location[1])
        external_id = name.removesuffix("/reply")
        if external_id not in self.posts or external_id in self.locked:
            return refusal(404, "Requested entity was not found.", "notFound")
        if request.method == "PUT":
            text = request.get_json()["comment"]
            if len(text.encode()) > 4096:
                return refusal(400, "Request contains an invalid argument.", "badRequest")
            answer = {"comment": text, "updateTime": NOW.isoformat()} | self.verdict
            if "REJECTED" not in self.verdict.values():
                self.answers[external_id] = answer
            return answer
        return self._review(self.posts[external_id])

    def _page(self, request: Request, location: str) -> Any:
        assert request.args["orderBy"] == "updateTime desc"
        if location not in (CAFE, SHOP):
            return refusal(404, "Requested entity was not found.", "notFound")
        token = request.args.get("pageToken")
        if token and not self.tokens_known:
            return refusal(400, "Request contains an invalid argument.", "badRequest")
        start, size = int(token or 0), int(request.args["pageSize"])
        assert size <= 50
        listed = self.newest_first(lambda post: post.id.startswith(f"{location}/"))
        if not listed:
            return {}
        page = {"reviews": [self._review(p) for p in listed[start : start + size]], "totalReviewCount": len(listed)}
        return page | ({"nextPageToken": str(start + size)} if start + size < len(listed) else {})

    def _review(self, post: Post) -> dict[str, Any]:
        review = {
            "name": post.id,
            "reviewer": {"displayName": post.author, "profilePhotoUrl": "https://lh3.example/a"},
            "starRating": "ONE",
            "comment": post.text,
            "createTime": "2026-01-01T00:00:00Z",
            "updateTime": post.at.isoformat().replace("+00:00", "Z"),
        } | post.more
        if post.id in self.answers:
            review["reviewReply"] = self.answers[post.id]
        return {key: value for key, value in review.items() if value is not None}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Maps]:
    service = Maps(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_a_review_has_its_stars_and_a_name_where_the_customer_gives_one(service: Maps) -> None:
    named = service.review(CAFE, "Cold coffee", NOW - timedelta(hours=1), starRating="TWO")
    hidden = {"displayName": "A Google user", "isAnonymous": True}
    unnamed = service.review(CAFE, "Cold tea", NOW - timedelta(hours=2), reviewer=hidden)
    items, _ = poll(service.source())
    assert (items[named].text, items[named].rating, items[named].author.name) == ("Cold coffee", 2.0, "ann")
    assert items[unnamed].author.name is None


@pytest.mark.parametrize(
    "comment",
    [
        "Kohv oli külm\n\n(Translated by Google)\nThe coffee was cold",
        "(Translated by Google) The coffee was cold\n\n(Original)\nKohv oli külm",
        "Kohv oli külm",
    ],
)
def test_what_the_customer_wrote_is_read_and_not_googles_translation(service: Maps, comment: str) -> None:
    service.review(CAFE, comment, NOW - timedelta(hours=1))
    (item,) = poll(service.source())[0].values()
    assert item.text == "Kohv oli külm"


def test_stars_without_words_are_left_out_and_words_that_are_taken_away_are_removed(service: Maps) -> None:
    review = service.review(CAFE, "Cold coffee", NOW - timedelta(hours=1))
    items, cursor = poll(service.source())
    assert not items[review].removed
    service.posts[review] = replace(service.posts[review], at=NOW, more={"comment": None})
    items, _ = poll(service.source(), cursor, NOW + timedelta(minutes=1))
    assert items[review].removed


def test_every_location_is_read_and_answers_are_looked_for_where_they_can_be(service: Maps) -> None:
    cafe = [service.review(CAFE, f"Cold {i}", NOW - timedelta(minutes=i)) for i in range(60)]
    shop = service.review(SHOP, "Closed", NOW - timedelta(hours=1))
    source = service.source(locations=[CAFE, SHOP])
    assert poll(source)[0].keys() == {*cafe, shop}
    service.reply(cafe[3], "", NOW)
    service.requests.clear()
    assert source.replies_to((cafe[3], cafe[40]), frozenset()).keys() == {cafe[3]}
    assert [request.path for request in service.requests] == [f"/v4/{CAFE}/reviews"]
    service.reply(shop, "", NOW)
    assert source.replies_to((cafe[3], shop), frozenset()).keys() == {cafe[3], shop}


def test_an_answer_that_google_rejects_is_refused_with_its_reason_and_stops_no_clock(service: Maps) -> None:
    review = service.review(CAFE, "Cold coffee", NOW - timedelta(hours=1))
    service.verdict = {"reviewReplyState": "REJECTED", "policyViolation": "CONTACT_INFORMATION"}
    source = service.source()
    with pytest.raises(Refused, match="CONTACT_INFORMATION"):
        source.reply(Reply(review, "Call +372 555", "key", NOW), NOW)
    service.answers[review] = {"comment": "Call us", "updateTime": NOW.isoformat(), "reviewReplyState": "REJECTED"}
    assert not source.replies_to((review,), frozenset())


def test_a_reply_is_counted_in_bytes_as_google_does(service: Maps) -> None:
    review = service.review(CAFE, "Cold coffee", NOW)
    source = service.source()
    assert source.capabilities.counting == "bytes"
    with pytest.raises(Refused, match="invalid argument"):
        source.reply(Reply(review, "நன்றி" * 300, "key", NOW), NOW)


def test_a_forgotten_token_begins_the_walk_again_at_the_next_poll(service: Maps) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(120)}
    page = service.source().fetch(None, NOW)
    service.tokens_known = False
    page = service.source().fetch(page.cursor, NOW)
    assert not page.items
    service.tokens_known = True
    assert poll(service.source(), page.cursor)[0].keys() == posted


def test_a_location_that_is_not_there_is_a_mistake_of_the_configuration(service: Maps) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.places\.locations.*accounts/1/locations/9"):
        service.source(locations=[CAFE, "accounts/1/locations/9"]).check()


def test_a_permission_that_was_taken_back_says_how_to_get_another(service: Maps) -> None:
    service.token_refusal = Response('{"error": "invalid_grant", "error_description": "Bad Request"}', 400)
    with pytest.raises(AuthError, match="get a new refresh token"):
        service.source().check()
    service.token_refusal = None
    source = service.source()
    source.check()
    service.answer(Answer(403, refusal(403, "The caller does not have permission").data))
    with pytest.raises(AuthError, match="does not have permission"):
        source.check()


@pytest.mark.parametrize("locations", [[], ["locations/2"], ["accounts/1/locations/2/reviews"], "accounts/1"])
def test_wrong_options_are_refused(locations: Any) -> None:
    given = {"client_id": "x", "client_secret": "x", "refresh_token": "x", "locations": locations}
    with pytest.raises(ValidationError):
        GoogleBusiness.Options.model_validate(given)
