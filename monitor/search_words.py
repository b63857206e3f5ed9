"""The words by which mentions are found, and what people type to find them.

Words of a text and of a question are made alike: folded (monitor/words.py), without accents, Serbian in Latin letters
whichever script it was written in. Scripts without spaces give a word for each letter, found by their sequence. Korean
glues its particles to the end, so a word in Hangul also finds those that begin with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import regex

from monitor.words import SPACELESS, fold

MOST_WORDS = 10_000  # of one text; PostgreSQL tells positions apart up to 16,383
LONGEST = 64  # letters of a word that count
MOST_TERMS = 12  # of one question
SHORTEST_START = 3  # letters before a "*"

_ASCII = re.compile(r"[a-z0-9]+")
_ALONE = "".join(f"\\U{low:08X}-\\U{high:08X}" for low, high in SPACELESS)
_WORD = regex.compile(rf"(?V1)[{_ALONE}&&[\p{{L}}\p{{N}}]]\p{{M}}*|[[\p{{L}}\p{{N}}\p{{M}}]--[{_ALONE}]]+")
_HANGUL = regex.compile(r"\p{Hangul}\Z")
_ACCENTS = re.compile("[\u0300-\u036f]+")
_LATIN = str.maketrans({"ø": "o", "đ": "dj", "ł": "l", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ħ": "h"})
_SERBIAN = dict(zip("абвгдежзијклмнопрстуфхцчш", "abvgdezzijklmnoprstufhccs", strict=True))
_SERBIAN |= {"ђ": "dj", "ћ": "c", "љ": "lj", "њ": "nj", "џ": "dz"}
_FROM_SERBIAN = str.maketrans(_SERBIAN)
_CYRILLIC = re.compile(f"[{''.join(_SERBIAN)}]+")
_TERM = re.compile(r'(-?)"([^"]*)"?|(\S+)')


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must follow one another, the last of them only by its beginning if `starts`."""

    words: tuple[str, ...]
    starts: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """All of `wanted` and none of `unwanted`."""

    wanted: tuple[Term, ...] = ()
    unwanted: tuple[Term, ...] = ()


def words(text: str) -> list[str]:
    """The words of `text` in their order, the first MOST_WORDS of them. They have letters, digits and marks alone."""
    if text.isascii():
        found = _ASCII.findall(text.lower())
    else:
        plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", fold(text)))
        found = _WORD.findall(unicodedata.normalize("NFC", plain).translate(_LATIN))
        found = [word.translate(_FROM_SERBIAN) if _CYRILLIC.fullmatch(word) else word for word in found]
    return [word[:LONGEST] for word in found[:MOST_WORDS]]


def question(typed: str) -> Question:
    """What somebody typed: words that are all to be there, "words in this order", beginnings*, -without. Whatever else
    it holds is passed over; nothing is refused."""
    wanted: list[Term] = []
    unwanted: list[Term] = []
    for minus, phrase, word in _TERM.findall(fold(typed)):
        without = bool(minus) or (word.startswith("-") and len(word) > 1)
        term = _term(phrase or word.lstrip("-"))
        if term is not None and len(wanted) + len(unwanted) < MOST_TERMS:
            (unwanted if without else wanted).append(term)
    return Question(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def holds(asked: Question, said: Sequence[str]) -> bool:
    """Whether a text of these words is what `asked` finds."""
    wanted = bool(asked.wanted) and all(_holds(term, said) for term in asked.wanted)
    return wanted and not any(_holds(term, said) for term in asked.unwanted)


def _holds(term: Term, said: Sequence[str]) -> bool:
    *first, last = term.words
    return any(
        list(said[at : at + len(first)]) == first
        and (said[at + len(first)].startswith(last) if term.starts else said[at + len(first)] == last)
        for at in range(len(said) - len(first))
    )


def _term(text: str) -> Term | None:
    found = tuple(words(text)[:MOST_TERMS])
    if not found:
        return None
    asked = text.rstrip().endswith("*") and len(found[-1]) >= SHORTEST_START
    return Term(found, asked or _HANGUL.search(found[-1]) is not None)
