"""The part of the contract suite about streams, for sources whose `capabilities.stream` is true. Needs pytest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import cast

import pytest

from monitor.errors import AuthError, RetryLater
from monitor.sources.base import Item, Source
from monitor.sources.stand_in import TEXTS, Answer, FakeService, ago, poll
from monitor.sources.streaming import Stream, StreamingSource

WAITS = 60  # of a second each, at most: against hanging, not a measure
MOST_NEWS = 5_000


class StreamContract:
    """Part of every SourceContract."""

    def test_what_is_posted_is_heard_just_as_it_would_be_read(self, service: FakeService) -> None:
        with listening(service) as (source, stream):
            posted = {service.post(f"acme {text}", ago(5)) for text in TEXTS}
            heard = hear(stream, lambda items: items.keys() >= posted)
            read, _ = poll(source)
        assert heard == read

    def test_a_killed_connection_is_an_error_and_a_new_one_goes_on(self, service: FakeService) -> None:
        with listening(service) as (source, stream):
            before = service.post("acme one", ago(3))
            hear(stream, lambda items: before in items)
            service.cut()
            with pytest.raises(RetryLater):
                hear(stream, lambda items: False)
            missed = service.post("acme two", ago(2))
            with closing(source.listen()) as again:
                after = service.post("acme three", ago(1))
                hear(again, lambda items: after in items)
            assert {before, missed, after} <= poll(source)[0].keys()

    def test_a_doubled_event_is_the_same_item(self, service: FakeService) -> None:
        with listening(service) as (_, stream):
            service.double()
            first, second = service.post("acme one", ago(2)), service.post("acme two", ago(1))
            assert hear(stream, lambda items: second in items).keys() == {first, second}

    def test_noise_does_not_end_the_stream(self, service: FakeService) -> None:
        with listening(service) as (_, stream):
            before = service.post("acme before", ago(2))
            service.noise()
            after = service.post("acme after", ago(1))
            assert hear(stream, lambda items: after in items).keys() == {before, after}

    def test_an_older_item_after_a_newer_one_is_heard_too(self, service: FakeService) -> None:
        with listening(service) as (_, stream):
            posted = {service.post(f"acme {minutes}", ago(minutes)) for minutes in (1, 30, 2, 600)}
            assert hear(stream, lambda items: items.keys() >= posted).keys() == posted

    def test_a_connection_without_any_sign_of_life_is_given_up(self, service: FakeService) -> None:
        with listening(service) as (source, stream):
            service.hush()
            service.post("acme", ago(1))
            with pytest.raises(RetryLater):
                hear(stream, lambda items: False)
            assert poll(source)[0]

    def test_quiet_is_no_error_and_a_wait_ends(self, service: FakeService) -> None:
        with listening(service) as (_, stream):
            for _ in range(3):
                assert not stream.hear(0.05).items

    def test_a_slow_listener_loses_nothing_without_being_told(self, service: FakeService) -> None:
        posted = set()
        with listening(service) as (_, stream):
            for number in range(300):
                posted.add(service.post(f"acme {number} " + "x" * 2_000, ago(number / 60)))
            try:
                assert hear(stream, lambda items: items.keys() >= posted).keys() == posted
            except RetryLater:  # the service hung up on us: then the polls come again as without a stream
                assert poll(service.source())[0].keys() == posted

    def test_what_is_removed_is_heard_as_removed(self, service: FakeService) -> None:
        with listening(service) as (source, stream):
            if not source.capabilities.deletions:
                pytest.skip("this source cannot see deletions")
            external_id = service.post("acme is slow", ago(2))
            hear(stream, lambda items: external_id in items)
            service.remove(external_id)
            hear(stream, lambda items: external_id in items and items[external_id].removed)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(Answer(401, b"no"), AuthError), (Answer(503, b"oops"), RetryLater), (Answer(200, b"<html>"), RetryLater)],
        ids=["401", "503", "a page"],
    )
    def test_a_refused_connection_says_what_to_do_next(
        self, service: FakeService, answer: Answer, error: type[Exception]
    ) -> None:
        source = streaming(service)
        if error is AuthError and not service.credentials:
            pytest.skip("this service knows no credentials")
        service.answer(answer)
        with pytest.raises(error), closing(source.listen()) as stream:
            hear(stream, lambda items: False)

    def test_a_service_that_is_busy_is_asked_again_when_it_says_so(self, service: FakeService) -> None:
        source = streaming(service)
        service.answer(Answer(429, b"slow down", {"retry-after": "77"}))
        with pytest.raises(RetryLater) as caught, closing(source.listen()) as stream:
            hear(stream, lambda items: False)
        assert caught.value.after == timedelta(seconds=77)

    def test_it_hangs_up_twice(self, service: FakeService) -> None:
        stream = streaming(service).listen()
        stream.close()
        stream.close()


def streaming(service: FakeService) -> StreamingSource:
    """A new source that streams; skips where the source is only polled."""
    source: Source = service.source()
    if not source.capabilities.stream:
        pytest.skip("this source has no stream")
    return cast(StreamingSource, source)


@contextmanager
def listening(service: FakeService) -> Iterator[tuple[StreamingSource, Stream]]:
    source = streaming(service)
    with closing(source.listen()) as stream:
        yield source, stream


def hear(stream: Stream, enough: Callable[[dict[str, Item]], bool]) -> dict[str, Item]:
    """What comes until it is enough, by id: the last version."""
    items: dict[str, Item] = {}
    waited = 0
    for _ in range(MOST_NEWS):
        came = stream.hear(1.0).items
        items.update((item.external_id, item) for item in came)
        if enough(items):
            return items
        waited += not came  # many may come one by one, and at once
        if waited == WAITS:
            break
    raise AssertionError(f"after {WAITS} waits only {sorted(items)} had come")
