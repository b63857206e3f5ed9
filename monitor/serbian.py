"""Serbian is written in two scripts: who writes Cyrillic is answered in it; the model reads both in Latin."""

from __future__ import annotations

import regex

_LETTERS = dict(zip("abvgdđežzijklmnoprstćufhcčš", "абвгдђежзијклмнопрстћуфхцчш", strict=True))
_LETTERS |= {"lj": "љ", "nj": "њ", "dž": "џ"}
_ALPHABET = {c: w for w, c in _LETTERS.items()} | {c.upper(): w.capitalize() for w, c in _LETTERS.items()}
_LATIN = str.maketrans(_ALPHABET)
_ITS_OWN = frozenset("ђјљњћџЂЈЉЊЋЏ")
_IN_CAPITALS = regex.compile("(?<=[А-ЯЂЈЉЊЋЏ])[ЉЊЏ]|[ЉЊЏ](?=[А-ЯЂЈЉЊЋЏ])")
_PART = regex.compile(r"{[^{}]*}|lj|nj|dž|.", regex.IGNORECASE | regex.DOTALL)


def cyrillic(text: str) -> str:
    """Serbian in Latin letters as it is written in Cyrillic ones; what stands in braces stays as it is."""
    return "".join(map(_turned, _PART.findall(text)))


def latin(text: str, told: bool = False) -> str:
    """Serbian in Cyrillic letters as it is written in Latin ones; any other text as it is.

    A text counts as Serbian when no Cyrillic letter in it is from outside that alphabet (so not Russian ...), and it
    holds one that, among its neighbours, Serbian alone uses with the rest of the alphabet (ђ, ј, љ, њ, ћ, џ), or its
    source has `told` that it is Serbian: short ones often hold none.
    """
    if (told or not _ITS_OWN.isdisjoint(text)) and all(c in _ALPHABET for c in text if "\u0400" <= c <= "\u052f"):
        return _IN_CAPITALS.sub(lambda letter: _ALPHABET[letter[0]].upper(), text).translate(_LATIN)
    return text


def in_cyrillic(text: str) -> bool:
    """Whether most letters of `text` are Cyrillic."""
    return len(regex.findall(r"\p{Cyrillic}", text)) > len(regex.findall(r"\p{Latin}", text))


def _turned(part: str) -> str:
    letter = _LETTERS.get(part.lower(), part)
    return letter.upper() if part[0].isupper() else letter
