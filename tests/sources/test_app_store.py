from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.app_store import AppStore
from monitor.sources.base import Engagement
from monitor.sources.contract import NOW, SourceContract, poll
from tests.sources.fakes import LoopbackService, Post

CUPERTINO = timezone(timedelta(hours=-7))


class Apple(LoopbackService):
    """Ten pages of fifty for each country, newest edit first; one review alone is an object and not a list."""

    page_size = 50
    lag = timedelta(days=1)
    credentials = False

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.empty: set[int] = set()

    def build(self, **options: Any) -> AppStore:
        return AppStore("reviews", AppStore.Options(**{"app_id": 42, "base_url": self.url} | options), ())

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled={"updated": {}})

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self.posts[external_id] = replace(self.posts[external_id], text=text, at=at)

    def respond(self, request: Request) -> Any:
        pattern = r"/(\w\w)/rss/customerreviews/page=(\d+)/id=42/sortby=mostrecent/json"
        country, page = re.fullmatch(pattern, request.path).groups()  # type: ignore[union-attr]
        number = int(page)
        if number > 10:
            return Response("CustomerReviews RSS page depth is limited to 10", 400)
        all_ = self.newest_first(lambda post: post.more.get("country", "us") == country)
        last = min(10, max(1, -(-len(all_) // 50)))
        link = {"attributes": {"rel": "last", "href": f"https://itunes.apple.com/us/rss/page={last}/id=42/json"}}
        feed: dict[str, Any] = {"author": {}, "link": [link]}
        entries = [self._entry(post) for post in all_[(number - 1) * 50 : number * 50]]
        if entries and number not in self.empty:
            feed["entry"] = entries if len(entries) > 1 else entries[0]
        return {"feed": feed}

    def _entry(self, post: Post) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "id": {"label": post.id},
            "author": {
                "uri": {"label": f"https://itunes.apple.com/us/reviews/id{post.author}"},
                "name": {"label": post.author},
            },
            "updated": {"label": post.at.astimezone(CUPERTINO).isoformat()},
            "im:rating": {"label": str(post.more.get("rating", 1))},
            "title": {"label": post.more.get("title", "")},
            "content": {"label": post.text, "attributes": {"type": "text"}},
            "link": {"attributes": {"rel": "related", "href": "https://itunes.apple.com/us/review?id=42"}},
        }
        entry |= post.more.get("garbled", {})
        return {key: value for key, value in entry.items() if value is not None}


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Apple]:
    service = Apple(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_a_review_has_its_title_its_words_and_its_stars(service: Apple) -> None:
    helpful = {"im:voteSum": {"label": "7"}, "im:voteCount": {"label": "9"}}
    service.post("Crashes at every start", NOW - timedelta(hours=1), rating=2, title="Useless", garbled=helpful)
    (item,) = poll(service.source())[0].values()
    assert item.engagement == Engagement(likes=7)
    assert (item.text, item.rating, item.author.name) == ("Useless\n\nCrashes at every start", 2.0, "ann")


def test_every_country_is_read(service: Apple) -> None:
    posted = {service.post("acme", NOW - timedelta(hours=1), country=country) for country in ("us", "et", "jp")}
    assert poll(service.source(country=["US", "et", "jp"]))[0].keys() == posted


def test_the_app_itself_is_no_review_and_an_impossible_rating_is_shown_as_unreadable(service: Apple) -> None:
    service.post("acme", NOW - timedelta(hours=3), garbled={"im:name": {"label": "Acme"}, "im:rating": None})
    service.post("acme", NOW - timedelta(hours=2), rating=11)
    page = service.source().fetch(None, NOW)
    assert not page.items
    assert [reject.reason for reject in page.rejects] == ["ValueError: a rating of 11"]


def test_a_page_that_comes_empty_in_the_middle_is_read_at_the_next_poll(service: Apple) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(minutes=i)) for i in range(120)}
    service.empty = {2}
    first, cursor = poll(service.source())
    service.empty = set()
    assert first.keys() | poll(service.source(), cursor)[0].keys() == posted
    assert len(first) == 50


def test_only_the_pages_that_can_hold_news_are_asked_for(service: Apple) -> None:
    for hour in range(200):
        service.post(f"acme {hour}", NOW - timedelta(hours=hour))
    _, cursor = poll(service.source())
    service.requests.clear()
    poll(service.source(), cursor, NOW + timedelta(minutes=1))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "options",
    [{"app_id": "facebook"}, {"app_id": 1, "country": "usa"}, {"app_id": 1, "country": []}, {"app_id": 1, "x": 2}],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AppStore.Options.model_validate(options)


def test_check_doubts_an_app_without_reviews(service: Apple) -> None:
    assert "is app_id 42 right?" in service.source().check()
