from __future__ import annotations

import html
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import AuthError, RetryLater
from monitor.sources.base import Engagement
from monitor.sources.contract import NOW, Answer, SourceContract, poll
from monitor.sources.hackernews import HackerNews
from tests.sources.fakes import LoopbackService, Post


class Algolia(LoopbackService):
    """Newest first, `numericFilters`, pages by number that end at the 1,000th hit."""

    page_size = 200
    lag = timedelta(hours=2)
    credentials = False

    def build(self, **options: Any) -> HackerNews:
        return HackerNews("hn", HackerNews.Options(base_url=self.url + "/api/v1", **options), ("acme",))

    def garble(self, at: datetime) -> None:
        self.post("acme garbled", at, garbled=True)

    def respond(self, request: Request) -> Any:
        if asked_for := re.fullmatch(r"/api/v1/items/(\d+)", request.path):
            return self._whole(asked_for[1])
        assert request.path == "/api/v1/search_by_date"
        asked = request.args
        low, high = 0, 2**40
        for filter_ in filter(None, asked.get("numericFilters", "").split(",")):
            name, sign, value = re.fullmatch(r"(\w+)([<>]=)(\d+)", filter_).groups()  # type: ignore[union-attr]
            assert name == "created_at_i"
            low, high = (max(low, int(value)), high) if sign == ">=" else (low, min(high, int(value)))
        author = re.search(r"author_(\w+)", asked["tags"])
        words = [word.strip().lower() for word in re.findall(r'"([^"]+)"', asked["query"])]

        def wanted(post: Post) -> bool:
            return (
                low <= post.at.timestamp() <= high
                and (not author or post.author == author[1])
                and all(word in post.text.lower() for word in words)
            )

        size, page = int(asked["hitsPerPage"]), int(asked.get("page", 0))
        hits = [self._hit(post) for post in self.newest_first(wanted)[:1000]]
        return {"hits": hits[page * size : (page + 1) * size], "page": page, "nbHits": len(hits)}

    def _whole(self, number: str) -> Any:
        if number not in self.posts:
            return Response('{"status": 404, "error": "Not Found"}', 404, content_type="application/json")
        post = self.posts[number]
        below = [self._whole(each.id) for each in self.posts.values() if each.parent == number]
        words = {"title": None, "text": html.escape(post.text), "created_at_i": int(post.at.timestamp())}
        return {"id": int(number), "author": post.author, "type": "comment", "children": below} | words

    def _hit(self, post: Post) -> dict[str, Any]:
        if post.more.get("garbled"):
            return {"objectID": None, "comment_text": post.text}
        return {
            "objectID": post.id,
            "author": post.author,
            "created_at_i": int(post.at.timestamp()),
            "comment_text": html.escape(post.text),
            "parent_id": int(post.parent) if post.parent else 1,
            "story_id": 1,
        } | post.more


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Algolia]:
    service = Algolia(httpserver)
    yield service
    service.close()


class TestContract(SourceContract):
    pass


def test_a_story_is_its_title_and_text_without_markup(service: Algolia) -> None:
    words = "<p>First.<p><i>Second</i> <a href='x'>line</a>"
    service.post("", NOW, points=9, num_comments=3, title="Acme &amp; me", story_text=words)
    (item,) = poll(service.source(queries=[""]))[0].values()
    assert item.text == "Acme & me\n\nFirst.\nSecond line"
    assert item.url == f"https://news.ycombinator.com/item?id={item.external_id}"
    assert item.engagement == Engagement(likes=9, answers=3)


def test_what_a_comment_answers_may_be_a_story_or_gone(service: Algolia) -> None:
    first = service.post("Acme is slow", NOW)
    source = service.source()
    assert isinstance(source, HackerNews)
    (story,) = source.parents((first, "404"))
    assert (story.text, story.author.handle) == ("Acme is slow", "ann")


def test_each_word_of_the_brands_is_a_search_of_its_own_and_a_phrase_stays_together(service: Algolia) -> None:
    source = HackerNews("hn", HackerNews.Options(base_url=service.url + "/api/v1"), ("acme", "big shop"))
    poll(source)
    source.close()
    assert [request.args["query"] for request in service.requests] == ['"acme"', '"big shop"']


def test_more_than_algolias_thousand_hits_are_read(service: Algolia) -> None:
    posted = {service.post(f"acme {i}", NOW - timedelta(seconds=i)) for i in range(1_500)}
    assert poll(service.source())[0].keys() == posted


def test_a_public_service_that_blocks_us_for_a_while_is_asked_again(service: Algolia) -> None:
    service.answer(Answer(403, b"blocked"))
    with pytest.raises(RetryLater, match="blocked"):
        service.source().check()
    service.answer(Answer(401, b"who are you"))
    with pytest.raises(AuthError):
        service.source().check()


def test_a_new_word_does_not_read_the_past_again_and_loses_nothing(service: Algolia) -> None:
    service.post("acme long ago", NOW - timedelta(hours=20))
    _, cursor = poll(service.source(queries=['"acme"']))
    new = service.post("acme and globex", NOW + timedelta(minutes=1))
    source = service.source(queries=['"globex"'])
    assert poll(source, cursor, NOW + timedelta(minutes=2))[0].keys() == {new}


def test_an_account_with_capitals_is_found_by_its_spelling(service: Algolia) -> None:
    """The brands' accounts come here in small letters, and Algolia tells capitals apart."""
    asked = service.post("acme", NOW - timedelta(minutes=9))
    service.reply(asked, "AcmeHelp", NOW - timedelta(minutes=5))
    seen = service.source(accounts=["AcmeHelp"]).replies_to((asked,), frozenset({"acmehelp", "not a name,story"}))
    assert seen[asked].author == "AcmeHelp"
