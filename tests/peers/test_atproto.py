"""What we ask of Bluesky, and what our stand-in answers, held to Bluesky's own lexicons.

The `atproto` package has them. It is fetched from PyPI when the test runs, into a folder of its own, and judges in a
process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.sources.base import Reply
from monitor.sources.contract import NOW, poll
from tests.peers.pypi import installed
from tests.sources.fake_bluesky import FakeBluesky

REQUIREMENT = "atproto>=0.0.65,<0.1"
STRICT = ("com.atproto.repo.createRecord",)  # where each string's form is judged too, and not only our stand-in's names
JUDGE = """
import json, sys
from atproto_client import models
from atproto_client.models.utils import get_or_create

def model(method, part):
    name = "".join(word[0].upper() + word[1:] for word in method.split("."))
    return getattr(getattr(models, name), part)

for line in sys.stdin:
    method, part, value, strict = json.loads(line)
    try:
        get_or_create(value, model(method, part), strict_string_format=strict)
        if method == "com.atproto.repo.createRecord" and part == "Data":
            get_or_create(value["record"], models.AppBskyFeedPost.Record, strict_string_format=True)
            from atproto_client.models.string_formats import validate_tid
            validate_tid(value["rkey"], type("Info", (), {"context": {"strict_string_format": True}}))
    except Exception as error:
        print(json.dumps([method, part, repr(error)]))
"""
LISTS = ("uris", "actors", "reasons")
NUMBERS = ("limit",)


class Overheard(FakeBluesky):
    """Notes what was asked and answered."""

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.heard: list[tuple[str, str, Any, bool]] = []

    def respond(self, request: Request) -> Any:
        method, answer = request.path.removeprefix("/xrpc/"), super().respond(request)
        if isinstance(answer, Response):
            return answer  # a refusal
        strict = method in STRICT
        if request.method == "POST" and request.data:
            self.heard.append((method, "Data", request.json, strict))
        elif request.method == "GET":
            asked: dict[str, Any] = {name: values for name, values in request.args.lists() if name in LISTS}
            asked |= {name: int(request.args[name]) for name in NUMBERS if name in request.args}
            asked = {name: request.args[name] for name in request.args} | asked
            self.heard.append((method, "Params", asked, strict))
        self.heard.append((method, "Response", answer, False))
        return answer


def test_every_call_and_every_answer_is_one_that_bluesky_knows(
    request: pytest.FixtureRequest, httpserver: HTTPServer
) -> None:
    packages = installed(request.config.cache, REQUIREMENT)
    with closing(Overheard(httpserver)) as bluesky:
        source = bluesky.source()
        root = bluesky.post("acme is slow", NOW - timedelta(minutes=9))
        told = bluesky.post("hello", NOW - timedelta(minutes=8), parent=root)
        bluesky.notified = {told: "reply"}
        for number in range(120):
            bluesky.post(f"acme {number}", NOW - timedelta(minutes=10))
        _, cursor = poll(source)
        poll(source, cursor, NOW + timedelta(minutes=1))
        text = "Sorry, @ann.example! See https://acme.example/help #acme"
        reply = Reply(told, text, "key", NOW)
        source.reply(reply, NOW)
        assert source.find_reply(reply) is not None
        source.replies_to((told,), frozenset({"acmehelp.bsky.social"}))
        bluesky.valid.clear()
        source.check()
        poll(source, cursor, NOW + timedelta(minutes=2))
        heard = bluesky.heard
    judged = subprocess.run(
        [sys.executable, "-c", JUDGE],
        input="".join(json.dumps(each) + "\n" for each in heard),
        env={**os.environ, "PYTHONPATH": str(packages)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert judged.returncode == 0, judged.stderr
    assert judged.stdout == ""
    methods = Counter(method for method, _, _, _ in heard)
    assert len(methods) == 10, methods
