"""Answered cases that are like another one, with what was answered, so that nobody has to find the words anew.

Alike is what the model saw alike in the first complaints, in any language; where there are no features, which other
models do not give, what shares rare words. Satisfied customers, and the same brand and language, come first.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from monitor.case_features import SAME_BRAND, AnsweredFeatures
from monitor.customer import answers
from monitor.models import CaseEventRow, CaseRow, FeaturesRow, MentionRow, VerdictRow
from monitor.personal import called, hidden
from monitor.search_words import Question, Term, words
from monitor.settings import ClassifierSettings
from monitor.word_index import find

LOOKED = 60  # of the most alike, those that are read from the database
READ = 3000  # characters of a text
WORDS, WITH_EACH = 8, 200  # without features: rare words of the complaint, and mentions looked at for each
SHORTEST = 4  # letters of such a word
# Added to the cosine. The language is but a tie-breaker: more would put other matters before the same one (measured by
# `python -m benchmarks.similar`).
_SATISFIED, _UNSATISFIED, _SAME_LANGUAGE, _RESOLVED = 0.03, -0.03, 0.01, 0.01


@dataclass(frozen=True, slots=True)
class Similar:
    """An answered case. `text` is its first complaint, `answered` our last words to it."""

    id: int
    brand: str
    source: str
    language: str
    topic: str
    state: str
    author: str | None
    author_name: str | None
    text: str
    answered: str
    posted_at: datetime
    calendar_seconds: float | None
    satisfaction: int | None
    likeness: float  # cosine, or the share of rare words that are the same
    by_words: bool = False

    @property
    def words(self) -> str:
        """What we answered, to be said to somebody else: without names, addresses, handles and long numbers."""
        names = {name for known in (self.author, self.author_name) if known for name in called(known)}
        return hidden(self.answered, sorted(names, key=len, reverse=True), links=True)


class SolvedCases:
    """Answered cases like another. Safe to share between threads."""

    def __init__(self, classifier: ClassifierSettings) -> None:
        self.features = AnsweredFeatures(classifier)

    def like(self, session: Session, case_id: int, now: datetime, limit: int = 5) -> list[Similar]:
        """The answered cases most like this one, each answer once."""
        case = session.get(CaseRow, case_id)
        if case is None:
            return []
        mine = session.scalar(select(FeaturesRow.features).where(FeaturesRow.case_id == case_id))
        found = self.features.nearest(session, mine, case.brand, now, LOOKED + 1) if mine else _of_words(session, case)
        return _ranked(session, case, found, limit, by_words=not mine)


def _of_words(session: Session, case: CaseRow) -> dict[int, float]:
    """By case, the share of the complaint's rare words that are in it, weighed by how rare they are."""
    said = session.scalar(select(func.substr(MentionRow.text, 1, READ)).where(MentionRow.id == case.mention_id)) or ""
    long = sorted({word for word in words(said) if len(word) >= SHORTEST}, key=lambda word: (-len(word), word))[:WORDS]
    weights: dict[int, float] = defaultdict(float)
    shared: dict[int, int] = defaultdict(int)
    total = 0.0
    for word in long:
        with_it = find(session, Question((Term((word,)),)), WITH_EACH)
        weight = 1 / math.log(2 + len(with_it))
        total += weight
        for mention_id in with_it:
            weights[mention_id] += weight
            shared[mention_id] += 1
    best = sorted((id for id in weights if shared[id] > 1), key=lambda id: -weights[id])[: 5 * LOOKED]
    cases = session.execute(select(MentionRow.id, MentionRow.case_id).where(MentionRow.id.in_(best)))
    found: dict[int, float] = {}
    for mention_id, case_id in cases:
        if case_id is not None:
            found[case_id] = max(found.get(case_id, 0.0), weights[mention_id] / total)
    return found


def _ranked(session: Session, case: CaseRow, found: Mapping[int, float], limit: int, by_words: bool) -> list[Similar]:
    c, m = CaseRow, MentionRow
    names = ("id", "brand", "source", "language", "topic", "state", "posted_at", "calendar_seconds", "satisfaction")
    query = (
        select(
            *(getattr(c, name) for name in names), m.author, m.author_name, func.substr(m.text, 1, READ).label("text")
        )
        .join(m, m.id == c.mention_id)
        .where(c.id.in_(found), c.id != case.id, c.first_response_at.is_not(None), m.removed_at.is_(None))
    )
    if not by_words:
        query = _of_the_same_model(session, query, case)
    rows = session.execute(query).mappings().all() if found else []
    said = _answers(session, [row["id"] for row in rows])
    similar = [
        Similar(**row, answered=said[row["id"]], likeness=found[row["id"]], by_words=by_words)
        for row in rows
        if said.get(row["id"])
    ]
    similar.sort(key=lambda each: (-each.likeness - _bonus(each, case), -each.id))
    once: dict[str, Similar] = {}
    for each in similar:
        once.setdefault(each.answered, each)
    return list(once.values())[:limit]


def _of_the_same_model(session: Session, query: Select[Any], case: CaseRow) -> Select[Any]:
    """Features of another model are another language. What corrections taught it (`+...`) leaves them as they were."""
    m, v = MentionRow, VerdictRow
    model = select(v.model).join(m, and_(m.id == v.mention_id, m.revision == v.revision))
    mine = (session.scalar(model.where(m.id == case.mention_id)) or "").partition("+")[0]
    query = query.join(FeaturesRow, FeaturesRow.case_id == CaseRow.id)
    query = query.join(v, and_(v.mention_id == m.id, v.revision == m.revision))
    return query.where(or_(v.model == mine, v.model.startswith(f"{mine}+", autoescape=True)))


def _bonus(each: Similar, case: CaseRow) -> float:
    rated = each.satisfaction or 3
    liked = _SATISFIED if rated > 3 else _UNSATISFIED if rated < 3 else 0.0
    same = SAME_BRAND * (each.brand == case.brand) + _SAME_LANGUAGE * (each.language == case.language)
    return liked + same + _RESOLVED * (each.state == "resolved")


def _answers(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    """Our last words in each case, written here or seen on the source."""
    found = {id: said[-1][1][:READ] for id, said in answers(session, list(case_ids)).items()}
    rest = [id for id in case_ids if id not in found]
    e, c, m = CaseEventRow, CaseRow, MentionRow
    seen = (
        select(e.case_id, func.substr(m.text, 1, READ))
        .join(c, c.id == e.case_id)
        .join(m, and_(m.source == c.source, m.external_id == func.substr(e.key, len("reply:") + 1)))
        .where(e.case_id.in_(rest), e.kind == "reply_seen", m.own, m.removed_at.is_(None))
        .order_by(e.id)
    )
    found |= {id: text for id, text in session.execute(seen) if text} if rest else {}
    return found
