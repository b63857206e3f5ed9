"""Links and names in a post on Bluesky: facets, which point into the text by bytes of UTF-8.

https://docs.bsky.app/docs/advanced-guides/post-richtext; without facets a link is only words.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_LINK = re.compile(r"(?<![\w@/])https?://[^\s<>\"]+[^\s<>\".,;:!?'\])}]", re.IGNORECASE)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?<![\w@.])@((?:{_LABEL}\.)+[a-z](?:[a-z0-9-]{{0,61}}[a-z0-9])?)(?![\w-])", re.IGNORECASE)
_TAG = re.compile(r"(?<![\w#&/])#(?!\d+(?:\s|$))([^\s#.,;:!?\"'(){}<>\[\]\u00ad\u2060\u200a-\u200d]{1,64})")


def facets(text: str, did: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """The facets of `text`. `did` gives the identity behind a handle, None where there is none: it stays a word."""
    found: list[tuple[int, int, dict[str, str]]] = []
    for link in _LINK.finditer(text):
        found.append((*link.span(), {"$type": "app.bsky.richtext.facet#link", "uri": link[0]}))
    for name in _NAME.finditer(text):
        if who := did(name[1].lower()):
            found.append((*name.span(), {"$type": "app.bsky.richtext.facet#mention", "did": who}))
    links = [(start, end) for start, end, _ in found]
    for tag in _TAG.finditer(text):
        if not any(start <= tag.start() < end for start, end in links):
            found.append((*tag.span(), {"$type": "app.bsky.richtext.facet#tag", "tag": tag[1]}))
    return [
        {"index": {"byteStart": _bytes(text[:start]), "byteEnd": _bytes(text[:end])}, "features": [feature]}
        for start, end, feature in sorted(found, key=lambda each: each[:2])
    ]


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
