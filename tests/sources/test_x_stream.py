"""X's filtered stream, held to the contract, and what is its own: rules, other programs' rules, money."""

from __future__ import annotations

import json
import queue
import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from monitor.budgets import StoredMeter
from monitor.clock import ManualClock
from monitor.database import Database
from monitor.errors import BudgetSpent, ConfigurationError, RetryLater
from monitor.sources.contract import NOW, ago, poll
from monitor.sources.contract_streams import StreamContract, hear
from monitor.sources.x import X
from tests.sources.test_x import XApi
from tests.sources.test_x_bill import spent

RULES, STREAM = "/2/tweets/search/stream/rules", "/2/tweets/search/stream"
DUPLICATE = {"title": "DuplicateRule", "type": "https://api.twitter.com/2/problems/duplicate-rules"}


class LiveX(XApi):
    """X with its stream: rules that belong to the app, one connection, a line of JSON for each post that matches."""

    def __init__(self, server: HTTPServer) -> None:
        super().__init__(server)
        self.options = {"stream": True}
        self.rules: dict[str, dict[str, str]] = {}
        self.hushed, self.times = False, 1
        self._open: dict[queue.Queue[bytes], socket.socket] = {}

    def build(self, **options: Any) -> X:
        source = super().build(**options)
        source.silence = 2.0
        return source

    def respond(self, request: Request) -> Any:
        if request.path not in (RULES, STREAM):
            return super().respond(request)
        assert request.headers["Authorization"] == "Bearer secret-bearer-token"
        if request.path == RULES:
            return self._changed(request.get_json()) if request.method == "POST" else self._list()
        if self._open:
            issue = {"title": "ConnectionException", "connection_issue": "TooManyConnections"}
            return Response(json.dumps(issue), 429)
        if not self.rules:
            return Response('{"title": "ConnectionException", "connection_issue": "RuleConfigurationIssue"}', 409)
        assert "author_id" in request.args["expansions"]
        line: queue.Queue[bytes] = queue.Queue()
        self._open[line] = request.environ["werkzeug.socket"]
        return Response(self._flow(line), content_type="application/json")

    def _list(self) -> dict[str, Any]:
        rules = [rule | {"id": number} for number, rule in self.rules.items()]
        return ({"data": rules} if rules else {}) | {"meta": {"result_count": len(rules)}}

    def _changed(self, wanted: dict[str, Any]) -> Any:
        for number in wanted.get("delete", {}).get("ids", ()):
            del self.rules[number]
        made, errors = [], []
        for rule in wanted.get("add", ()):
            assert len(rule["value"]) <= 1_024
            twin = next((number for number, each in self.rules.items() if each["value"] == rule["value"]), None)
            if twin:
                errors.append(DUPLICATE | {"value": rule["value"], "id": twin})
            elif "bogus:" in rule["value"]:
                errors.append({"title": "Invalid Rule", "value": rule["value"], "details": ["no operator bogus"]})
            else:
                self.rules[str(next(self._numbers))] = rule
                made.append(rule | {"id": list(self.rules)[-1]})
        answer = {"meta": {"summary": {"created": len(made)}}} | ({"data": made} if made else {})
        return answer | ({"errors": errors} if errors else {})

    def _flow(self, line: queue.Queue[bytes]) -> Iterator[bytes]:
        yield b"\r\n"
        while line in self._open:
            try:
                yield line.get(timeout=0.2)
            except queue.Empty:
                if not self.hushed:
                    yield b"\r\n"

    def say(self, event: object) -> None:
        words = event if isinstance(event, bytes) else json.dumps(event).encode() + b"\r\n"
        for line in () if self.hushed else tuple(self._open):
            for _ in range(self.times):
                line.put(words)

    def post(self, text: str, at: Any, author: str = "ann", parent: str | None = None, **more: Any) -> str:
        external_id = super().post(text, at, author, parent, **more)
        self._tell(external_id)
        return external_id

    def edit(self, external_id: str, text: str, at: Any) -> None:
        super().edit(external_id, text, at)
        self._tell(list(self.posts)[-1])

    def _tell(self, external_id: str) -> None:
        post = self.posts[external_id]
        matching = [
            {"id": number, "tag": rule.get("tag", "")}
            for number, rule in self.rules.items()
            for word in re.sub(r"-is:retweet|[()]", "", rule["value"]).split(" OR ")
            if word.strip().strip('"') in post.text
        ]
        user = {"id": post.author, "username": post.author, "name": post.author.title()}
        included = {"users": [user | {"public_metrics": {"followers_count": 12}}]}
        if matching:
            self.say({"data": self._tweet(post), "includes": included, "matching_rules": matching})

    def cut(self) -> None:
        for line, connection in list(self._open.items()):
            del self._open[line]
            with suppress(OSError):  # who has hung up already
                connection.shutdown(socket.SHUT_RDWR)

    def hush(self) -> None:
        self.hushed = True

    def double(self) -> None:
        self.times = 2

    def noise(self) -> None:
        (ours,) = self.rules
        for words in (b"}{\r\n", b"[]\r\n", b"7\r\n", b"\r\n\r\n", b"\xff\xfe\r\n"):
            self.say(words)
        self.say({"data": {"id": "1"}, "matching_rules": [{"id": ours}]})
        self.say({"data": 7, "matching_rules": [{"id": ours}]})
        self.say({"data": {"id": "77", "text": "of another program"}, "matching_rules": [{"id": "666"}]})


