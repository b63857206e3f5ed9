"""The source against mastodon-mock, an instance of Mastodon that somebody else wrote, with its faults turned on.

It is fetched from PyPI when the tests run, into a folder of its own, since it brings a web server along that nothing
here needs. It speaks no multiplexed websocket, so the stream is not tried here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from monitor.errors import AuthError, Refused, RetryLater, Uncertain
from monitor.sources.base import Reply
from monitor.sources.contract import poll
from monitor.sources.mastodon import Mastodon
from tests.peers.pypi import installed

REQUIREMENT = "mastodon-mock>=0.6,<0.7"
PATIENCE = 60  # seconds; a bound against hanging, not a measure
SERVER = """
import threading
from mastodon_mock.testing import MockServer
with MockServer(startup_timeout=60) as server:
    print(server.base_url, flush=True)
    threading.Event().wait()
"""

pytestmark = pytest.mark.xdist_group("mastodon-mock")


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    """Where the instance is."""
    environment = {**os.environ, "PYTHONPATH": str(installed(request.config.cache, REQUIREMENT))}
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            assert address.startswith("http"), "mastodon-mock did not start"
            yield address
        finally:
            process.kill()


class Instance:
    """What customers and the instance's operator do there."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx2.Client(base_url=url, timeout=PATIENCE)
        self._sources: list[Mastodon] = []
        self._http.post("/api/v1/_mock/reset").raise_for_status()
        self._http.delete("/api/v1/_mock/faults").raise_for_status()

    def source(self, **options: Any) -> Mastodon:
        given = {"base_url": self.url, "access_token": "alice_token", "hashtags": ["acme"]} | options
        self._sources.append(Mastodon("mastodon", Mastodon.Options(**given), ("acme",)))
        return self._sources[-1]

    def post(self, text: str, **more: Any) -> str:
        return str(self._ask("POST", "/api/v1/statuses", {"status": text, **more})["id"])

    def edit(self, external_id: str, text: str) -> None:
        self._ask("PUT", f"/api/v1/statuses/{external_id}", {"status": text})

    def remove(self, external_id: str) -> None:
        self._ask("DELETE", f"/api/v1/statuses/{external_id}")

    def fault(self, effect: dict[str, Any], path: str = "/api/*", count: int | None = None) -> None:
        rule = {"match": {"path": path}, "effect": effect} | ({"count": count} if count else {})
        self._http.post("/api/v1/_mock/faults", json=rule).raise_for_status()

    def well(self) -> None:
        self._http.delete("/api/v1/_mock/faults").raise_for_status()

    def _ask(self, method: str, path: str, given: dict[str, Any] | None = None) -> Any:
        answer = self._http.request(method, path, json=given, headers={"Authorization": "Bearer bob_token"})
        answer.raise_for_status()
        return json.loads(answer.content)

    def close(self) -> None:
        for source in self._sources:
            source.close()
        self._http.close()


@pytest.fixture
def instance(server: str) -> Iterator[Instance]:
    with closing(Instance(server)) as made:
        yield made


def now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def test_tags_mentions_edits_and_deletions_are_read(instance: Instance) -> None:
    tag, mention = instance.post("#acme is slow"), instance.post("@alice where is my parcel?")
    instance.post("nothing at all")
    source = instance.source(search=False)
    items, cursor = poll(source, None, now())
    assert items.keys() == {tag, mention}
    assert items[tag].text == "#acme is slow"
    assert items[mention].author.handle == "bob"
    instance.edit(tag, "#acme is slow and rude")
    instance.remove(mention)
    items, _ = poll(source, cursor, now())
    assert items[tag].text == "#acme is slow and rude"
    assert items[mention].removed
    assert source.check() == "signed in as @alice on mock.local; 2 lists"


def test_three_pages_are_read_to_the_end(instance: Instance) -> None:
    posted = {instance.post(f"#acme {number}") for number in range(95)}
    assert poll(instance.source(search=False, mentions=False), None, now())[0].keys() == posted


@pytest.mark.parametrize(
    "effect",
    [{"type": "status", "status": 503}, {"type": "malformed"}, {"type": "malformed", "truncate": False}],
    ids=["503", "cut", "no JSON"],
)
def test_trouble_loses_nothing(instance: Instance, effect: dict[str, Any]) -> None:
    source = instance.source()
    instance.post("#acme one")
    _, cursor = poll(source, None, now())
    missed = instance.post("#acme two")
    instance.fault(effect)
    with pytest.raises(RetryLater):
        poll(source, cursor, now())
    instance.well()
    assert missed in poll(source, cursor, now())[0]


def test_a_rate_limit_is_obeyed(instance: Instance) -> None:
    source = instance.source()
    instance.fault({"type": "ratelimit"})
    with pytest.raises(RetryLater) as caught:
        poll(source, None, now())
    assert caught.value.after == timedelta(seconds=300)


def test_a_token_that_is_none_is_an_auth_error(instance: Instance) -> None:
    with pytest.raises(AuthError):
        instance.source(access_token="made-up").check()


def test_a_reply_stands_under_the_post_and_is_found_again_and_seen(instance: Instance) -> None:
    mention = instance.post("#acme is slow")
    reply = Reply(mention, "We are on it, see https://acme.example/help", "key1", now() - timedelta(minutes=1))
    source = instance.source()
    assert source.find_reply(reply) is None
    sent = source.reply(reply, now())
    found = instance.source().find_reply(reply)
    assert found is not None
    assert found.external_id == sent.external_id
    assert source.replies_to((mention,), frozenset({"alice", "nobody"}))[mention].external_id == sent.external_id


def test_a_reply_in_trouble_is_uncertain_and_one_to_nothing_is_refused(instance: Instance) -> None:
    mention = instance.post("#acme is slow")
    source = instance.source()
    instance.fault({"type": "status", "status": 502}, path="/api/v1/statuses", count=1)
    with pytest.raises(Uncertain):
        source.reply(Reply(mention, "We are on it", "key1", now()), now())
    with pytest.raises(Refused):
        source.reply(Reply("99999999", "We are on it", "key2", now()), now())


def test_an_instance_that_does_not_answer_is_out_of_reach(instance: Instance) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(RetryLater):
        instance.source(base_url=f"http://127.0.0.1:{port}").check()
