"""Judged mentions of past weeks put straight into a database, with a rhythm of the week, and spikes among them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from monitor import rollups
from monitor.database import Database, insert_rows
from monitor.models import MentionRow, SourceState, VerdictRow

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
_numbers = itertools.count(1)


def say(
    db: Database, at: Iterable[datetime], text: str = "Acme is late again", late: timedelta = timedelta(0), **more: Any
) -> list[int]:
    """A judged mention of Acme at each of these times, seen so much later, and counted; their ids."""
    judged = {"sentiment": "negative", "topic": "delivery", "language": "en", "complaint": True}
    judged |= {name: more.pop(name) for name in list(more) if name in judged}
    judged |= dict.fromkeys(("language_score", "complaint_score", "severity_score", "topic_score"), 0.9)
    judged |= {"revision": 0, "severity": "low", "model": "told", "negative": 0.8, "neutral": 0.1, "positive": 0.1}
    mentions = []
    for moment in at:
        number = next(_numbers)
        given = {
            "source": "x",
            "external_id": f"h{number}",
            "url": f"https://x.example/{number}",
            "author": f"u{number}",
        }
        given |= {"text": text, "own": False, "backfill": False, "brands": ["Acme"], "posted_at": moment}
        mentions.append(given | {"seen_at": moment + late, "revision": 0, "judging": "judged", "attempt": 0} | more)
    if not mentions:
        return []
    with db.write() as session:
        stored = insert(MentionRow).returning(MentionRow.id, sort_by_parameter_order=True)
        ids = list(session.scalars(stored, mentions))
        verdicts = [{"mention_id": n, "judged_at": m["posted_at"]} | judged for n, m in zip(ids, mentions, strict=True)]
        insert_rows(session, VerdictRow, verdicts)
        rollups.count(session, ids)
    return ids


def ordinary(
    db: Database,
    until: datetime,
    weeks: int = 4,
    rate: Callable[[datetime], float] | None = None,
    seed: int = 1,
    **more: Any,
) -> None:
    """Weeks of mentions up to `until`, on average `rate` in an hour (none: 2 by night and 6 by day)."""
    dice = random.Random(seed)
    start, moments = until - weeks * WEEK, []
    while start < until:
        mean = rate(start) if rate else 6.0 if 8 <= start.hour < 20 else 2.0
        count = sum(1 for _ in range(40) if dice.random() < mean / 40)
        moments += [start + HOUR * dice.random() for _ in range(count)]
        start += HOUR
    say(db, sorted(moments), **more)


def read_at(db: Database, now: datetime, *names: str, **more: Any) -> None:
    """That sources were read, or failed."""
    with db.write() as session:
        for name in names:
            session.merge(SourceState(**{"name": name, "last_success_at": now, "failures": 0} | more))
