"""Words that are said more often than before: log-odds with an informative Dirichlet prior, as in Monroe, Colaresi and
Quinn, "Fightin' Words" (Political Analysis 16, 2008). Counted is in how many texts a term is, not how often.

Terms are words and pairs of neighbours; of scripts that put no spaces between words, pairs of characters. There are no
lists of stop words: what is as frequent as before does not rise.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import regex

FEWEST = 3  # texts that a term must be in
LEAST = 2.0  # standard deviations of the log-odds
PRIOR = 20.0  # texts that the prior weighs
SAME = 0.7  # a word that comes so often as part of a pair is told by the pair
LONGEST = 20_000  # characters of a text that are looked at
_LEFT_OUT = regex.compile(r"https?://\S+|[@#]?\S*@\S*|\d\S*")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_PIECE = regex.compile(
    rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}](?:[\p{{M}}'’\u200c\u200d-]?[^\W\d_{_UNSPACED}]|\p{{M}})*", regex.V0
)
_UNSPACED_PIECE = regex.compile(rf"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Term:
    """`count` texts have it now, `before` had it; `rise` is its log-odds in standard deviations."""

    text: str
    count: int
    before: int
    rise: float


def rising(now: Sequence[str], before: Sequence[str], most: int = 5) -> list[Term]:
    """The terms that more of the texts have `now` than `before`, beyond chance, the most surprising first."""
    here, there = _counted(now), _counted(before)
    found = [
        Term(term, count, there[term], rise)
        for term, count in here.items()
        if count >= FEWEST and (rise := _rise(count, len(now), there[term], len(before))) >= LEAST
    ]
    chosen: list[Term] = []
    for term in sorted(found, key=lambda t: (-t.rise, -len(t.text), t.text)):
        if len(chosen) == most:
            break
        if not any(_told(term, other, here) for other in chosen):
            chosen = [other for other in chosen if not _told(other, term, here)]
            chosen.append(term)
    return chosen


def terms(text: str) -> set[str]:
    """The terms of one text."""
    found: set[str] = set()
    shown = _LEFT_OUT.sub(" . ", text[:LONGEST].casefold())
    last, end = "", 0
    for match in _PIECE.finditer(shown):
        word = match.group()
        if _UNSPACED_PIECE.match(word):
            found.update(word[n : n + 2] for n in range(len(word) - 1))
            last = ""
            continue
        if len(word) > 2:
            found.add(word)
        if last and shown[end : match.start()].isspace():
            found.add(f"{last} {word}")
        last, end = word, match.end()
    return found


def _counted(texts: Iterable[str]) -> Counter[str]:
    return Counter(term for text in texts for term in terms(text))


def _rise(count: int, texts: int, before: int, texts_before: int) -> float:
    """Of a term that `count` of `texts` have and `before` of `texts_before` had."""
    share = (count + before) / max(1, texts + texts_before)
    prior = PRIOR * share
    odds = (count + prior) / (texts + PRIOR - count - prior + 1e-9)
    odds_before = (before + prior) / (texts_before + PRIOR - before - prior + 1e-9)
    return math.log(odds / odds_before) / math.sqrt(1 / (count + prior) + 1 / (before + prior))


def _told(term: Term, other: Term, counts: Counter[str]) -> bool:
    """Whether `other` says what `term` says: it has the same words and more, and comes nearly as often; or it is the
    one word of a pair that makes it rise."""
    if term.text in other.text.split():
        return other.count >= SAME * term.count
    if other.text in term.text.split():
        return term.count < SAME * other.count
    shared = set(term.text.split()) & set(other.text.split())
    return bool(shared) and " " in term.text and term.count <= other.count
