"""The public contract suite: what every source promises, as tests. Needs pytest.

To test a source, write a stand-in for its service and subclass the suite (docs/write-a-source.md goes through one):

    class TestMine(SourceContract):
        @pytest.fixture
        def service(self, httpserver): return MyService(httpserver)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest

from monitor.errors import AuthError, RetryLater
from monitor.sources.base import Cursor, LookingSource, ParentSource
from monitor.sources.contract_completeness import CompletenessContract
from monitor.sources.contract_replies import ReplyContract
from monitor.sources.contract_streams import StreamContract
from monitor.sources.stand_in import MOST_PAGES as MOST_PAGES
from monitor.sources.stand_in import NOW as NOW
from monitor.sources.stand_in import TEXTS as TEXTS
from monitor.sources.stand_in import TROUBLE as TROUBLE
from monitor.sources.stand_in import Answer as Answer
from monitor.sources.stand_in import FakeService as FakeService
from monitor.sources.stand_in import ago, needs_network
from monitor.sources.stand_in import poll as poll

TROUBLES = ["500", "502 page", "503 list", "429", "a page", "half of JSON", "cut off", "nothing"]


class SourceContract(ReplyContract, CompletenessContract, StreamContract):
    """Subclass it, name the subclass `Test...`, and give it the fixture `service`."""

    # reading

    def test_everything_posted_is_read_with_its_words_and_its_time(self, service: FakeService) -> None:
        posted = {service.post(f"acme {text}", ago(i + 1)): (text, ago(i + 1)) for i, text in enumerate(TEXTS)}
        items, _ = poll(service.source())
        assert items.keys() == posted.keys()
        for external_id, (text, at) in posted.items():
            assert text in items[external_id].text
            assert items[external_id].posted_at.utcoffset() is not None
            assert abs(items[external_id].posted_at - at) < timedelta(seconds=1)

    def test_items_say_who_wrote_them_and_carry_an_address_or_nothing(self, service: FakeService) -> None:
        service.post("acme hello", ago(1), author="ann")
        (item,) = poll(service.source())[0].values()
        assert item.author.handle == "ann" or item.author.name == "ann"
        assert item.url is None or item.url.startswith("http")

    def test_nothing_posted_is_no_error(self, service: FakeService) -> None:
        items, cursor = poll(service.source())
        assert not items
        assert not poll(service.source(), cursor, NOW + timedelta(minutes=1))[0]

    def test_many_pages_are_read_to_the_end(self, service: FakeService) -> None:
        posted = {service.post(f"acme {i}", ago(i / 10)) for i in range(service.page_size * 3 + 1)}
        assert poll(service.source())[0].keys() == posted

    def test_many_items_of_one_second_are_all_read(self, service: FakeService) -> None:
        posted = {service.post(f"acme {i}", ago(5)) for i in range(service.page_size * 2 + 1)}
        items, cursor = poll(service.source())
        assert items.keys() == posted
        late = service.post("acme in the same second", ago(5))
        assert late in poll(service.source(), cursor)[0]

    def test_the_next_poll_finds_what_is_new(self, service: FakeService) -> None:
        service.post("acme one", ago(2))
        _, cursor = poll(service.source())
        new = service.post("acme two", NOW + timedelta(minutes=1))
        assert new in poll(service.source(), cursor, NOW + timedelta(minutes=2))[0]

    def test_a_new_process_goes_on_from_the_stored_cursor(self, service: FakeService) -> None:
        cursor: Cursor | None = None
        seen: set[str] = set()
        posted = set()
        for minute in range(5):
            now = NOW + timedelta(minutes=minute)
            posted.add(service.post(f"acme {minute}", now - timedelta(seconds=30)))
            items, cursor = poll(service.source(), cursor, now)
            seen |= items.keys()
        assert seen == posted

    def test_what_is_posted_during_a_poll_is_read_then_or_at_the_next(self, service: FakeService) -> None:
        posted = {service.post(f"acme {i}", ago(i / 10 + 1)) for i in range(service.page_size * 3)}

        def write() -> None:
            if len(posted) < service.page_size * 4:
                posted.add(service.post(f"acme during {len(posted)}", ago(0.5)))

        items, cursor = poll(service.source(), between=write)
        more, _ = poll(service.source(), cursor, NOW + timedelta(minutes=1))
        assert items.keys() | more.keys() == posted

    def test_a_page_that_was_never_stored_is_given_again(self, service: FakeService) -> None:
        posted = {service.post(f"acme {i}", ago(i / 10)) for i in range(service.page_size * 3)}
        seen: set[str] = set()
        cursor: Cursor | None = None
        for _ in range(MOST_PAGES):
            service.source().fetch(cursor, NOW)  # the process dies before the commit
            page = service.source().fetch(cursor, NOW)
            seen |= {item.external_id for item in page.items}
            cursor = json.loads(json.dumps(page.cursor))
            if not page.more:
                break
        assert seen == posted

    def test_an_item_that_turns_up_late_is_still_read(self, service: FakeService) -> None:
        if service.lag is None:
            pytest.skip("this service never delivers late")
        service.post("acme on time", ago(0))
        _, cursor = poll(service.source())
        late = service.post("acme late", NOW - service.lag * 0.9)
        assert late in poll(service.source(), cursor, NOW + timedelta(minutes=1))[0]

    def test_an_item_from_the_future_does_not_hide_those_after_it(self, service: FakeService) -> None:
        service.post("acme from 2099", datetime(2099, 1, 1, tzinfo=UTC))
        _, cursor = poll(service.source())
        later = service.post("acme today", NOW + timedelta(minutes=1))
        assert later in poll(service.source(), cursor, NOW + timedelta(minutes=2))[0]

    def test_a_clock_set_back_loses_nothing(self, service: FakeService) -> None:
        service.post("acme before", ago(1))
        _, cursor = poll(service.source())
        new = service.post("acme after", NOW + timedelta(seconds=30))
        assert new in poll(service.source(), cursor, NOW - timedelta(hours=2))[0]

    # what cannot be read

    def test_an_unreadable_item_does_not_hide_the_others(self, service: FakeService) -> None:
        before = service.post("acme before", ago(3))
        service.garble(ago(2))
        after = service.post("acme after", ago(1))
        assert poll(service.source())[0].keys() >= {before, after}

    def test_a_text_of_a_megabyte_is_read(self, service: FakeService) -> None:
        external_id = service.post("acme " + "a" * 1_000_000, ago(1))
        assert external_id in poll(service.source())[0]

    # edits, deletions, replies

    def test_an_edit_comes_again_under_the_same_id(self, service: FakeService) -> None:
        source = service.source()
        if not source.capabilities.edits:
            pytest.skip("this source cannot see edits")
        external_id = service.post("acme is slow", ago(2))
        _, cursor = poll(source)
        service.edit(external_id, "acme is slow and rude", NOW + timedelta(seconds=30))
        items, _ = poll(source, cursor, NOW + timedelta(minutes=1))
        assert "rude" in items[external_id].text

    def test_a_deletion_comes_as_removed(self, service: FakeService) -> None:
        source = service.source()
        if not source.capabilities.deletions:
            pytest.skip("this source cannot see deletions")
        external_id = service.post("acme is slow", ago(2))
        _, cursor = poll(source)
        service.remove(external_id)
        items, _ = poll(source, cursor, NOW + timedelta(minutes=1))
        assert items[external_id].removed

    def test_a_look_up_says_how_each_item_stands_and_which_are_gone(self, service: FakeService) -> None:
        source = looking(service)
        kept, gone = service.post("acme is slow", ago(2)), service.post("acme is gone", ago(3))
        read, _ = poll(source)
        service.remove(gone)
        found = {item.external_id: item for item in source.look_up((kept, gone))}
        assert found.keys() == {kept, gone}
        assert (found[kept].text, found[kept].posted_at, found[kept].removed) == (read[kept].text, ago(2), False)
        assert found[gone].removed
        assert not found[gone].text
        assert source.look_up(()) == ()

    @pytest.mark.parametrize("answer", TROUBLE, ids=TROUBLES)
    def test_a_service_in_trouble_has_deleted_nothing(self, service: FakeService, answer: Answer) -> None:
        needs_network(service)
        source = looking(service)
        external_id = service.post("acme is slow", ago(2))
        service.answer(answer)
        with pytest.raises(RetryLater):
            source.look_up((external_id,))

    def test_what_a_reply_answers_is_given_by_the_id_that_the_reply_names(self, service: FakeService) -> None:
        source = telling(service)
        first, other = service.post("acme is slow", ago(3)), service.post("acme is late", ago(3))
        reply = service.agree(first, ago(2))
        read, _ = poll(source)
        named = read[reply].parent if reply in read else first
        assert named == first
        found = {item.external_id: item for item in source.parents((first, other)) if not item.removed}
        assert found.keys() == {first, other}
        assert (found[first].text, found[other].text) == (read[first].text, read[other].text)
        assert source.parents(()) == ()

    def test_what_was_deleted_is_not_given_as_what_a_reply_answers(self, service: FakeService) -> None:
        source = telling(service)
        if not source.capabilities.deletions:
            pytest.skip("this source cannot see deletions")
        first = service.post("acme is slow", ago(3))
        service.remove(first)
        assert not any(item.text for item in source.parents((first,)))

    @pytest.mark.parametrize("answer", TROUBLE, ids=TROUBLES)
    def test_trouble_with_what_a_reply_answers_is_told(self, service: FakeService, answer: Answer) -> None:
        needs_network(service)
        source = telling(service)
        first = service.post("acme is slow", ago(2))
        service.answer(answer)
        with pytest.raises(RetryLater):
            source.parents((first,))

    def test_the_brands_reply_is_seen_and_nobody_elses(self, service: FakeService) -> None:
        source = service.source()
        ours, theirs = service.post("acme one", ago(9)), service.post("acme two", ago(8))
        if not source.capabilities.sees_replies:
            assert not source.replies_to((ours, theirs), frozenset({"acmehelp"}))
            return
        if source.capabilities.one_answer:
            self._the_owners_answer_is_seen(service, ours, theirs)
            return
        service.reply(ours, "acmehelp", ago(5))
        service.reply(ours, "acmehelp", ago(3))
        service.reply(theirs, "somebody", ago(4))
        seen = source.replies_to((ours, theirs), frozenset({"acmehelp"}))
        assert seen.keys() == {ours}
        assert abs(seen[ours].at - ago(5)) < timedelta(seconds=1)
        assert seen[ours].author == "acmehelp"
        besides = frozenset({seen[ours].external_id})
        second = source.replies_to((ours, theirs), frozenset({"acmehelp"}), besides)
        assert abs(second[ours].at - ago(3)) < timedelta(seconds=1)
        assert not source.replies_to((ours,), frozenset({"acmehelp"}), besides | {second[ours].external_id})

    def _the_owners_answer_is_seen(self, service: FakeService, answered: str, waiting: str) -> None:
        source = service.source()
        service.reply(answered, "acmehelp", ago(5))
        seen = source.replies_to((answered, waiting), frozenset())
        assert seen.keys() == {answered}
        assert abs(seen[answered].at - ago(5)) < timedelta(seconds=1)
        assert seen[answered].author
        assert not source.replies_to((answered,), frozenset(), frozenset({seen[answered].external_id}))
        service.reply(answered, "acmehelp", ago(3))  # somebody writes it anew, after our notice
        second = service.source().replies_to((answered,), frozenset(), frozenset({seen[answered].external_id}))
        assert abs(second[answered].at - ago(3)) < timedelta(seconds=1)
        if source.capabilities.edits:  # then the answer is one to earlier words
            service.edit(answered, "acme is worse now", NOW)
            assert not service.source().replies_to((answered,), frozenset())

    def test_no_open_cases_or_no_accounts_means_no_replies(self, service: FakeService) -> None:
        source = service.source()
        assert not source.replies_to((), frozenset({"acmehelp"}))
        assert not source.replies_to((service.post("acme", ago(1)),), frozenset())

    # trouble

    @pytest.mark.parametrize("answer", TROUBLE, ids=TROUBLES)
    def test_trouble_is_tried_again_later_and_loses_nothing(self, service: FakeService, answer: Answer) -> None:
        needs_network(service)
        source = service.source()
        service.post("acme one", ago(3))
        _, cursor = poll(source)
        missed = service.post("acme two", NOW + timedelta(seconds=10))
        service.answer(answer)
        with pytest.raises(RetryLater):
            poll(source, cursor, NOW + timedelta(minutes=1))
        service.answer(None)
        assert missed in poll(source, cursor, NOW + timedelta(minutes=2))[0]

    @pytest.mark.parametrize("body", [b"null", b"[]", b"{}", b'"text"', b"42", b'{"data": 7, "hits": 7, "feed": 7}'])
    def test_json_of_another_shape_is_no_crash(self, service: FakeService, body: bytes) -> None:
        needs_network(service)
        source = service.source()
        service.answer(Answer(200, body, {"content-type": "application/json"}))
        try:
            items, _ = poll(source)
        except RetryLater:
            return
        assert not items

    def test_a_429_is_obeyed_to_the_second(self, service: FakeService) -> None:
        needs_network(service)
        source = service.source()
        service.answer(Answer(429, b"slow down", {"retry-after": "77"}))
        with pytest.raises(RetryLater) as caught:
            poll(source)
        assert caught.value.after == timedelta(seconds=77)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_credential_is_an_auth_error(self, service: FakeService, status: int) -> None:
        needs_network(service)
        if not service.credentials:
            pytest.skip("this service knows no credentials")
        source = service.source()
        service.answer(Answer(status, b'{"title": "refused"}', {"content-type": "application/json"}))
        for call in (lambda: poll(source), source.check):
            with pytest.raises(AuthError):
                _twice(call)

    def test_check_says_in_a_few_words_what_was_found(self, service: FakeService) -> None:
        said = service.source().check()
        assert 0 < len(said) <= 200
        assert "\n" not in said

    def test_check_says_when_the_service_is_out_of_reach(self, service: FakeService) -> None:
        needs_network(service)
        source = service.source()
        service.answer(Answer(503))
        with pytest.raises(RetryLater):
            source.check()

    def test_it_closes_and_closes_again(self, service: FakeService) -> None:
        source = service.source()
        poll(source)
        source.close()
        source.close()


def looking(service: FakeService) -> LookingSource:
    source = service.source()
    if not source.capabilities.look_up:
        pytest.skip("this source cannot look up")
    return cast("LookingSource", source)


def telling(service: FakeService) -> ParentSource:
    source = service.source()
    if not source.capabilities.parents:
        pytest.skip("this source does not tell what a reply answers")
    return cast("ParentSource", source)


def _twice(call: Callable[[], object]) -> None:
    """A token may have run out: a source may ask for a new one before it says that the credential is refused."""
    try:
        call()
    except RetryLater:
        call()
