"""Answered cases that are like another one, with what was answered, so that nobody has to find the words anew.

Alike is what the model saw alike in the first complaints, in any language; where there are no features, which other
models do not give, what shares rare words. Satisfied customers, and the same brand and language, come first.
"""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from monitor.case_events import REPLIES
from monitor.classify.verdict import Verdict
from monitor.customer import answers
from monitor.database import insert_missing
from monitor.models import CaseEventRow, CaseRow, FeaturesRow, MentionRow, VerdictRow
from monitor.search_words import Question, Term, words
from monitor.word_index import find

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 200_000  # answered cases that are compared, the latest: 384 bytes each
ANEW = timedelta(hours=1)  # after which they are read again, so that what was erased is kept no longer
LOOKED = 60  # of the most alike, those that are read from the database
CLOSE = 0.6  # cosine from which cases are shown
READ = 3000  # characters of a text
WORDS, WITH_EACH = 8, 200  # without features: rare words of the complaint, and mentions looked at for each
SHORTEST = 4  # letters of such a word
_ROWS = 16_384  # compared in one go
_TAIL = 256  # events looked at behind the newest: on PostgreSQL a lower id may be committed after a higher one
_SATISFIED, _UNSATISFIED, _SAME, _RESOLVED = 0.06, -0.06, 0.03, 0.02  # added to the cosine


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


def remember(session: Session, verdicts: Mapping[int, Verdict], now: datetime) -> None:
    """Keep what the model saw in complaints, the first time in each case; `verdicts` by the cases' ids."""
    seen = [(case_id, verdict.features) for case_id, verdict in verdicts.items() if verdict.features]
    rows = [{"case_id": case_id, "features": features, "at": now} for case_id, features in seen]
    insert_missing(session, FeaturesRow, rows, "case_id")


class SolvedCases:
    """Keeps the features of answered cases at hand. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._read_at: datetime | None = None
        self._event = 0
        self._ids: list[int] = []
        self._known: set[int] = set()
        self._features: npt.NDArray[np.int8] | None = None
        self._scale: npt.NDArray[np.float32] | None = None

    def like(self, session: Session, case_id: int, now: datetime, limit: int = 5) -> list[Similar]:
        """The answered cases most like this one, each answer once."""
        case = session.get(CaseRow, case_id)
        if case is None:
            return []
        mine = session.scalar(select(FeaturesRow.features).where(FeaturesRow.case_id == case_id))
        found = self._alike(session, mine, now) if mine else _of_words(session, case)
        return _ranked(session, case, found, limit, by_words=not mine)

    def _alike(self, session: Session, mine: bytes, now: datetime) -> dict[int, float]:
        """The cosine of the most alike."""
        import numpy as np

        with self._lock:
            self._refresh(session, now)
            ids, features, scale = self._ids, self._features, self._scale
        if features is None or scale is None or features.shape[1] != len(mine):
            return {}
        asked = np.frombuffer(mine, np.int8).astype(np.float32)
        asked /= max(float(np.linalg.norm(asked)), 1e-6)
        cosines = np.empty(len(ids), np.float32)
        for at in range(0, len(ids), _ROWS):
            cosines[at : at + _ROWS] = features[at : at + _ROWS].astype(np.float32) @ asked
        cosines *= scale
        many = min(LOOKED + 1, len(ids))
        nearest = np.argpartition(-cosines, many - 1)[:many]
        return {ids[n]: float(cosines[n]) for n in nearest if cosines[n] >= CLOSE}

    def _refresh(self, session: Session, now: datetime) -> None:
        f = FeaturesRow
        newest = session.scalar(select(func.max(CaseEventRow.id))) or 0
        if self._read_at is None or now - self._read_at >= ANEW:
            answered = CaseRow.first_response_at.is_not(None)
            latest = select(f.case_id, f.features).join(CaseRow, CaseRow.id == f.case_id).where(answered)
            self._ids, self._known, self._features, self._scale = [], set(), None, None
            self._add(session.execute(latest.order_by(f.case_id.desc()).limit(MOST)))
            self._read_at = now
        elif newest > self._event:
            recent = CaseEventRow.id > self._event - _TAIL
            answered_now = select(CaseEventRow.case_id).where(recent, CaseEventRow.kind.in_(REPLIES))
            self._add(session.execute(select(f.case_id, f.features).where(f.case_id.in_(answered_now))))
        self._event = newest

    def _add(self, rows: Iterable[Any]) -> None:
        import numpy as np

        new = {id: features for id, features in rows if id not in self._known}
        width = len(next(iter(new.values()), b"")) if self._features is None else self._features.shape[1]
        new = {id: features for id, features in new.items() if len(features) == width}
        if not new:
            return
        added = np.frombuffer(b"".join(new.values()), np.int8).reshape(len(new), width)
        norms = np.sqrt(np.einsum("ij,ij->i", added, added, dtype=np.float32))
        scale = (1 / np.maximum(norms, 1e-6)).astype(np.float32)
        self._features = added if self._features is None else np.concatenate([self._features, added])
        self._scale = scale if self._scale is None else np.concatenate([self._scale, scale])
        self._ids = [*self._ids, *new]
        self._known |= new.keys()


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
    c, m, v = CaseRow, MentionRow, VerdictRow
    names = ("id", "brand", "source", "language", "topic", "state", "posted_at", "calendar_seconds", "satisfaction")
    query = (
        select(
            *(getattr(c, name) for name in names), m.author, m.author_name, func.substr(m.text, 1, READ).label("text")
        )
        .join(m, m.id == c.mention_id)
        .where(c.id.in_(found), c.id != case.id, c.first_response_at.is_not(None), m.removed_at.is_(None))
    )
    if not by_words:  # features of another model are another language
        model = select(v.model).join(m, and_(m.id == v.mention_id, m.revision == v.revision))
        mine = session.scalar(model.where(m.id == case.mention_id))
        query = query.join(FeaturesRow, FeaturesRow.case_id == c.id)
        query = query.join(v, and_(v.mention_id == m.id, v.revision == m.revision)).where(v.model == mine)
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


def _bonus(each: Similar, case: CaseRow) -> float:
    liked = 0.0 if each.satisfaction is None else _SATISFIED if each.satisfaction >= 4 else _UNSATISFIED
    same = _SAME * ((each.brand == case.brand) + (each.language == case.language))
    return (0.0 if each.satisfaction == 3 else liked) + same + _RESOLVED * (each.state == "resolved")


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
