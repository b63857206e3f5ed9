"""Serbian is written in two scripts: who writes Cyrillic is answered in it."""

from __future__ import annotations

import regex

_LETTERS = dict(zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True))
_LETTERS |= {"lj": "љ", "nj": "њ", "dž": "џ"}
_PART = regex.compile(r"{[^{}]*}|lj|nj|dž|.", regex.IGNORECASE | regex.DOTALL)


def cyrillic(text: str) -> str:
    """Serbian in Latin letters as it is written in Cyrillic ones; what stands in braces stays as it is."""
    return "".join(map(_turned, _PART.findall(text)))


def in_cyrillic(text: str) -> bool:
    """Whether most letters of `text` are Cyrillic."""
    return len(regex.findall(r"\p{Cyrillic}", text)) > len(regex.findall(r"\p{Latin}", text))


def _turned(part: str) -> str:
    letter = _LETTERS.get(part.lower(), part)
    return letter.upper() if part[0].isupper() else letter
