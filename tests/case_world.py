"""A world for tests of cases, on whichever database: mentions are judged and people act `minutes` after noon."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.cases import Case, Cases, Change
from monitor.classify.verdict import Verdict
from monitor.database import Database
from monitor.models import MentionRow, VerdictRow
from monitor.settings import Settings

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
COMPLAINT = Verdict(
    language="en",
    language_score=0.99,
    sentiment="negative",
    sentiment_scores=(0.9, 0.08, 0.02),
    complaint=True,
    complaint_score=0.93,
    severity="medium",
    severity_score=0.7,
    topic="delivery",
    topic_score=0.8,
    model="test-1",
)
QUESTION = replace(COMPLAINT, complaint=False, complaint_score=0.2, sentiment="neutral")
THANKS = replace(COMPLAINT, complaint=False, complaint_score=0.01, sentiment="positive")


@dataclass
class World:
    """Cases over one database, with short ways to make things happen `minutes` after noon."""

    db: Database
    cases: Cases
    heard: list[Change]
    mentions: int = 0

    def says(
        self, minutes: float = 0, verdict: Verdict = COMPLAINT, *, seen: float | None = None, **fields: Any
    ) -> int | None:
        """A mention is judged; the case it went to."""
        self.mentions += 1
        posted, seen_at = at(minutes), at(minutes if seen is None else seen)
        values = {
            "source": "feed",
            "external_id": f"m{self.mentions}",
            "text": "My parcel never came",
            "author": "ann",
            "conversation": "c1",
            "brands": ["Acme"],
        } | fields
        with self.db.write() as session:
            row = MentionRow(posted_at=posted, seen_at=seen_at, judging="judged", **values)
            session.add(row)
            session.flush()
            session.add(verdict_row(row.id, 0, verdict, seen_at))
            return self.cases.consider(session, {row.id: verdict}, seen_at).get(row.id)

    def opens(self, **fields: Any) -> int:
        case_id = self.says(**fields)
        assert case_id is not None
        return case_id

    def act(self, case_id: int, event: str, minutes: float = 1, actor: str = "mia", **detail: Any) -> Case:
        return self.cases.act(case_id, event, actor, "test", at(minutes), **detail).case

    def tick(self, minutes: float) -> list[str]:
        """What the clock sets off at that time."""
        before = len(self.heard)
        self.cases.tick(at(minutes))
        return [change.event for change in self.heard[before:]]

    def case(self, case_id: int) -> Case:
        with self.db.read() as session:
            return self.cases.get(session, case_id)

    def kinds(self, case_id: int) -> list[str]:
        with self.db.read() as session:
            return [event.kind for event in self.cases.history(session, case_id)]


def at(minutes: float) -> datetime:
    return NOON + minutes * MINUTE


def verdict_row(mention_id: int, revision: int, verdict: Verdict, judged_at: datetime) -> VerdictRow:
    negative, neutral, positive = verdict.sentiment_scores
    names = (
        "language language_score sentiment complaint complaint_score severity severity_score topic topic_score model"
    )
    return VerdictRow(
        mention_id=mention_id,
        revision=revision,
        negative=negative,
        neutral=neutral,
        positive=positive,
        judged_at=judged_at,
        **{name: getattr(verdict, name) for name in names.split()},
    )


def built(db: Database, make_settings: Callable[..., Settings], **sections: Any) -> World:
    heard: list[Change] = []
    brands = [
        {"name": "Acme", "match": "acme"},
        {"name": "Beta", "match": "beta"},
        {"name": "Rival", "match": "rival", "competitor": True},
    ]
    listen = lambda _session, change: heard.append(change)  # noqa: E731
    return World(db, Cases(db, make_settings(brands=brands, **sections), [listen]), heard)
