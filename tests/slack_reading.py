"""How Slack's clients read what is sent: who is pinged, where links lead, and what is there but cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

_ANGLE = re.compile(r"<([^<>]*)>")
_SEEN = "\n\t"
_JOINERS = "‌‍"
_HOST = re.compile(r"(?:https?://)?((?:[\w-]+\.)+[a-z]{2,})(?=[/:?#\s…]|$)", re.I)


def mrkdwn(text: str, blocks: Any = ()) -> Iterator[str]:
    """Every string in which Slack looks for markup: the message's own, and mrkdwn objects at any depth."""
    if text:
        yield text
    for node in _nodes(blocks):
        if node.get("type") == "mrkdwn":
            yield node["text"]


def strings(node: Any) -> Iterator[str]:
    """Every string that is shown to people, plain ones too."""
    for part in _nodes(node):
        for key in ("text", "alt_text", "title", "initial_value"):
            if isinstance(part.get(key), str):
                yield part[key]


def pinged(words: Iterable[str]) -> set[str]:
    """Who or what is notified: users and user groups by id, and the three that notify everybody."""
    found = set()
    for text in words:
        for inside in _ANGLE.findall(text):
            if inside.startswith("@"):
                found.add(inside[1:].partition("|")[0])
            elif inside.startswith("!") and not inside.startswith("!date^"):
                name = inside[1:].partition("|")[0]
                found.add(name.removeprefix("subteam^"))
    return found


def links(words: Iterable[str]) -> set[tuple[str, str]]:
    """Addresses and what is shown for them."""
    found = set()
    for text in words:
        for inside in _ANGLE.findall(text):
            if not inside.startswith(("@", "!", "#")):
                url, _, shown = inside.partition("|")
                found.add((_plain(url), _plain(shown) or _plain(url)))
    return found


def disguised(words: Iterable[str]) -> list[tuple[str, str]]:
    """Links that show another host than the one that they lead to, or that no browser should open."""
    found = []
    for url, shown in links(words):
        host = (urlsplit(url).hostname or "").removeprefix("www.")
        hosts = {name.lower().removeprefix("www.") for name in _HOST.findall(shown)}
        if urlsplit(url).scheme not in ("http", "https") or any(name != host for name in hosts):
            found.append((url, shown))
    return found


def unseen(words: Iterable[str]) -> set[str]:
    """Characters that are there but show nothing, or that change how others are shown."""
    found = set()
    for text in words:
        for at, char in enumerate(text):
            kind = unicodedata.category(char)
            if char in _JOINERS:  # some scripts and emoji need them between their letters
                around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
                if any(c.isascii() for c in around) or len(around) < 2:
                    found.add(char)
            elif char not in _SEEN and kind in ("Cc", "Cf", "Cs", "Zl", "Zp"):
                found.add(char)
    return found


def _plain(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _nodes(value)