@pytest.fixture
def service() -> Iterator[LiveX]:
    server = HTTPServer(threaded=True)
    server.start()
    service = LiveX(server)
    yield service
    service.cut()
    service.close()
    server.stop()


class TestStream(StreamContract):
    pass


def test_only_our_own_rules_are_brought_up_to_date_and_those_of_others_stay(service: LiveX) -> None:
    stranger = {"value": "cats", "tag": "firsthour:twitter-too"}
    service.rules = {"901": stranger, "902": {"value": "(old) -is:retweet", "tag": "firsthour:twitter"}}
    service.source(account="acmehelp").listen().close()
    ours = {"value": "(acme OR @acmehelp) -is:retweet", "tag": "firsthour:twitter"}
    assert list(service.rules.values()) == [stranger, ours]
    service.cut()
    service.requests.clear()
    service.source(account="acmehelp").listen().close()
    assert [request.method for request in service.requests] == ["GET", "GET"]


def test_a_rule_that_another_program_has_made_brings_its_posts_to_us_too(service: LiveX) -> None:
    service.rules = {"901": {"value": "(acme) -is:retweet", "tag": "theirs"}, "902": {"value": "cats"}}
    with closing(service.source().listen()) as stream:
        service.post("cats", ago(2))
        ours = service.post("acme", ago(1))
        assert hear(stream, lambda items: ours in items).keys() == {ours}
    assert [rule.get("tag") for rule in service.rules.values()] == ["theirs", None]


def test_a_rule_that_x_does_not_take_is_a_mistake_of_the_configuration(service: LiveX) -> None:
    with pytest.raises(ConfigurationError, match=r"sources\.twitter\.queries.*no operator bogus"):
        service.source(queries=["bogus:1"]).listen()


def test_many_words_become_rules_within_the_length_that_x_allows(service: LiveX) -> None:
    options = X.Options(bearer_token="secret-bearer-token", base_url=service.url, stream=True)
    source = X("twitter", options, tuple(f"brand number {i}" for i in range(120)))
    source.listen().close()
    source.close()
    assert len(service.rules) == 3
    with pytest.raises(ConfigurationError, match="too long for a rule"):
        service.build(queries=["x" * 1_025])
    with pytest.raises(ConfigurationError, match="1,001 rules are needed"):
        service.build(queries=[f"word{number}" for number in range(1_001)])


def test_an_edited_post_is_the_same_item(service: LiveX) -> None:
    with closing(service.source().listen()) as stream:
        external_id = service.post("acme is slow", ago(2))
        service.edit(external_id, "acme is rude", ago(1))
        heard = hear(stream, lambda items: external_id in items and "rude" in items[external_id].text)
    assert heard.keys() == {external_id}


def test_why_x_ends_a_stream_is_told_after_what_came_before(service: LiveX) -> None:
    with closing(service.source().listen()) as stream:
        external_id = service.post("acme", ago(1))
        service.say({"errors": [{"title": "operational-disconnect", "detail": "disconnected upstream"}]})
        hear(stream, lambda items: external_id in items)
        with pytest.raises(RetryLater, match="disconnected upstream"):
            hear(stream, lambda items: False)


def test_a_second_connection_is_told_that_there_is_one_and_waits(service: LiveX) -> None:
    with closing(service.source().listen()), pytest.raises(RetryLater, match="TooManyConnections") as caught:
        service.source().listen()
    assert caught.value.after is not None


def test_a_streamed_post_is_paid_once_and_no_more_come_when_the_money_is_spent(db: Database, service: LiveX) -> None:
    source = service.source(daily_spend=0.165)  # for one post and its author above what has to be left, ten of them
    source.meter = StoredMeter(db, ManualClock(NOW), source.name, source.budgets)
    with closing(source.listen()) as stream:
        external_id = service.post("acme", ago(1))
        hear(stream, lambda items: external_id in items)
        poll(source)
        assert spent(db, source) == [0.015, 1]
        last = service.post("acme again", ago(0), author="bob")
        hear(stream, lambda items: last in items)
        with pytest.raises(BudgetSpent):
            hear(stream, lambda items: False)
    assert spent(db, source) == [0.03, 2]
    with pytest.raises(BudgetSpent):
        source.listen()
