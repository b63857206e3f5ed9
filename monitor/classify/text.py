"""What a text looks like when the model reads it: the same for training and for service."""

from __future__ import annotations

import re
import unicodedata

from monitor import serbian

_URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
_HANDLE = re.compile(r"(?<![\w.])@\w[\w.-]*")
_RUN = re.compile(r"(.)\1{3,}", re.DOTALL)
_UNREADABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without what carries no meaning for the model.

    Handles become ``@user`` and addresses ``http`` (the habit of UMSAB and XLM-T), more than three of the
    same character in a row become three, invisible and direction-changing characters go, whitespace is
    folded. Serbian Cyrillic is written in Latin letters, so that both scripts get the same verdict.
    Never raises: lone surrogates and NUL bytes are dropped.
    """
    text = _UNREADABLE.sub("", unicodedata.normalize("NFC", text.replace("\x00", " ")))
    text = _HANDLE.sub("@user", _URL.sub("http", text))
    return " ".join(_RUN.sub(r"\1\1\1", serbian.latin(text)).split())


def says_something(text: str) -> bool:
    """Whether a cleaned text is more than addresses, handles and dots."""
    return any(not c.isspace() and c not in ".,:;" for c in text.replace("@user", " ").replace("http", " "))


def wordless(text: str) -> bool:
    """Whether a cleaned text has no letter and no digit: emoji, signs, addresses."""
    return not any(c.isalnum() for c in text.replace("@user", " ").replace("http", " "))
