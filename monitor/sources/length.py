"""How long a text is to the service that it is meant for.

X: https://docs.x.com/fundamentals/counting-characters, configuration 3 of twitter-text. Bluesky counts graphemes,
Google Business the bytes of UTF-8; others count characters, which are Unicode's code points.
"""

from __future__ import annotations

import unicodedata
from typing import Literal

import regex

Counting = Literal["bytes", "characters", "graphemes", "x"]

_URL_LENGTH = 23
_LIGHT = ((0, 4351), (8192, 8205), (8208, 8223), (8242, 8247))  # code points that count once on X, others twice
_GRAPHEME = regex.compile(r"\X")
_EMOJI = regex.compile(r"\p{Emoji_Presentation}|\p{Extended_Pictographic}\ufe0f?|\p{RI}{2}|[0-9#*]\ufe0f?\u20e3")
# X makes links of bare domains too; those of two letters only where a path follows.
_LINK = regex.compile(
    r"https?://[^\s<>\"]+[^\s<>\".,;:!?\x27)\]}]"
    r"|(?<![\w@.\-/])(?:[a-z0-9](?:[a-z0-9\-]*[a-z0-9])?\.)+"
    r"(?:(?:com|net|org|info|io|co|app|dev|shop|store|online|site|me|tv|ai|biz)(?![\w\-])|[a-z]{2}(?=/))"
    r"(?:/[^\s<>\"]*[^\s<>\".,;:!?\x27)\]}])?",
    regex.IGNORECASE,
)


def length(text: str, counting: Counting) -> int:
    """The length of `text` as the service counts it."""
    if counting == "x":
        return _weighted(unicodedata.normalize("NFC", text))
    if counting == "bytes":
        return len(text.encode("utf-8", "surrogatepass"))
    if counting == "graphemes":
        return sum(1 for _ in _GRAPHEME.finditer(text))
    return len(text)


def _weighted(text: str) -> int:
    without_links, links = _LINK.subn("", text)
    return links * _URL_LENGTH + sum(_weight(match.group()) for match in _GRAPHEME.finditer(without_links))


def _weight(grapheme: str) -> int:
    if _EMOJI.match(grapheme):
        return 2  # whatever it is composed of
    return sum(1 if any(low <= ord(c) <= high for low, high in _LIGHT) else 2 for c in grapheme)
