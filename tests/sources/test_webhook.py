"""Webhooks: what is signed is read, what is not is refused, and replies go out by a signed call."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer
from sqlalchemy import select
from standardwebhooks import Webhook as StandardWebhook
from werkzeug import Request, Response

from monitor.app import App
from monitor.clock import ManualClock
from monitor.errors import AuthError, GiveUp, Refused
from monitor.models import MentionRow
from monitor.settings import Settings
from monitor.sources.base import Author, Cursor, Engagement, Item, Page, Reply, SeenReply, Source
from monitor.sources.contract import NOW, FakeService, SourceContract
from monitor.sources.contract_replies import ReplyContract
from monitor.sources.hooks import Call, CallRefused
from monitor.sources.webhook import Webhook
from monitor.web import DeskServer
from tests.sources.fakes import LoopbackService, Post

SECRET = "whsec_" + base64.b64encode(b"a secret of the shop's own").decode()


def webhook(**options: Any) -> Webhook:
    return Webhook("shop", Webhook.Options(**{"secret": SECRET} | options))


def signed(body: bytes, now: datetime = NOW, id: str = "msg_1", secret: str = SECRET) -> Call:
    """As the library of Standard Webhooks signs it."""
    signature = StandardWebhook(secret).sign(id, now, body.decode())
    given = {"webhook-id": id, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    return Call("POST", given, {}, body)


def heard(body: Any, **options: Any) -> list[Item]:
    found = webhook(**options).hear(signed(json.dumps(body).encode()), NOW)
    assert found.rejects == ()
    return list(found.items)


# reading: the contract's stand-in calls, and a source that hears is shown to the suite as one that reads


class Shop(FakeService):
    """Keeps what it has to tell; each is told with one call, in the moment in which the suite polls."""

    credentials = False
    network = False

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def source(self) -> Source:
        return Heard(self.bodies)

    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        external_id = f"r{len(self.bodies)}"
        self._tell({"id": external_id, "text": text, "posted_at": at.isoformat(), "author": author})
        return external_id

    def garble(self, at: datetime) -> None:
        self._tell({"id": "r", "posted_at": "yesterday", "text": "acme"})

    def edit(self, external_id: str, text: str, at: datetime) -> None:
        self._tell({"id": external_id, "text": text, "posted_at": NOW.isoformat()})

    def remove(self, external_id: str) -> None:
        self._tell({"id": external_id, "removed": True})

    def _tell(self, record: dict[str, Any]) -> None:
        self.bodies.append(json.dumps(record, ensure_ascii=False).encode())


class Heard(Webhook):
    def __init__(self, bodies: list[bytes]) -> None:
        super().__init__("shop", Webhook.Options(secret=SECRET))
        self.bodies = bodies

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        at = int((cursor or {}).get("told", 0))
        calls = [self.hear(signed(body, now, f"msg_{n}"), now) for n, body in enumerate(self.bodies[at : at + 20], at)]
        items = tuple(item for call in calls for item in call.items)
        rejects = tuple(reject for call in calls for reject in call.rejects)
        return Page(items, {"told": at + len(calls)}, at + len(calls) < len(self.bodies), rejects)


class TestWhatIsHeard(SourceContract):
    @pytest.fixture
    def service(self) -> FakeService:
        return Shop()


# signatures


def test_a_call_signed_by_the_library_of_standard_webhooks_is_taken() -> None:
    assert [item.text for item in heard({"id": 1, "text": "the box was empty"})] == ["the box was empty"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: Call(c.method, c.headers, c.query, c.body + b" "), "webhook-signature is not the signature"),
        (lambda c: Call(c.method, c.headers | {"webhook-id": "msg_2"}, c.query, c.body), "is not the signature"),
        (lambda c: Call(c.method, c.headers | {"webhook-timestamp": "1"}, c.query, c.body), "is not the signature"),
        (lambda c: Call(c.method, c.headers | {"webhook-signature": "v1,ü"}, c.query, c.body), "is not the signature"),
        (lambda c: Call(c.method, {}, c.query, c.body), "header webhook-id is missing"),
        (lambda c: signed(c.body, secret="whsec_AAAAAAAAAAAAAAAAAAAAAAAA"), "is the secret the same"),
        (lambda c: signed(c.body, NOW - timedelta(minutes=5, seconds=1)), "which is not now"),
        (lambda c: signed(c.body, NOW + timedelta(minutes=5, seconds=1)), "which is not now"),
    ],
    ids=["body", "id", "time", "garbage", "no headers", "another secret", "too old", "too new"],
)
def test_what_is_not_signed_as_agreed_is_refused_and_says_why(change: Callable[[Call], Call], said: str) -> None:
    with pytest.raises(CallRefused, match=said) as caught:
        webhook().hear(change(signed(b'{"text": "acme"}')), NOW)
    assert caught.value.status == 401


def test_while_a_secret_is_changed_either_of_two_signatures_will_do() -> None:
    call = signed(b'{"text": "acme"}')
    two = "v1,AAAA " + call.headers["webhook-signature"]
    assert webhook().hear(Call("POST", {**call.headers, "webhook-signature": two}, {}, call.body), NOW).items


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        (
            {"signature_header": "X-Hub-Signature-256", "signature_prefix": "sha256=", "encoding": "hex"}
            | {"timestamp_header": "", "id_header": "", "signed": "{body}"},
            lambda key, body: {"x-hub-signature-256": "sha256=" + hmac.new(key, body, hashlib.sha256).hexdigest()},
        ),
        (
            {"signature_header": "X-Shopify-Hmac-Sha256", "signature_prefix": ""}
            | {"timestamp_header": "", "id_header": "", "signed": "{body}"},
            lambda key, body: {
                "x-shopify-hmac-sha256": base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()
            },
        ),
        (
            {"signature_header": "X-Slack-Signature", "signature_prefix": "v0=", "encoding": "hex"}
            | {"timestamp_header": "X-Slack-Request-Timestamp", "id_header": "", "signed": "v0:{timestamp}:{body}"},
            lambda key, body: {
                "x-slack-request-timestamp": str(int(NOW.timestamp())),
                "x-slack-signature": "v0="
                + hmac.new(key, f"v0:{int(NOW.timestamp())}:".encode() + body, hashlib.sha256).hexdigest(),
            },
        ),
    ],
    ids=["as GitHub", "as Shopify", "as Slack"],
)
def test_other_ways_of_signing_can_be_set(
    options: dict[str, Any], headers: Callable[[bytes, bytes], Mapping[str, str]]
) -> None:
    source, body = webhook(secret="a plain old secret", **options), b'{"text": "{timestamp} acme"}'
    assert source.hear(Call("POST", headers(b"a plain old secret", body), {}, body), NOW).items
    with pytest.raises(CallRefused):
        source.hear(Call("POST", headers(b"another secret here", body), {}, body), NOW)


def test_a_copy_is_known_for_as_long_as_its_signature_is_good() -> None:
    call = webhook().hear(signed(b'{"text": "acme"}'), NOW + timedelta(minutes=4))
    assert (call.nonce, call.until) == ("msg_1", NOW + timedelta(minutes=10))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"secret": "short"}, "at least 16 characters"),
        ({"secret": "whsec_!"}, "base64"),
        ({"signed": "{id}.{body}"}, "timestamp_header and {timestamp}"),
        ({"id_header": ""}, "id_header and {id}"),
        ({"signed": "{id}.{timestamp}"}, "needs {body}"),
        ({"items": "reviews"}, "no JSONPath"),
        ({"fields": {"text": "$.["}}, "text: .* is no JSONPath"),
        ({"fields": {"words": "$.text"}}, '"words" is no field'),
        ({"callback_url": "shop.example"}, "whole address"),
        ({"timezone": "Tallin"}, "Europe/Tallinn"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_mend(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said.replace("{", r"\{").replace("}", r"\}")):
        Webhook.Options(**{"secret": SECRET} | options)


# what calls hold


def test_fields_are_found_by_their_paths_and_ratings_are_scaled() -> None:
    body = {
        "event": "reviews",
        "data": [
            {
                "review": {"id": 7, "title": "Broken", "body": "It came in two parts.", "stars": 2},
                "by": {"nick": "@ann", "full": "Ann A."},
                "made": 1795176000,
                "pictures": [{"at": "https://shop.example/1.png"}, {"at": "https://shop.example/2.png"}],
                "votes": {"helpful": 3},
                "links": [{"rel": "self", "href": "https://shop.example/r/7"}],
            }
        ],
    }
    fields = {
        "id": "$.review.id",
        "text": "$.review['title', 'body']",
        "rating": "$.review.stars",
        "author": "$.by.nick",
        "author_name": "$.by.full",
        "posted_at": "$.made",
        "media": "$.pictures[*].at",
        "likes": "$.votes.helpful",
        "url": "$.links[?@.rel == 'self'].href",
    }
    (item,) = heard(body, items="$.data", fields=fields, best_rating=10)
    assert item.text == "Broken\n\nIt came in two parts."
    assert (item.external_id, item.rating, item.author) == ("7", 1.0, Author("ann", "Ann A."))
    assert item.media == ("https://shop.example/1.png", "https://shop.example/2.png")
    assert item.engagement == Engagement(likes=3)
    assert (item.posted_at, item.url) == (NOW, "https://shop.example/r/7")


def test_dates_without_an_offset_are_in_the_configured_zone() -> None:
    (item,) = heard({"text": "acme", "posted_at": "2026-11-20 13:00"}, timezone="Europe/Tallinn")
    assert item.posted_at == NOW - timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "not JSON: Expecting value at character 0"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"text": ' + b"9" * 5_000 + b"}", "a number too long"),
        (b'{"other": []}', r"nothing in the body is at \$\.reviews"),
    ],
)
def test_a_body_that_cannot_be_read_is_422_with_the_place(body: bytes, said: str) -> None:
    with pytest.raises(CallRefused, match=said) as caught:
        webhook(items="$.reviews").hear(signed(body), NOW)
    assert caught.value.status == 422


def test_a_list_without_items_is_no_mistake() -> None:
    assert heard([]) == []


def test_each_item_that_cannot_be_read_says_its_place_and_its_field() -> None:
    body = [{"text": "acme"}, {"id": 2}, 3, {"text": "acme", "rating": "good"}]
    found = webhook().hear(signed(json.dumps(body).encode()), NOW)
    assert [reject.reason for reject in found.rejects] == [
        "item 2: text is missing",
        "item 3: it is no object",
        "item 4: rating is 'good', which is no number",
    ]
    assert len(found.items) == 1


def test_get_is_not_the_way_to_call() -> None:
    with pytest.raises(CallRefused, match="POST") as caught:
        webhook().hear(Call("GET"), NOW)
    assert caught.value.status == 405


# through the desk into the database


@pytest.fixture
def app(make_settings: Callable[..., Settings], clock: ManualClock) -> Iterator[App]:
    shop = {"name": "shop", "type": "webhook", "secret": SECRET, "items": "$"}
    app = App(make_settings(sources=[shop]), clock)
    app.open(create=True)
    yield app
    app.close()


def test_what_is_answered_with_200_is_stored_and_a_copy_changes_nothing(app: App) -> None:
    server = DeskServer(app.web(), port=0)
    server.start()
    first, second = (
        signed(json.dumps({"id": 1, "text": text}).encode(), id=text) for text in ("acme is late", "acme came")
    )
    with httpx2.Client(base_url=server.address, trust_env=False, verify=False) as client:

        def told(call: Call) -> Any:
            answer = client.post("/hooks/shop", content=call.body, headers=dict(call.headers))
            assert answer.status_code == 200
            return answer.json()

        assert told(first)["new"] == 1
        assert told(second)["changed"] == 1
        assert told(first)["repeated"] is True
    server.stop()
    with app.db.read() as session:
        assert list(session.scalars(select(MentionRow.text))) == ["acme came"]


# replies


class Replies(LoopbackService):
    """Takes replies as the page tells whoever writes such an address."""

    def build(self, **options: Any) -> Source:
        return webhook(callback_url=f"{self.url}/replies?shop=1", account="acmehelp", **options)

    def respond(self, request: Request) -> Any:
        id, timestamp = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        expected = StandardWebhook(SECRET).sign(id, datetime.fromtimestamp(timestamp, UTC), request.data.decode())
        if request.headers["webhook-signature"] != expected:
            return Response('{"error": "bad signature"}', 401)
        if request.method == "POST":
            said = json.loads(request.data)
            if said["to"] in self.locked:
                return Response('{"error": "this customer asked for no answers"}', 410)
            self.posts[id] = self.posts.get(id) or self._reply(id, said)
        elif id != request.args["key"]:
            return Response("", 400)
        post = self.posts.get(id)
        if post is None:
            return Response("", 404)
        return {"id": f"a{id}", "at": post.at.isoformat(), "url": f"https://shop.example/a/{id}"}

    def _reply(self, id: str, said: dict[str, str]) -> Any:
        return Post(id, said["text"], NOW, said["account"], parent=said["to"])

    def takes_replies(self, request: Request) -> bool:
        return request.method == "POST"


@pytest.fixture
def shop(httpserver: HTTPServer) -> Iterator[Replies]:
    service = Replies(httpserver)
    yield service
    service.close()


class TestRepliesByCallback(ReplyContract):
    @pytest.fixture
    def service(self, shop: Replies) -> FakeService:
        return shop


REPLY = Reply("r1", "We are on it", "key", NOW)


def test_a_refusal_is_told_in_the_words_of_the_other_side(shop: Replies) -> None:
    shop.lock("r1")
    with pytest.raises(Refused, match="shop does not take it: this customer asked for no answers"):
        shop.build().reply(REPLY, NOW)  # type: ignore[attr-defined]


def test_another_secret_on_the_other_side_stops_the_source_with_the_key_to_mend(shop: Replies) -> None:
    source = shop.build(callback_secret="not what they know")
    with pytest.raises(AuthError, match=r"callback_secret.*the same on both sides"):
        source.reply(REPLY, NOW)  # type: ignore[attr-defined]


def test_an_address_that_tells_of_no_earlier_replies_leaves_it_to_a_person(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/replies", method="GET").respond_with_data("", 405)
    with pytest.raises(GiveUp, match="cannot tell whether"):
        webhook(callback_url=httpserver.url_for("/replies")).find_reply(REPLY)


def test_without_an_address_there_are_no_replies() -> None:
    assert not webhook().capabilities.reply
    with pytest.raises(Refused):
        webhook().reply(REPLY, NOW)


def test_an_answer_without_an_id_is_known_by_the_key(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/replies", method="POST").respond_with_data("", 204)
    sent = webhook(callback_url=httpserver.url_for("/replies"), account="acmehelp").reply(REPLY, NOW)
    assert sent == SeenReply("key", NOW, "acmehelp")
