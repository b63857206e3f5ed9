"""Words that are said more often than before: log-odds with an informative Dirichlet prior, as in Monroe, Colaresi and
Quinn, "Fightin' Words" (Political Analysis 16, 2008). Counted is in how many texts a term is, not how often.

Terms are words and pairs of neighbours; of scripts that put no spaces between words, pairs of characters. There are no
lists of stop words: what is as frequent as before does not rise.

Where it is not known beforehand that something has changed, the greatest of thousands of differences would be taken
for something. There a term must also differ by more than chance leaves, by the likelihood ratio of its two counts
(Dunning, "Accurate methods for the statistics of surprise and coincidence", Computational Linguistics 19, 1993), with a
doubt that all terms share (Bonferroni).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from statistics import NormalDist

import regex

FEWEST = 3  # texts that a term must be in
LEAST = 2.0  # standard deviations of the log-odds
PRIOR = 20.0  # texts that the prior weighs
SAME = 0.7  # a word that comes so often as part of a pair is told by the pair
COMMON = 0.2  # of the texts before: a word that so many had says nothing, it belongs to the language
MANY = 3  # times as often as the pair
LONGEST = 20_000  # characters of a text that are looked at
_LEFT_OUT = re.compile(r"(?<!\S)\S*@\S*|https?://\S+|\d\S*")
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_PIECE = regex.compile(
    rf"[{_UNSPACED}]+|[^\W\d_{_UNSPACED}](?:[\p{{M}}'’\u200c\u200d-]?[^\W\d_{_UNSPACED}]|\p{{M}})*", regex.V0
)
_ASCII_PIECE = re.compile(r"[a-z](?:['-]?[a-z])*")  # the same, ten times as fast
_UNSPACED_PIECE = regex.compile(rf"[{_UNSPACED}]")


@dataclass(frozen=True, slots=True)
class Term:
    """`count` texts have it now, `before` had it; `rise` is its log-odds in standard deviations."""

    text: str
    count: int
    before: int
    rise: float


def rising(now: Sequence[str], before: Sequence[str], most: int = 5) -> list[Term]:
    """The terms that more of the texts have `now` than `before`, the most surprising first."""
    return rising_of([terms(text) for text in now], [terms(text) for text in before], most)


def rising_of(
    now: Sequence[AbstractSet[str]], before: Sequence[AbstractSet[str]], most: int = 5, doubt: float | None = None
) -> list[Term]:
    """The same of texts given by their terms. `doubt` is the probability that anything is named though nothing has
    changed, None where it is known that something has."""
    here, there = _counted(now), _counted(before)
    enough = {term: count for term, count in here.items() if count >= FEWEST}
    least = -math.inf
    if doubt is not None:
        enough = {term: count for term, count in enough.items() if there[term] <= COMMON * len(before)}
        least = NormalDist().inv_cdf(1 - doubt / max(1, len(enough)))
    found = [
        Term(term, count, there[term], rise)
        for term, count in enough.items()
        if (rise := _rise(count, len(now), there[term], len(before))) >= LEAST
        and (doubt is None or ratio(count, len(now), there[term], len(before)) >= least)
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
    unspaced = not shown.isascii() and _UNSPACED_PIECE.search(shown) is not None
    last, end = "", 0
    for match in (_ASCII_PIECE if shown.isascii() else _PIECE).finditer(shown):
        word = match.group()
        if unspaced and _UNSPACED_PIECE.match(word):
            found.update(word[n : n + 2] for n in range(len(word) - 1))
            last = ""
            continue
        if len(word) > 2:
            found.add(word)
        if last and shown[end : match.start()].isspace():
            found.add(f"{last} {word}")
        last, end = word, match.end()
    return found


def ratio(count: int, texts: int, before: int, texts_before: int) -> float:
    """The root of the likelihood ratio of two shares, in standard deviations; below 0 where the first is less."""
    whole, both = texts + texts_before, count + before
    cells = (
        (count, texts * both),
        (before, texts_before * both),
        (texts - count, texts * (whole - both)),
        (texts_before - before, texts_before * (whole - both)),
    )
    doubled = 2 * sum(seen * math.log(seen * whole / expected) for seen, expected in cells if seen)
    return math.copysign(math.sqrt(max(0.0, doubled)), count * texts_before - before * texts)


def _counted(texts: Iterable[AbstractSet[str]]) -> Counter[str]:
    return Counter(term for text in texts for term in text)


def _rise(count: int, texts: int, before: int, texts_before: int) -> float:
    """Of a term that `count` of `texts` have and `before` of `texts_before` had."""
    share = (count + before) / max(1, texts + texts_before)
    prior = PRIOR * share
    odds = (count + prior) / (texts + PRIOR - count - prior + 1e-9)
    odds_before = (before + prior) / (texts_before + PRIOR - before - prior + 1e-9)
    return math.log(odds / odds_before) / math.sqrt(1 / (count + prior) + 1 / (before + prior))


def _told(term: Term, other: Term, counts: Counter[str]) -> bool:
    """Whether `other` says what `term` says: it has the same words and more, and comes nearly as often; or it is the
    one word of a pair that makes it rise, or that says anything."""
    if term.text in other.text.split():
        return other.count >= SAME * term.count and not _empty(other, term.text, counts)
    if other.text in term.text.split():
        return term.count < SAME * other.count or _empty(term, other.text, counts)
    shared = set(term.text.split()) & set(other.text.split())
    return bool(shared) and " " in term.text and term.count <= other.count


def _empty(pair: Term, word: str, counts: Counter[str]) -> bool:
    """Whether what the pair has beside the word says nothing: it comes with many others."""
    (rest,) = [each for each in pair.text.split() if each != word] or [word]
    return len(rest) <= 2 or counts[rest] >= MANY * pair.count
