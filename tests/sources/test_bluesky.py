"""Bluesky, held to the contract, and what is its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from monitor.errors import AuthError, Refused
from monitor.sources.base import Engagement, Reply
from monitor.sources.bluesky import Bluesky
from monitor.sources.bluesky_posts import place, reply_key
from monitor.sources.bluesky_richtext import facets
from monitor.sources.contract import NOW, SourceContract, poll
from monitor.sources.contract_streams import hear
from tests.sources.fake_bluesky import CID, FakeBluesky

AGO = NOW - timedelta(minutes=5)


class TestBluesky(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[FakeBluesky]:
        service = FakeBluesky(httpserver)
        yield service
        service.close()


@pytest.fixture
def bluesky(httpserver: HTTPServer) -> Iterator[FakeBluesky]:
    service = FakeBluesky(httpserver)
    yield service
    service.close()


def test_a_post_is_read_with_all_that_it_says(bluesky: FakeBluesky) -> None:
    root = bluesky.post("what is this?", AGO - timedelta(hours=1))
    parent = bluesky.post("a phone", AGO - timedelta(minutes=9), parent=root)
    pictures = {"images": [{"fullsize": "https://cdn.example/1.jpg"}, {"fullsize": "javascript:x"}]}
    embed = {"media": pictures, "record": {}, "playlist": "https://video.example/list.m3u8"}
    uri = bluesky.post("acme is slow", AGO, parent=parent, embed=embed, record={"langs": ["pt-BR", "en"]})
    item = poll(bluesky.source())[0][uri]
    assert (item.parent, item.conversation, item.language) == (parent, root, "pt")
    assert item.media == ("https://cdn.example/1.jpg", "https://video.example/list.m3u8")
    assert item.engagement == Engagement(likes=4, shares=3, answers=3)
    assert item.url == f"https://bsky.app/profile/ann/post/{place(uri)[1]}"
    assert (item.author.name, item.author.followers) == ("ann", 42)


def test_a_date_that_lies_ahead_of_what_bluesky_saw_is_not_believed(bluesky: FakeBluesky) -> None:
    ahead = bluesky.post("acme", AGO, record={"createdAt": "2031-01-01T00:00:00Z"})
    odd = bluesky.post("acme", AGO, record={"createdAt": "yesterday"})
    items, _ = poll(bluesky.source())
    assert {items[uri].posted_at for uri in (ahead, odd)} == {AGO}


def test_mentions_answers_and_quotes_are_read_from_the_notifications(bluesky: FakeBluesky) -> None:
    told = [bluesky.post("hello there", AGO) for _ in range(4)]
    bluesky.notified = dict(zip(told, ("mention", "reply", "quote", "like"), strict=True))
    assert poll(bluesky.source())[0].keys() == set(told[:3])
    assert not poll(bluesky.source(notifications=False))[0]


@pytest.mark.parametrize("heeds", [True, False])
def test_a_search_that_ignores_since_ends_all_the_same(bluesky: FakeBluesky, heeds: bool) -> None:
    bluesky.heeds_since = heeds
    for number in range(350):
        bluesky.post(f"acme {number}", AGO - timedelta(hours=number))
    source = bluesky.source(lookback="2d", notifications=False, recheck="0s")
    _, cursor = poll(source)
    before = len(bluesky.requests)
    assert poll(source, cursor, NOW + timedelta(minutes=1))
    searches = [r for r in bluesky.requests[before:] if r.path.endswith("searchPosts")]
    assert len(searches) == 1


def test_words_are_asked_for_as_they_are_and_phrases_in_quotes(bluesky: FakeBluesky) -> None:
    options = Bluesky.Options(handle="@AcmeHelp.bsky.social", app_password="x")
    source = Bluesky("b", options, ("acme", "@acme", 'acme "x" phone', "o'neill"))
    assert source._lists == ("acme", "@acme", '"acme x phone"', '"o\'neill"', "notifications")
    source.close()


# the session


def test_a_token_that_ran_out_is_renewed_and_nobody_signs_in_again(bluesky: FakeBluesky) -> None:
    source = bluesky.source()
    poll(source)
    for _ in range(3):
        bluesky.valid.clear()
        poll(source)
    assert (bluesky.sign_ins, bluesky.refreshes) == (1, 3)


def test_a_token_that_cannot_be_renewed_means_one_more_sign_in(bluesky: FakeBluesky) -> None:
    source = bluesky.source()
    poll(source)
    bluesky.valid.clear()
    bluesky.refreshable = False
    poll(source)
    assert (bluesky.sign_ins, bluesky.refreshes) == (2, 1)


def test_a_wrong_password_is_an_auth_error_that_names_the_mend_and_not_the_password(bluesky: FakeBluesky) -> None:
    with pytest.raises(AuthError, match=r"Invalid password .*app password") as caught:
        bluesky.source(app_password="wrong-pass").check()
    assert "wrong-pass" not in str(caught.value)
    assert bluesky.sign_ins == 1


# replies


def test_a_reply_names_its_root_and_points_at_links_and_names(bluesky: FakeBluesky) -> None:
    root = bluesky.post("acme", AGO)
    parent = bluesky.post("and it is slow", AGO, parent=root)
    text = "Schön, @ann.example! See https://acme.example/help (#sorry, @nobody.example)"
    bluesky.source().reply(Reply(parent, text, "key", NOW), NOW)
    record: Any = bluesky.requests[-1].json
    record = record["record"]
    assert record["reply"]["root"] == {"uri": root, "cid": CID}
    assert record["reply"]["parent"] == {"uri": parent, "cid": CID}
    assert datetime.fromisoformat(record["createdAt"]) == NOW
    bytes_ = text.encode()
    found = [
        (bytes_[each["index"]["byteStart"] : each["index"]["byteEnd"]].decode(), each["features"][0])
        for each in record["facets"]
    ]
    assert found == [
        ("@ann.example", {"$type": "app.bsky.richtext.facet#mention", "did": "did:plc:ann.example"}),
        ("https://acme.example/help", {"$type": "app.bsky.richtext.facet#link", "uri": "https://acme.example/help"}),
        ("#sorry", {"$type": "app.bsky.richtext.facet#tag", "tag": "sorry"}),
    ]


def test_the_same_reply_cannot_be_posted_twice(bluesky: FakeBluesky) -> None:
    source, uri = bluesky.source(), bluesky.post("acme", AGO)
    source.reply(Reply(uri, "sorry", "key", NOW), NOW)
    with pytest.raises(Refused, match="already exists"):
        source.reply(Reply(uri, "sorry", "key", NOW + timedelta(hours=1)), NOW)
    assert bluesky.replies(uri) == ["sorry"]


@given(st.text(max_size=30), st.text(max_size=30), st.timedeltas(-timedelta(days=999), timedelta(days=9999)))
def test_a_replys_key_is_one_that_bluesky_takes(to: str, key: str, since: timedelta) -> None:
    found = reply_key(Reply(to, "", key, NOW + since))
    assert len(found) == 13
    assert found[0] in "234567ab"
    assert set(found) <= set("234567abcdefghijklmnopqrstuvwxyz")


@given(
    st.text(st.sampled_from("aß漢😡 @.#:/\n"), max_size=40),
    st.sampled_from(["https://x.example/a?b=1", "@a.example", "#tag"]),
)
def test_a_facet_points_at_whole_characters_and_at_what_it_says(before: str, what: str) -> None:
    text = f"{before} {what} end"
    for facet in facets(text, lambda handle: "did:plc:x"):
        start, end = facet["index"]["byteStart"], facet["index"]["byteEnd"]
        words = text.encode()[start:end].decode()
        feature = facet["features"][0]
        assert words.removeprefix("#") == feature.get("tag", feature.get("uri", words.removeprefix("#")))
        assert words.strip() == words != ""
    whole = [f for f in facets(text, lambda handle: "did:plc:x") if f["index"]["byteStart"] >= len(before.encode())]
    assert len(whole) == 1


# the stream


def test_only_posts_with_the_brands_words_are_asked_for(bluesky: FakeBluesky) -> None:
    with closing(bluesky.source().listen()) as stream:
        for number in range(50):
            bluesky.post(f"nothing {number}", AGO)
        uri = bluesky.post("ACME is slow", AGO)
        assert hear(stream, lambda items: uri in items).keys() == {uri}
    assert [r.args.getlist("uris") for r in bluesky.requests if r.path.endswith("getPosts")] == [[uri]]


def test_a_post_that_bluesky_does_not_show_yet_is_asked_for_again(bluesky: FakeBluesky) -> None:
    source = bluesky.source()
    with closing(source.listen()) as stream:
        bluesky.late["next"] = 0
        bluesky.wire.connected()
        quiet, bluesky.wire.hushed = bluesky.wire.hushed, True
        uri = bluesky.post("acme is slow", AGO)
        bluesky.late[uri] = 2
        bluesky.wire.hushed = quiet
        bluesky._tell(uri, "create", {"record": {"text": "acme is slow"}})
        assert uri in hear(stream, lambda items: uri in items)


def test_a_new_connection_begins_a_little_before_the_old_one_ended(bluesky: FakeBluesky) -> None:
    source = bluesky.source()
    with closing(source.listen()) as stream:
        uri = bluesky.post("acme", AGO)
        hear(stream, lambda items: uri in items)
    ended = source._heard
    assert ended is not None
    with closing(source.listen()):
        first, second = bluesky.wire.paths
    assert first == "/subscribe?wantedCollections=app.bsky.feed.post"
    assert second == f"{first}&cursor={ended[0] - 5_000_000}"


def test_the_deletion_of_a_post_that_nobody_read_is_no_news(bluesky: FakeBluesky) -> None:
    unknown = bluesky.post("nothing", AGO)
    with closing(bluesky.source().listen()) as stream:
        bluesky.remove(unknown)
        uri = bluesky.post("acme", AGO)
        assert hear(stream, lambda items: uri in items).keys() == {uri}


@pytest.mark.parametrize(
    "options",
    [
        {"handle": "acmehelp"},
        {"base_url": "bsky.social"},
        {"jetstream_url": "https://jetstream.example"},
        {"app_password": ""},
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Bluesky.Options(**({"handle": "a.example", "app_password": "x"} | options))
