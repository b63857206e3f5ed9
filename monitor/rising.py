"""What complaints say more often than before, and what those are about that no topic covers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitor.terms import FEWEST, rising_of
from monitor.trend_mentions import Behind
from monitor.trend_texts import Person, Texts

DOUBT = 0.05  # that any term is named though people say what they always said
ALIKE = 0.3  # cosine of the terms of two texts about one thing
SAME = 0.8  # of the people who use a term: as many use one that was told already, and it says nothing new
EXAMPLES = 2
_NAMED = 3  # terms


@dataclass(frozen=True, slots=True)
class RisingTerm:
    """A term that `count` of `of` people use now, and `before` of `of_before` did, all in one language. `rise` is its
    log-odds in standard deviations (monitor/terms.py); `topic` that of most of these complaints."""

    term: str
    language: str
    count: int
    of: int
    before: int
    of_before: int
    rise: float
    topic: str
    examples: tuple[Behind, ...]


@dataclass(frozen=True, slots=True)
class Cluster:
    """People who complain of one thing, named by their own words."""

    name: tuple[str, ...]
    count: int
    before: int
    examples: tuple[Behind, ...]


def rising_terms(now: Texts, before: Texts, most: int) -> tuple[RisingTerm, ...]:
    """Each language by itself, so that no word rises only because more people speak its language."""
    languages = Counter(person.language for person in now.people)
    often = [language for language, people in languages.items() if people >= FEWEST]
    found = []
    for language in often:
        here, there = ([each for each in of.people if each.language == language] for of in (now, before))
        now_said, said_before = ([each.terms for each in side] for side in (here, there))
        told: list[set[int]] = []
        for term in rising_of(now_said, said_before, 3 * most, DOUBT / len(often)):
            who = {n for n, each in enumerate(here) if term.text in each.terms}
            if any(len(who & others) >= SAME * len(who) for others in told):
                continue
            told.append(who)
            using = [here[n] for n in sorted(who)]
            mentions = [mention for each in using for mention in each.mentions]
            topic = Counter(mention.topic for mention in mentions).most_common(1)[0][0]
            counts = (term.count, len(here), term.before, len(there))
            found.append(RisingTerm(term.text, language, *counts, term.rise, topic, _examples(using)))
    return tuple(sorted(found, key=lambda each: (-each.rise, each.term))[:most])


def clusters(now: Texts, before: Texts, most: int, usual: Sequence[Person] = ()) -> tuple[Cluster, ...]:
    """The largest groups of at least FEWEST people, each about the one whose words most others share. Texts are alike
    by their terms, the rarer these are among all and what people write as `usual`, the more they weigh (TF-IDF). How
    many were as alike before is counted the same way."""
    import numpy as np  # here: only a page needs it

    people, every = now.people, [*now.people, *before.people]
    weights = _weights(every, usual)
    if not people:
        return ()
    shared = Counter(term for person in every for term in person.terms)
    places = {term: n for n, term in enumerate(sorted(term for term, count in shared.items() if count >= 2))}
    rows = np.zeros((len(every), len(places)), np.float32)
    for n, person in enumerate(every):
        for term in person.terms & places.keys():
            rows[n, places[term]] = weights[term]
    lengths = np.array([math.sqrt(sum(weights[term] ** 2 for term in person.terms)) for person in every], np.float32)
    rows /= np.maximum(lengths, 1e-6)[:, None]
    cosines = rows[: len(people)] @ rows.T
    alike, left = cosines >= ALIKE, np.ones(len(people), bool)
    found: list[Cluster] = []
    while len(found) < most:
        near = (alike[:, : len(people)] & left).sum(axis=1) * left
        middle = int(near.argmax())
        inside = np.flatnonzero(alike[middle, : len(people)] & left)
        if len(inside) < FEWEST:
            break
        left[inside] = False
        ordered = sorted(inside.tolist(), key=lambda n: (-cosines[middle, n], n))
        chosen = [people[n] for n in ordered]
        then = int(alike[middle, len(people) :].sum())
        found.append(Cluster(_name(chosen, weights), len(chosen), then, _examples(chosen)))
    return tuple(found)


def _weights(people: Sequence[Person], usual: Sequence[Person]) -> dict[str, float]:
    """How much each term tells texts apart."""
    counted = Counter(term for person in people for term in person.terms)
    known = Counter(term for person in usual for term in person.terms & counted.keys())
    whole = len(people) + len(usual)
    return {term: math.log(1 + whole / (count + known[term])) for term, count in counted.items()}


def _name(people: Sequence[Person], weights: Mapping[str, float]) -> tuple[str, ...]:
    """What most of them say and few others do, each word once."""
    counted = Counter(term for person in people for term in person.terms)
    chosen: list[str] = []
    for term in sorted(counted, key=lambda term: (-counted[term] * weights[term], -len(term), term)):
        if 2 * counted[term] < len(people) and chosen:
            break
        if not any(set(term.split()) & set(other.split()) for other in chosen):
            chosen.append(term)
    return tuple(chosen[:_NAMED])


def _examples(people: Sequence[Person]) -> tuple[Behind, ...]:
    """Of the first of them, none twice that says the same."""
    said: dict[str, Behind] = {}
    for person in people:
        mention = person.mentions[0]
        said.setdefault(" ".join(mention.text.casefold().split())[:60], mention)
    return tuple(said.values())[:EXAMPLES]
