"""Mentions and cases put straight into a database, for tests of what reads them."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from monitor.cases import Cases
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.models import MentionRow, VerdictRow
from monitor.settings import Settings

_numbers = itertools.count(1)


def verdict(complaint: bool = True, **more: Any) -> Verdict:
    given: dict[str, Any] = {
        "language": "en",
        "language_score": 0.99,
        "sentiment": "negative",
        "sentiment_scores": (0.9, 0.08, 0.02),
        "complaint": complaint,
        "complaint_score": 0.97 if complaint else 0.03,
        "severity": "high",
        "severity_score": 0.8,
        "topic": "delivery",
        "topic_score": 0.7,
        "model": "test",
    }
    return Verdict(**(given | more))


def judge(session: Session, row: MentionRow, judged: Verdict, now: datetime) -> None:
    """Store a verdict on a mention."""
    scores = dict(zip(("negative", "neutral", "positive"), judged.sentiment_scores, strict=True))
    names = [name for name in judged.__dataclass_fields__ if name not in ("sentiment_scores", "features")]
    plain = {name: getattr(judged, name) for name in names}
    session.add(VerdictRow(mention_id=row.id, revision=row.revision, judged_at=now, **plain, **scores))
    session.flush()


def complain(
    db: Database,
    settings: Settings,
    now: datetime,
    text: str = "My parcel never came.",
    cases: Cases | None = None,
    **more: Any,
) -> int:
    """A judged complaint; the id of the case that it opens. Nobody hears of it unless `cases` has listeners."""
    number = next(_numbers)
    given = {
        "source": "news",
        "external_id": f"m{number}",
        "url": f"https://example.com/{number}",
        "text": text,
        "author": f"customer{number}",
        "brands": ["Acme"],
        "posted_at": now,
        "seen_at": now,
        "judging": "judged",
    } | more
    judged = verdict()
    with db.write() as session:
        row = MentionRow(**given)
        session.add(row)
        session.flush()
        judge(session, row, judged, now)
        case_id = (cases or Cases(db, settings)).consider(session, {row.id: judged}, now).get(row.id)
    assert case_id is not None
    return case_id
