"""What YouTube's answers say of comments, threads and videos."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from monitor.clock import aware
from monitor.sources.base import Author, Item, Reject, SeenReply, engagement
from monitor.sources.rejects import read_each

_SITE = "https://www.youtube.com"
_VIDEO = re.compile(r"[\w-]{11}")
_LANGUAGE = re.compile(r"[a-z]{2}(?![A-Za-z])")


def is_video(external_id: str) -> bool:
    """Videos have ids of eleven characters, comments longer ones."""
    return _VIDEO.fullmatch(external_id) is not None


def thread_of(comment: str) -> str:
    """The id of the thread, which is that of its first comment: an answer's id begins with it."""
    return comment.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Thread:
    """A comment and answers to it; `whole` when these are all that there are."""

    id: str
    comments: tuple[Item, ...]
    whole: bool


def threads_of(found: Iterable[Any]) -> tuple[list[Thread], list[Reject]]:
    """Of commentThreads with parts `snippet` and `replies`. A thread whose first comment cannot be read is a reject."""
    rejects: list[Reject] = []

    def read(each: Mapping[str, Any]) -> Thread:
        about = each["snippet"]
        total, where = about.get("totalReplyCount"), about.get("videoId")
        first = comment(about["topLevelComment"], where, total)
        replies = each.get("replies")
        listed = replies.get("comments", []) if isinstance(replies, dict) else []
        answers, unreadable = read_each(listed, lambda answer: comment(answer, where))
        rejects.extend(unreadable)
        return Thread(first.external_id, (first, *answers), not isinstance(total, int) or total <= len(listed))

    threads, unreadable = read_each(found, read)
    return threads, rejects + unreadable


def comment(found: Mapping[str, Any], video: str | None = None, answers: int | None = None) -> Item:
    about = found["snippet"]
    external_id = _text(found["id"])
    video = about.get("videoId") or video
    name = _text(about.get("authorDisplayName", ""))
    image = about.get("imageUrl")
    return Item(
        external_id=external_id,
        text=_text(about["textDisplay"]),
        posted_at=_moment(about["publishedAt"]),
        url=f"{_SITE}/watch?v={video}&lc={external_id}" if isinstance(video, str) and is_video(video) else None,
        author=Author(name.removeprefix("@") or None, name or None, _address(about.get("authorChannelUrl"))),
        conversation=thread_of(external_id),
        parent=thread_of(external_id) if "." in external_id else None,
        media=(image,) if isinstance(image, str) else (),
        engagement=engagement(likes=_count(about.get("likeCount")), answers=_count(answers)),
    )


def video(found: Mapping[str, Any]) -> Item:
    """Of a video with parts `snippet` and `statistics`."""
    about, figures = found["snippet"], found.get("statistics") or {}
    external_id, channel = _text(found["id"]), about.get("channelId")
    language = about.get("defaultAudioLanguage") or about.get("defaultLanguage")
    return Item(
        external_id=external_id,
        text="\n\n".join(part for part in (_text(about["title"]), _text(about.get("description", ""))) if part),
        posted_at=_moment(about["publishedAt"]),
        url=f"{_SITE}/watch?v={external_id}",
        author=Author(name=_text(about.get("channelTitle", "")) or None, url=f"{_SITE}/channel/{channel}"),
        language=language[:2] if isinstance(language, str) and _LANGUAGE.match(language) else None,
        conversation=external_id,
        engagement=engagement(
            likes=_count(figures.get("likeCount")),
            answers=_count(figures.get("commentCount")),
            views=_count(figures.get("viewCount")),
        ),
    )


def seen(item: Item) -> SeenReply:
    return SeenReply(item.external_id, item.posted_at, item.author.handle or "", item.url)


def own_answers(mention: Item, comments: Iterable[Item], accounts: frozenset[str]) -> list[SeenReply]:
    """The comments of `accounts` that answer `mention`, all of one thread or all below one video.

    YouTube puts every answer under the thread's first comment. To whom it speaks when that is another answer, only
    the words tell: they name the author, as YouTube itself begins such an answer."""
    named = f"@{mention.author.handle}".lower() if mention.parent else ""
    return [
        seen(each)
        for each in comments
        if each.external_id != mention.external_id
        and (each.author.handle or "").lower() in accounts
        and each.posted_at >= mention.posted_at
        and named in each.text.lower()
    ]


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(_text(value))).astimezone(UTC)


def _count(value: Any) -> int | None:
    """Counts come as numbers, and as text where they may be large."""
    return int(value) if isinstance(value, (int, str)) and str(value).isascii() and str(value).isdigit() else None


def _address(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith(("http://", "https://")) else None
