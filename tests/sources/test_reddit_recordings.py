"""praw's and prawcore's own recordings of Reddit, fetched from PyPI when the test runs: what the real service said over
ten years."""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import FirsthourError
from monitor.sources.base import Item
from monitor.sources.contract import poll
from monitor.sources.reddit import Reddit
from tests.sources.sdist import sdist

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
# no length of the recorded body, which was measured packed, and nothing that holds for one connection alone
_KEPT = ("content-type", "location", "retry-after", "www-authenticate", "x-ratelimit-remaining", "x-ratelimit-reset")

pytestmark = pytest.mark.xdist_group("praw's recordings")


@dataclass(frozen=True)
class Exchange:
    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: str

    def response(self) -> Response:
        return Response(self.body, self.status, self.headers)

    def children(self) -> list[dict[str, Any]]:
        """The posts and comments of a listing; none for any other answer."""
        try:
            found = json.loads(self.body)["data"]["children"]
        except (ValueError, KeyError, TypeError):
            return []
        return [child for child in found if isinstance(child, dict) and child.get("kind") in ("t1", "t3")]


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> dict[str, list[Exchange]]:
    return _cassettes(sdist(request.config.cache, "praw", "praw>=8,<9"))


@pytest.fixture(scope="session")
def core_recordings(request: pytest.FixtureRequest) -> dict[str, list[Exchange]]:
    return _cassettes(sdist(request.config.cache, "prawcore", "prawcore>=4,<5"))


def _cassettes(path: Path) -> dict[str, list[Exchange]]:
    """The exchanges of each cassette, by its name."""
    cassettes = {}
    with tarfile.open(path) as archive:
        for member in archive:
            if "/cassettes/" in member.name and member.name.endswith(".json"):
                recorded = json.load(archive.extractfile(member))  # type: ignore[arg-type]
                cassettes[Path(member.name).stem] = [_exchange(each) for each in recorded["interactions"]]
    return cassettes


def _exchange(recorded: dict[str, Any]) -> Exchange:
    request, response = recorded["request"], recorded["response"]
    headers = {name.lower(): values[0] for name, values in response["headers"].items()}
    return Exchange(
        request["method"],
        urlsplit(request["uri"]).path.strip("/"),
        response["status"]["code"],
        {name: headers[name] for name in _KEPT if name in headers},
        response["body"]["string"],
    )


@dataclass
class Replay:
    """Answers each path with what was recorded for it, in the order of recording; afterwards with an empty list."""

    url: str
    exchanges: list[Exchange] = field(default_factory=list)
    sign_in: Exchange | None = None  # what the request for a token is answered with

    def handle(self, request: Request) -> Response:
        path = request.path.strip("/")
        if path == "api/v1/access_token":
            if self.sign_in is not None:
                return self.sign_in.response()
            token = {"access_token": "<ACCESS_TOKEN>", "token_type": "bearer", "expires_in": 3600, "scope": "*"}
            return Response(json.dumps(token), content_type="application/json")
        for exchange in self.exchanges:
            if exchange.method == "GET" and exchange.path == path:
                self.exchanges.remove(exchange)
                return exchange.response()
        return Response('{"kind": "Listing", "data": {"children": [], "after": null}}')

    def source(self, **options: Any) -> Reddit:
        given = {"client_id": "<CLIENT_ID>", "client_secret": "<CLIENT_SECRET>", "lookback": "9000d"} | options
        return Reddit("reddit", Reddit.Options(base_url=self.url, **given), ())


@pytest.fixture
def replay(httpserver: HTTPServer) -> Replay:
    replay = Replay(httpserver.url_for(""))
    httpserver.expect_request(re.compile(".*")).respond_with_handler(replay.handle)
    return replay


ACCOUNT = {"username": "<USERNAME>", "password": "<PASSWORD>", "inbox": True, "search": False}


@pytest.mark.parametrize(
    ("cassette", "options"),
    [
        ("TestSubreddit.test_search", {"queries": ["praw oauth search"]}),
        ("TestSubredditListings.test_new", {"search": False, "subreddits": ["askreddit"]}),
        ("TestSubredditListings.test_comments", {"search": False, "subreddits": ["askreddit"]}),
        ("TestInbox.test_mentions", ACCOUNT),
    ],
)
def test_what_reddit_listed_is_read_whole(
    recordings: dict[str, list[Exchange]], replay: Replay, cassette: str, options: dict[str, Any]
) -> None:
    replay.exchanges = list(recordings[cassette])
    expected = {child["data"]["name"] for each in replay.exchanges for child in each.children()}
    source = replay.source(**options)
    items, _ = poll(source, None, NOW)
    source.close()
    assert items.keys() == expected
    assert items
    assert all(item.url and item.conversation and (item.text or item.removed) for item in items.values())


def test_no_answer_that_reddit_ever_gave_breaks_the_source(
    recordings: dict[str, list[Exchange]], replay: Replay
) -> None:
    """Whatever the recorded request was, its answer is given here to the reading of a subreddit: lists of everything,
    single objects, refusals, redirects, pages of a wiki."""
    source = replay.source(search=False, subreddits=["test"])
    outcomes: Counter[str] = Counter()
    exchanges = [exchange for cassette in recordings.values() for exchange in cassette]
    for exchange in {(each.status, each.body): each for each in exchanges}.values():
        replay.exchanges = [Exchange("GET", "r/test/new", exchange.status, exchange.headers, exchange.body)]
        try:
            page = source.fetch(None, NOW)
        except FirsthourError as error:
            outcomes[type(error).__name__] += 1
            continue
        assert all(_sound(item) for item in page.items)
        assert len(page.items) == len(exchange.children())
        outcomes["items"] += len(page.items)
        outcomes["rejects"] += len(page.rejects)
    source.close()
    assert len(recordings) >= 643
    assert len(exchanges) >= 2_798
    assert outcomes["items"] > 10_000, outcomes


def test_no_answer_that_prawcore_ever_got_breaks_the_source(
    core_recordings: dict[str, list[Exchange]], replay: Replay
) -> None:
    """Tokens and refusals of tokens are given to signing in, everything else to the reading of a subreddit."""
    outcomes: Counter[str] = Counter()
    for exchange in [exchange for cassette in core_recordings.values() for exchange in cassette]:
        signing_in = exchange.path.startswith("api/v1/")
        replay.sign_in = exchange if signing_in else None
        replay.exchanges = (
            [] if signing_in else [Exchange("GET", "r/test/new", exchange.status, exchange.headers, exchange.body)]
        )
        source = replay.source(search=False, subreddits=["test"])
        try:
            source.fetch(None, NOW)
        except FirsthourError as error:
            outcomes[type(error).__name__] += 1
        else:
            outcomes["read"] += 1
        source.close()
    assert len(core_recordings) >= 55
    assert outcomes.keys() == {"read", "AuthError", "RetryLater"}


def _sound(item: Item) -> bool:
    return bool(
        item.external_id[:3] in ("t1_", "t3_")
        and item.posted_at.year >= 2005
        and item.posted_at.utcoffset() is not None
    )
