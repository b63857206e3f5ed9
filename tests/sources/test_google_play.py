from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request

from monitor.errors import ConfigurationError, Refused
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, SourceContract, poll
from monitor.sources.google_play import GooglePlay
from tests.sources.fakes import Post
from tests.sources.google_fakes import GoogleService, documented, refusal, service_account


class Play(GoogleService):
    """Reviews of the last seven days, the last edited first, a hundred behind each token; one answer to each."""

    page_size = 100
    lag = timedelta(days=1)

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.now = NOW
        self.tokens_known = True
        self.answers: dict[str, tuple[str, datetime]] = {}

    def build(self, **options: Any) -> GooglePlay:
        key = service_account(f"{self.url}/token")
        given = {"package": "com.acme.shop", "service_account": key, "base_url": self.url} | options
        return GooglePlay("play", GooglePlay.Options(**given), ())

    def new_id(self, at: datetime) -> str:
        return f"gp:AOq-{next(self._numbers)}/x"

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"lastModified": {"seconds": None}})

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text=text, at=at)

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.answers[external_id] = (f"We are sorry ({at})", at)

    def replies(self, external_id: str) -> list[str]:
        return [self.answers[external_id][0]] if external_id in self.answers else []

    def respond(self, request: Request) -> Any:
        if (answer := self.signed_in(request)) is not None:
            return answer
        path = request.path.removeprefix("/androidpublisher/v3/applications/")
        package, _, rest = path.partition("/reviews")
        if package != "com.acme.shop":
            return refusal(404, f"Package not found: {package}.", "applicationNotFound", "androidpublisher")
        if not rest:
            return self._page(request)
        external_id = re.sub(":reply$", "", rest).removeprefix("/")
        if external_id not in self.posts or external_id in self.locked:
            return refusal(404, "Review not found.", "reviewNotFound", "androidpublisher")
        if request.method == "POST":
            text = request.get_json()["replyText"]
            if len(text) > 350:
                return refusal(400, "Reply text is too long.", "replyTextTooLong", "androidpublisher")
            self.answers[external_id] = (re.sub("<[^>]*>", "", text), NOW)
            result = {"replyText": self.answers[external_id][0], "lastEdited": _stamp(NOW)}
            return documented("androidpublisher.v3", "reviews", "reply", {"result": result})
        return documented("androidpublisher.v3", "reviews", "get", self._review(self.posts[external_id]))

    def _page(self, request: Request) -> Any:
        token = request.args.get("token")
        if token and not self.tokens_known:
            return refusal(400, "Invalid page token.", "invalid", "androidpublisher")
        start, size = int(token or 0), int(request.args["maxResults"])
        listed = self.newest_first(lambda post: post.at > self.now - timedelta(days=7))
        page: dict[str, Any] = {"reviews": [self._review(post) for post in listed[start : start + size]]}
        if start + size < len(listed):
            page["tokenPagination"] = {"nextPageToken": str(start + size)}
        return documented("androidpublisher.v3", "reviews", "list", page if listed else {})

    def _review(self, post: Post) -> dict[str, Any]:
        said = {"text": f"\t{post.text}", "lastModified": _stamp(post.at), "starRating": 1, "reviewerLanguage": "en_GB"}
        comments: list[dict[str, Any]] = [{"userComment": said | post.more.get("garbled", {})}]
        if post.id in self.answers:
            text, at = self.answers[post.id]
            comments.append({"developerComment": {"text": text, "lastModified": _stamp(at)}})
        return {"reviewId": post.id, "authorName": post.author, "comments": comments}


def _stamp(at: datetime) -> dict[str, Any]:
    return {"seconds": str(int(at.timestamp())), "nanos": at.microsecond * 1000}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Play]:
    service = Play(httpserver)
    yield service
    service.close()


def words(text: str) -> Reply:
    return Reply("gp:AOq-1/x", text, "key", NOW)


class TestContract(SourceContract):
    pass


def test_a_review_has_its_title_its_stars_and_its_language(service: Play) -> None:
    said = {
        "text": "Useless\tCrashes at every start",
        "starRating": 2,
        "reviewerLanguage": "sr_Latn",
        "thumbsUpCount": 7,
    }
    external_id = service.post("", NOW - timedelta(hours=1), garbled=said)
    (item,) = poll(service.source())[0].values()
    assert (item.text, item.rating, item.language) == ("Useless\n\nCrashes at every start", 2.0, "sr")
    assert item.engagement == Engagement(likes=7)
    assert (item.author.handle, item.author.name) == (None, "ann")
    assert item.url == "https://play.google.com/store/apps/details?id=com.acme.shop&reviewId=gp%3AAOq-1%2Fx"
    assert external_id == item.external_id


