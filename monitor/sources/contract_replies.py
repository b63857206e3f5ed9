"""The part of the contract suite about replies, for sources whose `capabilities.reply` is true. Needs pytest."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import pytest

from monitor.errors import Refused, RetryLater, Uncertain
from monitor.sources.base import Reply, ReplyingSource
from monitor.sources.length import length
from monitor.sources.stand_in import NOW, TEXTS, Answer, FakeService, ago, needs_network


class ReplyContract:
    """Part of every SourceContract."""

    def test_a_reply_stands_under_its_mention_once_with_its_words(self, service: FakeService) -> None:
        source = replying(service)
        mention, other = service.post(service.addressed, ago(9)), service.post(service.addressed, ago(8))
        for number, text in enumerate(TEXTS):
            sent = source.reply(_to(service, mention, text, f"key{number}"), NOW)
            assert sent.external_id
            assert sent.author
            assert sent.at.utcoffset() is not None
            assert sent.url is None or sent.url.startswith("http")
        expected = TEXTS[-1:] if source.capabilities.one_answer else TEXTS
        assert service.replies(mention) == list(expected)
        assert service.replies(other) == []

    def test_a_reply_is_found_again_by_another_process(self, service: FakeService) -> None:
        source = replying(service)
        mention, other = service.post(service.addressed, ago(9)), service.post(service.addressed, ago(8))
        reply = _to(service, mention, "We are on it & <sorry>\n\nSee https://acme.example/help", "key1")
        assert source.find_reply(reply) is None
        sent = source.reply(reply, NOW)
        found = replying(service).find_reply(reply)
        assert found is not None
        assert (found.external_id, found.url, found.author) == (sent.external_id, sent.url, sent.author)
        assert abs(found.at - sent.at) < timedelta(seconds=2)
        assert source.find_reply(_to(service, mention, "Something else", "key2")) is None
        assert source.find_reply(_to(service, other, reply.text, "key3")) is None

    def test_a_reply_of_ours_is_also_seen_as_one(self, service: FakeService) -> None:
        source = replying(service)
        mention = service.post(service.addressed, ago(9))
        sent = source.reply(_to(service, mention, "We are on it"), NOW)
        if source.capabilities.sees_replies:
            seen = service.source().replies_to((mention,), frozenset({sent.author.lower()}))
            assert seen[mention].external_id == sent.external_id

    def test_a_reply_whose_answer_was_lost_is_uncertain_and_then_found(self, service: FakeService) -> None:
        source = replying(service)
        needs_network(service)
        mention = service.post(service.addressed, ago(9))
        reply = _to(service, mention, "We are on it")
        service.lose_answer()
        with pytest.raises(Uncertain):
            source.reply(reply, NOW)
        assert service.replies(mention) == ["We are on it"]
        assert replying(service).find_reply(reply) is not None

    @pytest.mark.parametrize("status", [500, 502, 503, 429])
    def test_a_reply_in_trouble_is_not_given_up_and_not_repeated(self, service: FakeService, status: int) -> None:
        source = replying(service)
        needs_network(service)
        mention = service.post(service.addressed, ago(9))
        reply = _to(service, mention, "We are on it")
        assert source.find_reply(reply) is None  # signed in, so that the trouble meets the reply itself
        service.answer(Answer(status, b"oops", {"retry-after": "77"}))
        with pytest.raises(RetryLater) as caught:
            source.reply(reply, NOW)
        assert isinstance(caught.value, Uncertain) == (status != 429)
        if status == 429:
            assert caught.value.after == timedelta(seconds=77)
        with pytest.raises(RetryLater):
            source.find_reply(reply)
        service.answer(None)
        assert service.replies(mention) == []
        assert source.find_reply(reply) is None
        source.reply(reply, NOW)
        assert service.replies(mention) == ["We are on it"]

    def test_a_reply_that_will_never_be_taken_is_refused_with_a_reason(self, service: FakeService) -> None:
        source = replying(service)
        mention = service.post(service.addressed, ago(9))
        service.lock(mention)
        with pytest.raises(Refused) as caught:
            source.reply(_to(service, mention, "We are on it"), NOW)
        assert 10 < len(str(caught.value)) < 500
        assert service.replies(mention) == []

    def test_it_says_how_long_a_reply_may_be(self, service: FakeService) -> None:
        can = service.source().capabilities
        assert can.reply_limit is None or can.reply_limit > length("Sorry!", can.counting) > 0


def replying(service: FakeService) -> ReplyingSource:
    """A new source that posts; skips where the source only reads."""
    source = service.source()
    if not source.capabilities.reply:
        pytest.skip("this source cannot reply")
    return cast(ReplyingSource, source)


def _to(service: FakeService, external_id: str, text: str, key: str = "key") -> Reply:
    return Reply(external_id, text, key, NOW, service.addressed)
