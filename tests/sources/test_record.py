"""Records of other programs: what is understood, and what is said of the rest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.sources.base import Author
from monitor.sources.record import moment, number, read_item

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "value",
    [
        "2026-11-20T14:00:00+02:00",
        "20261120T120000Z",
        "Fri, 20 Nov 2026 12:00:00 GMT",
        "Fri, 20 Nov 2026 07:00:00 -0500 (EST)",
        1795176000,
        "1795176000",
        1795176000000,
        1795176000000000.0,
        "1795176000000000000",
        datetime(2026, 11, 20, 12, tzinfo=UTC),
    ],
)
def test_one_moment_is_written_in_many_ways(value: Any) -> None:
    assert moment(value, datetime.max.replace(tzinfo=UTC)) == NOW


@pytest.mark.parametrize("value", [None, ""])
def test_without_a_date_it_was_posted_now(value: Any) -> None:
    assert moment(value, NOW) == NOW


@pytest.mark.parametrize("value", ["2026-11-20 13:00", "2026-11-20", "Fri, 20 Nov 2026 13:00:00", datetime(2026, 1, 1)])  # noqa: DTZ001
def test_a_date_without_an_offset_needs_a_zone(value: Any) -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        moment(value, NOW)
    assert moment(value, NOW, ZoneInfo("Asia/Tokyo")).utcoffset() == timedelta(0)


@pytest.mark.parametrize("value", ["yesterday", 5, -1, True, 1e300, float("nan"), [2026], "99999999999999999999999"])
def test_what_is_no_time_is_refused_and_shown(value: Any) -> None:
    with pytest.raises(ValueError, match=r"posted_at is .* no time"):
        moment(value, NOW)


def test_ids_may_change_their_type_overnight() -> None:
    for same in (7, "7", 7.0):
        assert read_item({"id": same, "text": "x", "parent": same}, NOW).external_id == "7"


def test_the_same_contents_without_an_id_are_the_same_item_in_any_order() -> None:
    one = read_item({"text": "x", "url": "u"}, NOW)
    other = read_item({"url": "u", "text": "x"}, NOW + timedelta(days=1))
    assert one.external_id == other.external_id != read_item({"text": "y", "url": "u"}, NOW).external_id


def test_an_author_is_a_handle_or_an_object() -> None:
    flat = {"author": "@ann", "author_name": "Ann", "author_url": "https://x.com/ann", "followers": "12"}
    nested = {"author": {"handle": "ann", "name": "Ann", "url": "https://x.com/ann", "followers": 12}}
    for each in (flat, nested):
        assert read_item({"text": "x"} | each, NOW).author == Author("ann", "Ann", "https://x.com/ann", 12)


def test_what_was_removed_needs_no_words() -> None:
    for word in (True, "true", "Yes", 1):
        item = read_item({"id": 1, "removed": word}, NOW)
        assert (item.removed, item.text) == (True, "")
    with pytest.raises(ValueError, match="removed is 'perhaps'"):
        read_item({"id": 1, "text": "x", "removed": "perhaps"}, NOW)


@pytest.mark.parametrize("value", ["good", "nan", True, float("inf"), [1], "4,5"])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"rating is .* no number"):
        number(value, "rating")


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "text", "posted_at", "author", "rating", "url"), JSON)))
def test_whatever_comes_is_an_item_or_a_reason(record: dict[str, Any]) -> None:
    try:
        item, reason = read_item(record, NOW), None
    except ValueError as error:
        item, reason = None, str(error)
    if item is None:
        assert 0 < len(reason or "") < 300
    else:
        assert item.external_id
        assert item.text.strip()
        assert item.posted_at.utcoffset() == timedelta(0)
        assert item.posted_at <= NOW + timedelta(days=1)
