"""Mastodon, held to the contract, and what is its own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from pytest_httpserver import HTTPServer

from monitor.errors import AuthError, Refused, RetryLater
from monitor.sources.base import Engagement, Reply
from monitor.sources.contract import NOW, Answer, SourceContract, ago, poll
from monitor.sources.contract_streams import hear
from monitor.sources.mastodon import Mastodon
from tests.sources.fake_mastodon import LONGEST, FakeMastodon

AGO = NOW - timedelta(minutes=5)


class TestMastodon(SourceContract):
    @pytest.fixture
    def service(self, httpserver: HTTPServer) -> Iterator[FakeMastodon]:
        service = FakeMastodon(httpserver)
        yield service
        service.close()


@pytest.fixture
def instance(httpserver: HTTPServer) -> Iterator[FakeMastodon]:
    service = FakeMastodon(httpserver)
    yield service
    service.close()


def only(instance: FakeMastodon, **options: Any) -> Any:
    (item,) = poll(instance.source(**options))[0].values()
    return item


def test_a_post_is_read_with_all_that_it_says(instance: FakeMastodon) -> None:
    media = [{"type": "image", "url": "https://files.example/1.png"}, {"type": "unknown", "url": None}, "odd"]
    parent = instance.post("what is acme?", AGO - timedelta(days=9))
    external_id = instance.post(
        "acme",
        AGO,
        parent=parent,
        spoiler_text="a rant",
        language="pt-BR",
        media_attachments=media,
        content='<p>#<span>acme</span> is<br>slow &amp; <a href="https://e.example/x"><span class="invisible">https://'
        '</span><span class="ellipsis">e.exam</span><span class="invisible">ple/x</span></a></p><p>bye</p>',
    )
    item = poll(instance.source())[0][external_id]
    assert item.text == "a rant\n\n#acme is\nslow & https://e.example/x\nbye"
    assert (item.language, item.parent, item.conversation) == ("pt", parent, parent)
    assert item.media == ("https://files.example/1.png",)
    assert item.engagement == Engagement(likes=3, shares=2, answers=1)
    assert (item.author.followers, item.author.url) == (12, f"{instance.url}/@ann")


def test_what_only_some_may_read_is_not_read(instance: FakeMastodon) -> None:
    for visibility in ("private", "direct"):
        instance.post("@acmehelp acme is slow", AGO, visibility=visibility)
    shown = instance.post("acme is slow", AGO, visibility="unlisted")
    assert only(instance).external_id == shown


@pytest.mark.parametrize("batches", [True, False])
def test_what_a_reply_answers_is_given_where_anybody_may_read_it(instance: FakeMastodon, batches: bool) -> None:
    instance.has_batches = batches
    shown, hidden = instance.post("acme is slow", ago(3)), instance.post("acme, too", ago(3), visibility="private")
    source = instance.source()
    assert isinstance(source, Mastodon)
    assert [item.external_id for item in source.parents((shown, hidden))] == [shown]


def test_tags_mentions_search_and_the_timeline_are_read_each(instance: FakeMastodon) -> None:
    tag, mention = instance.post("#acme", AGO), instance.post("@acmehelp it is slow", AGO)
    phrase, other = instance.post("the roadrunner trap broke", AGO), instance.post("nothing", AGO)
    options = {"search": True, "queries": ['"roadrunner trap"']}
    assert poll(instance.source(**options))[0].keys() == {tag, mention, phrase}
    assert poll(instance.source(timeline="local"))[0].keys() == {tag, mention, phrase, other}
    assert poll(instance.source(mentions=False))[0].keys() == {tag}


def test_without_a_token_only_what_is_public_is_read_and_nothing_is_said(instance: FakeMastodon) -> None:
    tag = instance.post("#acme", AGO)
    instance.post("@acmehelp it is slow", AGO)
    source = instance.source(access_token=None, search=True)
    assert poll(source)[0].keys() == {tag}
    assert (source.capabilities.reply, source.capabilities.stream) == (False, False)
    assert source.check() == "reached fake.example, without an account; 1 lists"


def test_the_brands_words_that_are_one_word_are_the_hashtags() -> None:
    options = Mastodon.Options(base_url="https://m.example", hashtags=None)
    source = Mastodon("m", options, ("Acme", "@acme", "#AcmeFail", "acme phone", "42", "アクメ"))
    assert source._tags == ["acme", "acmefail", "アクメ"]
    source.close()


def test_the_longest_reply_is_what_the_instance_says(instance: FakeMastodon) -> None:
    source = instance.source()
    before = source.capabilities.reply_limit
    poll(source)
    assert before is not None
    assert source.capabilities.reply_limit == before + LONGEST - 500


def test_a_reply_names_who_is_answered_and_is_as_public_as_the_post(instance: FakeMastodon) -> None:
    external_id = instance.post("acme is slow", AGO, visibility="unlisted")
    source = instance.source()
    source.reply(Reply(external_id, "We are on it", "key1", NOW), NOW)
    form = instance.requests[-1].form
    assert (form["status"], form["visibility"]) == ("@ann We are on it", "unlisted")
    source.reply(Reply(external_id, "We are on it", "key1", NOW), NOW)
    assert instance.replies(external_id) == ["We are on it"]


def test_a_reply_to_a_post_that_is_gone_or_too_long_is_refused_in_the_instances_words(instance: FakeMastodon) -> None:
    external_id = instance.post("acme", AGO)
    with pytest.raises(Refused, match="Text character limit exceeded"):
        instance.source().reply(Reply(external_id, "x" * LONGEST, "key", NOW), NOW)
    instance.remove(external_id)
    with pytest.raises(Refused, match="no longer there"):
        instance.source().reply(Reply(external_id, "sorry", "key", NOW), NOW)


def test_an_old_server_is_asked_for_posts_one_by_one(instance: FakeMastodon) -> None:
    instance.has_batches = False
    kept, gone = instance.post("acme 1", AGO), instance.post("acme 2", AGO)
    source = instance.source()
    _, cursor = poll(source)
    instance.remove(gone)
    items, _ = poll(source, cursor, NOW + timedelta(minutes=1))
    assert items[gone].removed
    assert not items[kept].removed


def test_an_account_that_this_instance_does_not_know_hides_no_reply_of_another(instance: FakeMastodon) -> None:
    external_id = instance.post("acme", AGO)
    instance.reply(external_id, "acmehelp", NOW)
    accounts = frozenset({"elsewhere", "acmehelp", "not a handle", "../x"})
    assert instance.source().replies_to((external_id,), accounts).keys() == {external_id}


def test_a_redirect_does_not_get_the_token(instance: FakeMastodon) -> None:
    source = instance.source()
    instance.answer(Answer(302, b"", {"Location": "http://elsewhere.example/"}))
    with pytest.raises(RetryLater, match="is base_url right"):
        poll(source)


@pytest.mark.parametrize("header", ["soon", "-1", "99999999999999999999", ""])
def test_odd_rate_headers_of_other_software_stop_nothing(instance: FakeMastodon, header: str) -> None:
    instance.post("acme", AGO)
    headers = {"X-RateLimit-Remaining": header, "X-RateLimit-Reset": header, "X-RateLimit-Limit": header}
    source = instance.source()
    instance.answer(Answer(429, b"{}", headers))
    with pytest.raises(RetryLater):
        poll(source)
    instance.answer(None)
    assert poll(source)[0]


# the stream


def test_a_stream_asks_for_what_is_polled_and_hears_mentions_edits_and_deletions(instance: FakeMastodon) -> None:
    with closing(instance.source().listen()) as stream:
        external_id = instance.post("acme is slow", AGO)
        mention = instance.status(instance.posts[external_id]) | {"id": "m1", "content": "<p>@acmehelp hello</p>"}
        for kind in ("mention", "favourite"):
            told = {"id": "n1", "type": kind, "created_at": mention["created_at"], "status": mention}
            instance._tell("notification", json.dumps(told))
        instance.edit(external_id, "acme is very slow", NOW)
        heard = hear(stream, lambda items: "very" in items[external_id].text if external_id in items else False)
    assert heard["m1"].text == "@acmehelp hello"
    assert instance.wire.said == [
        {"type": "subscribe", "stream": "hashtag", "tag": "acme"},
        {"type": "subscribe", "stream": "user:notification"},
    ]


def test_a_subscription_without_the_scope_is_an_auth_error(instance: FakeMastodon) -> None:
    with closing(instance.source().listen()) as stream:
        instance.wire.connected()
        instance.wire.say('{"error": "Access token does not have the required scopes", "status": 401}')
        with pytest.raises(AuthError, match="required scopes"):
            hear(stream, lambda items: False)


def test_an_instance_without_a_stream_is_polled(instance: FakeMastodon) -> None:
    instance.streaming = False
    with pytest.raises(RetryLater, match="names no address"):
        instance.source().listen()


@pytest.mark.parametrize(
    "options",
    [
        {"base_url": "mastodon.social"},
        {"base_url": "https://m.example", "hashtags": ["not one"]},
        {"base_url": "https://m.example", "queries": ["acme"]},
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Mastodon.Options(**options)