@pytest.mark.parametrize(
    "garbled",
    [
        {"starRating": 0},
        {"starRating": "5"},
        {"text": None},
        {"lastModified": {"seconds": "1e99"}},
        {"lastModified": 7},
    ],
)
def test_a_review_of_another_shape_is_shown_as_unreadable(service: Play, garbled: dict[str, Any]) -> None:
    service.post("acme", NOW - timedelta(hours=1), garbled=garbled)
    page = service.source().fetch(None, NOW)
    assert (len(page.items), len(page.rejects)) == (0, 1)


def test_a_pause_longer_than_google_remembers_is_shown_with_its_dates(service: Play) -> None:
    _, cursor = poll(service.source())
    service.now = NOW + timedelta(days=7)
    assert service.source().fetch(cursor, service.now).rejects == ()
    service.now = NOW + timedelta(days=9)
    page = service.source().fetch(cursor, service.now)
    assert [reject.reason for reject in page.rejects] == [
        "not read from 2026-11-20 12:00 to 2026-11-29 12:00: what was written before 2026-11-22 12:00 is no longer "
        "listed by Google"
    ]
    assert service.source().fetch(page.cursor, service.now).rejects == ()


def test_only_the_pages_that_can_hold_news_are_asked_for(service: Play) -> None:
    for hour in range(160):
        for part in range(2):
            service.post("acme", NOW - timedelta(hours=hour, minutes=part))
    _, cursor = poll(service.source())
    service.requests.clear()
    poll(service.source(), cursor, NOW + timedelta(minutes=1))
    assert [request.path for request in service.requests].count("/token") == 1
    assert len(service.requests) == 2


def test_a_forgotten_token_begins_the_walk_again_at_the_next_poll(service: Play) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(250)}
    page = service.source().fetch(None, NOW)
    service.tokens_known = False
    page = service.source().fetch(page.cursor, NOW)
    assert not page.items
    service.tokens_known = True
    assert poll(service.source(), page.cursor)[0].keys() == posted


def test_answers_to_many_reviews_cost_one_call_for_a_hundred(service: Play) -> None:
    posted = [service.post(f"acme {i}", NOW - timedelta(minutes=i)) for i in range(150)]
    for external_id in posted[::2]:
        service.reply(external_id, "acmehelp", NOW)
    source = service.source()
    assert source.replies_to(tuple(posted), frozenset()).keys() == set(posted[::2])
    assert len([request for request in service.requests if request.method == "GET"]) == 2


def test_a_reply_longer_than_google_takes_is_refused_in_its_words(service: Play) -> None:
    service.post("acme", NOW)
    with pytest.raises(Refused, match="too long"):
        service.source().reply(words("x" * 351), NOW)


def test_a_token_that_ran_out_early_is_renewed_within_the_call(service: Play) -> None:
    source = service.source()
    poll(source)
    service.token = "token-2"
    mention = service.post("acme", NOW)
    source.reply(words("We are on it"), NOW)
    assert service.replies(mention) == ["We are on it"]


def test_the_key_may_be_given_as_a_file(service: Play, tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.write_text(service_account(f"{service.url}/token"), encoding="utf-8")
    assert service.source(service_account=str(path)).check().startswith("reached; 0 reviews")


@pytest.mark.parametrize("key", ["/nowhere/key.json", '{"type": "service_account"}', "{", '{"private_key": "hush"}'])
def test_a_key_that_is_none_is_a_mistake_of_the_configuration_and_is_not_shown(service: Play, key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.play\.service_account") as caught:
        service.source(service_account=key).check()
    assert "hush" not in str(caught.value)


def test_an_app_that_is_not_there_is_a_mistake_of_the_configuration(service: Play) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.play\.package.*com\.acme\.shoe"):
        service.source(package="com.acme.shoe").check()


@pytest.mark.parametrize("package", ["shop", "com.acme.shop/reviews", "", "com..shop"])
def test_wrong_options_are_refused(package: str) -> None:
    with pytest.raises(ValidationError):
        GooglePlay.Options.model_validate({"package": package, "service_account": "x"})
