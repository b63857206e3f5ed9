from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import ConfigurationError, RetryLater
from monitor.sources.base import Author, Cursor, Engagement, Item, Page
from monitor.sources.replay import Replay

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write lines (bytes as they are, anything else as JSON) into the file, and its path."""

    def write(*lines: Any, mode: str = "wb", end: bytes = b"\n") -> Path:
        path = tmp_path / "mentions.jsonl"
        with path.open(mode) as file:
            for line in lines:
                file.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + end)
        return path

    return write


def source(path: Path, **options: Any) -> Replay:
    return Replay("file", Replay.Options(path=path, **options))


def read(replay: Replay, cursor: Cursor | None = None, now: datetime = NOON) -> Page:
    page = replay.fetch(cursor, now)
    json.dumps(page.cursor)
    return page


def test_a_line_has_everything_that_a_mention_has(write: Write) -> None:
    author = {"handle": "ann", "name": "Ann", "url": "https://x.com/ann", "followers": 12}
    line = {
        "id": 7,
        "text": "late",
        "posted_at": "2026-11-20T13:00:00+02:00",
        "url": "https://x.com/7",
        "author": author,
        "rating": 2,
        "language": "en",
        "conversation": 5,
        "parent": "6",
        "sentiment": "negative",
        "media": ["https://x.com/7.png"],
        "likes": 12,
        "views": 300,
        "repost_of": 4,
    }
    assert read(source(write(line))).items == (
        Item(
            "7",
            "late",
            datetime(2026, 11, 20, 11, 0, tzinfo=UTC),
            "https://x.com/7",
            Author("ann", "Ann", "https://x.com/ann", 12),
            2.0,
            "en",
            "5",
            "6",
            media=("https://x.com/7.png",),
            engagement=Engagement(likes=12, views=300),
            repost_of="4",
        ),
    )


def test_a_text_is_enough(write: Write) -> None:
    first, second = read(source(write({"text": "one"}, {"text": "two", "author": "@ann", "ago": "5m"}))).items
    assert first.posted_at == NOON
    assert first.external_id != second.external_id
    assert (second.author, second.posted_at) == (Author("ann"), NOON - timedelta(minutes=5))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not JSON"),
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b"[1]", "not an object"),
        (b"null", "not an object"),
        (b'{"id": 1}', "text is missing"),
        (b'{"text": 5}', "text is 5, not words"),
        (b'{"text": "x", "posted_at": "yesterday"}', "which is no time"),
        (b'{"text": "x", "posted_at": "2026-11-20T12:00"}', "without a time zone"),
        (b'{"text": "x", "posted_at": 5}', "which is no time"),
        (b'{"text": "x", "ago": "soon"}', "is not a duration"),
        (b'{"text": "x", "ago": "99999999999999d"}', ""),
        (b'{"text": "x", "posted_at": "0001-01-01T00:00:00+14:00"}', ""),
        (b'{"text": "x", "rating": "good"}', "which is no number"),
        (b'{"text": "x", "author": [5]}', "author is [5], not text"),
        (b'{"text": "x", "author": {"followers": Infinity}}', ""),
        (b'{"text": "x", "rating": ' + b"9" * 5000 + b"}", ""),
        (b"[" * 200_000, "nested too deeply"),
        (b'{"text": "' + b"x" * 8_000_001 + b'"}', "longer than 8,000,000 bytes"),
    ],
)
def test_a_bad_line_is_rejected_and_the_rest_goes_on(write: Write, line: bytes, reason: str) -> None:
    page = read(source(write({"text": "before"}, line, b"", {"text": "after"})))
    assert [item.text for item in page.items] == ["before", "after"]
    (reject,) = page.rejects
    assert reject.reason.startswith("line 2: ")
    assert reason in reject.reason


def test_a_growing_file_is_read_on(write: Write) -> None:
    replay = source(write({"text": "one"}))
    page = read(replay)
    assert read(replay, page.cursor).items == ()
    write({"text": "two"}, mode="ab")
    assert [item.text for item in read(replay, page.cursor).items] == ["two"]


def test_a_line_that_is_still_being_written_is_shown_once_and_read_when_it_is_whole(write: Write) -> None:
    replay = source(write({"text": "one"}))
    write(b'{"text": "tw', mode="ab", end=b"")
    page = read(replay)
    assert (len(page.items), len(page.rejects)) == (1, 1)
    page = read(replay, page.cursor)
    assert (page.items, page.rejects) == ((), ())
    write(b'o"}', mode="ab")
    assert [item.text for item in read(replay, page.cursor).items] == ["two"]


def test_another_file_in_its_place_is_read_from_its_beginning(write: Write) -> None:
    replay = source(write({"text": "one"}, {"text": "two"}))
    page = read(replay)
    write({"text": "other"}, {"text": "lines"}, {"text": "here"})
    assert [item.text for item in read(replay, page.cursor).items] == ["other", "lines", "here"]
    write()
    page = read(replay, page.cursor)
    write({"text": "again"})
    assert [item.text for item in read(replay, page.cursor).items] == ["again"]


def test_mentions_arrive_steadily(write: Write) -> None:
    replay = source(write(*({"text": str(n)} for n in range(100))), per_minute=30)
    cursor: Cursor | None = None
    arrived = []
    for second in range(61):
        page = read(replay, cursor, NOON + second * SECOND)
        assert not page.more
        cursor = page.cursor
        arrived += [(second, item.text, item.posted_at) for item in page.items]
    assert [text for _, text, _ in arrived] == [str(n) for n in range(31)]
    assert all(posted == NOON + second * SECOND for second, _, posted in arrived)


def test_the_time_when_nobody_polled_makes_no_flood(write: Write) -> None:
    replay = source(write(*({"text": str(n)} for n in range(100))), per_minute=30)
    page = read(replay)
    assert len(read(replay, page.cursor, NOON + timedelta(days=1)).items) == 1
    assert len(read(replay, page.cursor, NOON - timedelta(days=1)).items) == 1
    assert len(read(replay, page.cursor, NOON + 30 * SECOND).items) == 15


def test_a_loop_brings_new_mentions_each_round(write: Write) -> None:
    lines = [{"id": "a", "text": "x", "conversation": "c"}, {"id": "b", "text": "y", "parent": "a"}]
    lines[0]["posted_at"] = "2020-01-01T00:00:00Z"
    replay = source(write(*lines), loop=True)
    first = read(replay)
    second = read(replay, first.cursor, NOON + SECOND)
    assert [item.external_id for item in (*first.items, *second.items)] == ["a", "b", "a~1", "b~1"]
    assert (second.items[0].conversation, second.items[1].parent) == ("c~1", "a~1")
    assert second.items[0].posted_at == NOON + SECOND
    assert not second.more


def test_an_empty_file_in_a_loop_is_quiet(write: Write) -> None:
    replay = source(write(), loop=True)
    page = read(replay)
    assert (page.items, page.more) == ((), False)
    assert read(replay, page.cursor).cursor == page.cursor


def test_a_missing_file_may_come_later_but_a_folder_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(RetryLater, match="no such file"):
        source(tmp_path / "none.jsonl").fetch(None, NOON)
    with pytest.raises(ConfigurationError):
        source(tmp_path / "none.jsonl").check()
    with pytest.raises(ConfigurationError, match=r"sources\.file\.path"):
        source(tmp_path).fetch(None, NOON)


def test_check_looks_at_the_first_line(write: Write) -> None:
    assert source(write({"text": "x"})).check() == "mentions.jsonl, 14 bytes"
    with pytest.raises(ConfigurationError, match="line 1: not JSON"):
        source(write(b"id,text")).check()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from([b"{", b"", b'{"text": "x"}', b'{"text": "y\xc3\xa9"}', b"\xff"]), max_size=12),
    st.integers(1, 4),
    st.booleans(),
)
def test_every_line_is_read_whatever_the_size_of_a_page(
    tmp_path: Path, lines: list[bytes], size: int, ends: bool
) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"\n".join(lines) + (b"\n" if ends else b""))
    replay, cursor, items, rejects = source(path, page=size), None, 0, 0
    for _ in range(20):
        page = replay.fetch(cursor, NOON)
        cursor, items, rejects = page.cursor, items + len(page.items), rejects + len(page.rejects)
        if not page.more:
            break
    assert items == sum(b"text" in line for line in lines)
    assert rejects == sum(line in (b"{", b"\xff") for line in lines)
