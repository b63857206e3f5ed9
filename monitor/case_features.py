"""What the model saw in the first complaints of cases: kept with them, and of the answered ones held in memory to be
compared with another's."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.case_events import REPLIES
from monitor.classify.likeness import Space, space
from monitor.classify.model import directory
from monitor.classify.verdict import Verdict
from monitor.database import insert_missing
from monitor.models import CaseEventRow, CaseRow, FeaturesRow
from monitor.settings import ClassifierSettings

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MOST = 200_000  # answered cases that are compared, the latest: 396 bytes each
ANEW = timedelta(hours=1)  # after which what was erased meanwhile is let go
SAME_BRAND = 0.1  # added to the cosine: customers of one brand mean the same thing by like words
_AT_ONCE = 5000  # features read in one go
_ROWS = 2048  # compared in one go: what fits into a core's cache
_SPARE = 1024  # room that is kept for what is answered next
_TAIL = 256  # events looked at behind the newest: on PostgreSQL a lower id may be committed after a higher one


def remember(session: Session, verdicts: Mapping[int, Verdict], now: datetime) -> None:
    """Keep what the model saw in complaints, the first time in each case; `verdicts` by the cases' ids."""
    seen = [(case_id, verdict.features) for case_id, verdict in verdicts.items() if verdict.features]
    rows = [{"case_id": case_id, "features": features, "at": now} for case_id, features in seen]
    insert_missing(session, FeaturesRow, rows, "case_id")


class AnsweredFeatures:
    """The features of the latest answered cases. Safe to share between threads."""

    def __init__(self, classifier: ClassifierSettings) -> None:
        self._lock = threading.Lock()
        self._directory = directory(classifier)
        self._read_at: datetime | None = None
        self._event = 0
        self._brands: dict[str, int] = {}
        self._held: _Held | None = None

    def nearest(self, session: Session, mine: bytes, brand: str, now: datetime, many: int) -> dict[int, float]:
        """By case, the cosine of those that are alike, up to `many`, where one of the same brand may be a little
        less so."""
        import numpy as np

        with self._lock:
            self._refresh(session, now)
            held, count, same = self._held, len(self), self._brands.get(brand, -1)
        if held is None or held.space.width != len(mine) or not count:
            return {}
        asked = held.space.direction(mine)
        cosines = np.empty(count, np.float32)
        for at in range(0, count, _ROWS):
            rows = held.placed[at : min(at + _ROWS, count)]
            cosines[at : at + len(rows)] = rows.astype(np.float32) @ asked
        cosines *= held.scale[:count]
        scores = cosines + SAME_BRAND * (held.brand[:count] == same)
        best = np.argpartition(-scores, min(many, count) - 1)[:many]
        return {int(held.ids[n]): float(cosines[n]) for n in best if scores[n] >= held.space.close}

    def __len__(self) -> int:
        return 0 if self._held is None else self._held.count

    def __contains__(self, case_id: int) -> bool:
        return self._held is not None and case_id in self._held.ids[: self._held.count]

    def _refresh(self, session: Session, now: datetime) -> None:
        newest = session.scalar(select(func.max(CaseEventRow.id))) or 0
        if self._read_at is None or now - self._read_at >= ANEW:
            f = FeaturesRow
            answered = select(f.case_id).join(CaseRow, CaseRow.id == f.case_id)
            answered = answered.where(CaseRow.first_response_at.is_not(None)).order_by(f.case_id.desc())
            there = list(session.scalars(answered.limit(MOST)))
            if self._held is not None:
                self._held = self._held.only(there)
            self._read(session, there)
            self._read_at = now
        elif newest > self._event:
            recent = CaseEventRow.id > self._event - _TAIL
            answered_now = select(CaseEventRow.case_id).where(recent, CaseEventRow.kind.in_(REPLIES))
            self._read(session, list(session.scalars(answered_now.distinct())))
        self._event = newest

    def _read(self, session: Session, case_ids: Sequence[int]) -> None:
        """Hold the features of these cases too, those of the newest one's size."""
        new = case_ids if self._held is None else self._held.without(case_ids)
        f, c = FeaturesRow, CaseRow
        for at in range(0, len(new), _AT_ONCE):
            part = select(f.case_id, c.brand, f.features).join(c, c.id == f.case_id)
            rows = session.execute(part.where(f.case_id.in_(new[at : at + _AT_ONCE])).order_by(f.case_id.desc())).all()
            if self._held is None and rows:
                self._held = _Held(space(self._directory, len(rows[0].features)), len(new) + _SPARE)
            width = self._held.space.width if self._held else 0
            rows = [row for row in rows if len(row.features) == width]
            if self._held and rows:
                brands = [self._brands.setdefault(row.brand, len(self._brands)) for row in rows]
                room = self._held.with_room(len(rows))
                room.add([row.case_id for row in rows], brands, b"".join(row.features for row in rows))
                self._held = room


class _Held:
    """Arrays with room at their end. What is read up to a `count` stays as it is while more is added behind it."""

    def __init__(self, where: Space, room: int) -> None:
        import numpy as np

        self.space, self.count = where, 0
        self.placed: npt.NDArray[np.int8] = np.empty((room, where.width), np.int8)
        self.scale: npt.NDArray[np.float32] = np.empty(room, np.float32)
        self.ids: npt.NDArray[np.int64] = np.empty(room, np.int64)
        self.brand: npt.NDArray[np.int32] = np.empty(room, np.int32)

    def without(self, ids: Sequence[int]) -> list[int]:
        """Those of `ids` that are not held."""
        import numpy as np

        held = np.isin(np.array(ids, np.int64), self.ids[: self.count])
        return [id for id, there in zip(ids, held, strict=True) if not there]

    def add(self, ids: Sequence[int], brands: Sequence[int], features: bytes) -> None:
        rows = slice(self.count, self.count + len(ids))
        self.placed[rows], self.scale[rows] = self.space.placed(features)
        self.ids[rows], self.brand[rows] = ids, brands
        self.count += len(ids)

    def with_room(self, more: int) -> _Held:
        if self.count + more <= len(self.ids):
            return self
        return self._copy(slice(0, self.count), self.count + more + max(_SPARE, self.count // 8))

    def only(self, ids: Sequence[int]) -> _Held:
        """Without the cases that are not among `ids`."""
        import numpy as np

        kept = np.flatnonzero(np.isin(self.ids[: self.count], ids))
        return self if len(kept) == self.count else self._copy(kept, len(kept) + _SPARE)

    def _copy(self, rows: slice | npt.NDArray[np.int64], room: int) -> _Held:
        other = _Held(self.space, room)
        count = other.count = len(self.ids[rows])
        for name in ("placed", "scale", "ids", "brand"):
            getattr(other, name)[:count] = getattr(self, name)[rows]
        return other
