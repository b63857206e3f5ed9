"""What a text looks like when the model reads it: the same for training and for service."""

from __future__ import annotations

import re
import unicodedata

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w.])@\w[\w.-]*")
_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
_SERBIAN_ONLY = frozenset("ђјљњћџЂЈЉЊЋЏ")
_SERBIAN = dict(
    zip(
        "абвгдђежзијклљмнњопрстћуфхцчџшАБВГДЂЕЖЗИЈКЛЉМНЊОПРСТЋУФХЦЧЏШ",
        "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š "  # noqa: SIM905
        "A B V G D Đ E Ž Z I J K L Lj M N Nj O P R S T Ć U F H C Č Dž Š".split(),
        strict=True,
    )
)
_LATIN = str.maketrans(_SERBIAN)
_IN_CAPITALS = re.compile("(?<=[А-ЯЂЈЋ])[ЉЊЏ]|[ЉЊЏ](?=[А-ЯЂЈЋ])")


def clean(text: str) -> str:
    """The text without what carries no meaning for the model.

    Handles become ``@user`` and addresses ``http`` (the habit of UMSAB and XLM-T), more than three of the
    same character in a row become three, invisible and direction-changing characters go, whitespace is
    folded. Serbian Cyrillic is written in Latin letters, so that both scripts get the same verdict.
    Never raises: lone surrogates and NUL bytes are dropped.
    """
    text = _UNREADABLE.sub("", unicodedata.normalize("NFC", text.replace("\x00", " ")))
    text = _HANDLE.sub("@user", _URL.sub("http", text))
    return " ".join(_RUN.sub(r"\1\1\1", serbian_latin(text)).split())


def serbian_latin(text: str, told: bool = False) -> str:
    """Serbian Cyrillic in Latin letters; any other text as it is.

    A text counts as Serbian when no Cyrillic letter in it is from outside that alphabet (so not Russian ...), and it
    holds one that, among its neighbours, Serbian alone uses with the rest of the alphabet (ђ, ј, љ, њ, ћ, џ), or its
    source has `told` that it is Serbian: short ones often hold none.
    """
    if (told or not _SERBIAN_ONLY.isdisjoint(text)) and all(c in _SERBIAN for c in text if "\u0400" <= c <= "\u052f"):
        return _IN_CAPITALS.sub(lambda letter: _SERBIAN[letter[0]].upper(), text).translate(_LATIN)
    return text


def says_something(text: str) -> bool:
    """Whether a cleaned text is more than addresses, handles and dots."""
    return any(not c.isspace() and c not in ".,:;" for c in text.replace("@user", " ").replace("http", " "))


def wordless(text: str) -> bool:
    """Whether a cleaned text has no letter and no digit: emoji, signs, addresses."""
    return not any(c.isalnum() for c in text.replace("@user", " ").replace("http", " "))
