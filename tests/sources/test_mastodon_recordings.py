"""Mastodon.py's own recordings of instances, fetched from PyPI when the test runs."""

from __future__ import annotations

import json
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.errors import FirsthourError, RetryLater
from monitor.sources.base import Item
from monitor.sources.contract import poll
from monitor.sources.contract_streams import hear
from monitor.sources.live_line import LiveLine
from monitor.sources.markup import plain
from monitor.sources.mastodon import Mastodon
from monitor.sources.mastodon_stream import MastodonStream
from tests.sources.sdist import sdist
from tests.sources.wire import Wire

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
_KEPT = ("content-type", "link", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
_DOMAIN = json.dumps({"domain": "recorded.example"})

pytestmark = pytest.mark.xdist_group("Mastodon.py's recordings")


@dataclass(frozen=True)
class Recorded:
    status: int
    headers: dict[str, str]
    body: str

    def response(self) -> Response:
        return Response(self.body, self.status, self.headers)

    def json(self) -> Any:
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass
class Recordings:
    answers: list[Recorded] = field(default_factory=list)
    lines: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # of streams: what was said, by cassette


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> Recordings:
    found, loader = Recordings(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    with tarfile.open(sdist(request.config.cache, "mastodon_py", "mastodon-py>=2.3,<3")) as archive:
        for member in archive:
            if not re.search(r"/cassettes\w*/.*\.yaml$", member.name):
                continue
            cassette = yaml.load(archive.extractfile(member), loader)  # type: ignore[arg-type]
            if "connections" in cassette:
                said = [each for line in cassette["connections"] for each in line["interactions"]]
                found.lines[member.name.rpartition("/")[2]] = [each["receive"] for each in said if "receive" in each]
            for exchange in cassette.get("interactions", ()):
                answer = exchange["response"]
                if isinstance(answer["body"]["string"], str):  # the rest is pictures
                    headers = {name.lower(): values[0] for name, values in answer["headers"].items()}
                    kept = {name: headers[name] for name in _KEPT if name in headers}
                    found.answers.append(Recorded(answer["status"]["code"], kept, answer["body"]["string"]))
    return found


class Instance:
    """Gives `answer` to whoever asks for a hashtag, once; then an empty list."""

    def __init__(self, server: HTTPServer) -> None:
        self.answer: Recorded | None = None
        server.expect_request(re.compile(".*")).respond_with_handler(self.handle)
        options = {
            "base_url": server.url_for("").rstrip("/"),
            "hashtags": ["acme"],
            "lookback": "9999d",
            "recheck": "0s",
        }
        self.source = Mastodon("mastodon", Mastodon.Options(**options), ())

    def handle(self, request: Request) -> Response:
        if request.path.startswith("/api/v2/instance"):
            return Response(_DOMAIN, content_type="application/json")
        answer, self.answer = self.answer, None
        return answer.response() if answer else Response("[]", content_type="application/json")


@pytest.fixture
def instance(httpserver: HTTPServer) -> Iterator[Instance]:
    made = Instance(httpserver)
    yield made
    made.source.close()


def statuses(value: Any) -> Iterator[dict[str, Any]]:
    """Every post anywhere in an answer."""
    if isinstance(value, dict):
        if {"id", "created_at", "content", "account", "visibility"} <= value.keys():
            yield value
        for each in value.values():
            yield from statuses(each)
    elif isinstance(value, list):
        for each in value:
            yield from statuses(each)


def test_no_answer_that_an_instance_ever_gave_breaks_the_source(recordings: Recordings, instance: Instance) -> None:
    """Whatever was asked when it was recorded, its answer is given here to the reading of a hashtag: lists of
    everything, single objects, refusals, pages."""
    outcomes: Counter[str] = Counter()
    for answer in {(each.status, each.body): each for each in recordings.answers}.values():
        instance.answer = answer
        try:
            page = instance.source.fetch(None, NOW)
        except FirsthourError as error:
            outcomes[type(error).__name__] += 1
            continue
        assert all(_sound(item) for item in page.items)
        listed = answer.json()
        if listed and all(each in list(statuses([each])) for each in listed):
            shown = [each for each in listed if each["visibility"] in ("public", "unlisted")]
            assert [item.external_id for item in page.items] == [str(each["id"]) for each in shown]
            outcomes["lists of posts"] += 1
    assert len(recordings.answers) >= 1_400
    assert outcomes["lists of posts"] > 20, outcomes


def test_every_public_post_that_was_recorded_is_read_whole(recordings: Recordings, instance: Instance) -> None:
    found = {(each["id"], each["content"]): each for one in recordings.answers for each in statuses(one.json())}
    posts = {str(each["id"]): each for each in found.values() if each["visibility"] in ("public", "unlisted")}
    instance.answer = Recorded(200, {"content-type": "application/json"}, json.dumps(list(posts.values())))
    items, _ = poll(instance.source, None, NOW)
    assert items.keys() == posts.keys()
    assert len(posts) > 100
    for external_id, post in posts.items():
        item = items[external_id]
        assert item.text.endswith(plain(post["content"]))
        assert item.author.handle == post["account"]["acct"]
        assert abs(item.posted_at - datetime.fromisoformat(post["created_at"])) < timedelta(seconds=1)


def test_what_recorded_streams_said_is_heard(recordings: Recordings) -> None:
    assert len(recordings.lines) >= 8
    heard = 0
    for said in recordings.lines.values():
        wire = Wire(lambda: None)
        try:
            with closing(MastodonStream("m", LiveLine("m", f"{wire.url}/api/v1/streaming", {}, 60), [])) as stream:
                wire.connected()
                for words in said:
                    wire.say(json.dumps(words))
                posts = [json.loads(words["payload"]) for words in said if words.get("event") == "update"]
                expected = {each["id"] for each in posts if each["visibility"] in ("public", "unlisted")}
                if any("error" in words for words in said):
                    with pytest.raises((FirsthourError, RetryLater)):
                        hear(stream, lambda items: False)
                else:
                    assert hear(stream, lambda items, all_=expected: items.keys() >= all_).keys() >= expected
                    heard += len(expected)
        finally:
            wire.close()
    assert heard >= 5


def _sound(item: Item) -> bool:
    return bool(item.external_id and item.posted_at.year >= 2016 and item.posted_at.utcoffset() is not None)
