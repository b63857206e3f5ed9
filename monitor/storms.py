"""Storms: many similar complaints about one brand within a short time become one incident.

Similar is what has the same topic, or what looks alike to the model. A storm is a count within `storms.window` that the
usual of that brand, topic and hour of the week (baseline.py, usual.py) would reach with a probability of at most
`storms.rarity`. It is looked for when a batch of verdicts is committed, in that transaction, and among recent cases
only. Counted is when complaints were posted, so that a source that was away and brings three hours at once is none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from monitor.baseline import ANY, HOUR, Baseline, densest
from monitor.case_features import remember
from monitor.classify.likeness import likeness, middle
from monitor.classify.verdict import TOPICS, Verdict
from monitor.models import CaseRow, FeaturesRow, IncidentRow, MentionRow
from monitor.storm_settings import StormsSettings
from monitor.usual import Usual

OTHER = TOPICS[-1]  # says nothing of what failed, so where there are features they alone decide
RECENT = 600  # of a brand's cases that are looked at, the latest
EARLIER = 300  # complaints from before the window, from which is taken how many are alike in ordinary times
ORDINARY = timedelta(days=2)  # how old these may be
SEEDS = 8  # of the new complaints, the latest are tried as the middle of something
MOSTLY = 0.5  # a topic that so many of the first complaints have is a topic of the incident
_LOCK = 0x66697274  # PostgreSQL: two batches that are committed at once must not open two incidents

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recent:
    """A case as far as storms are concerned."""

    id: int
    topic: str
    posted_at: datetime
    features: bytes | None

    def about(self, topic: str) -> bool:
        """Whether the topic makes it similar to others of that topic."""
        return self.topic == topic and not (topic == OTHER and self.features)


@dataclass(frozen=True, slots=True)
class Storm:
    """What was found: its first cases, the topics and features by which further ones are known, and what was usual."""

    cases: tuple[Recent, ...]
    topics: tuple[str, ...]
    features: bytes | None
    usual: Usual


@dataclass(frozen=True, slots=True)
class Gathered:
    """Cases that were put into an incident; `opened` when it is a new one."""

    incident: IncidentRow
    cases: tuple[int, ...]
    opened: bool


class Storms:
    """`listeners` hear of each incident that gets cases, inside the transaction that gives them to it."""

    def __init__(
        self, settings: StormsSettings, listeners: Sequence[Callable[[Session, Gathered, datetime], None]] = ()
    ):
        self._settings = settings
        self._listeners = tuple(listeners)
        self._baseline = Baseline(settings.weeks)

    def gather(self, session: Session, verdicts: Mapping[int, Verdict], now: datetime) -> None:
        """Put cases that were just opened into incidents, where they belong to one; in the caller's write transaction.
        `verdicts` by the cases' ids; those of cases that were there before are left out."""
        remember(session, verdicts, now)
        if not self._settings.enabled or not verdicts:
            return
        rows = session.scalars(
            select(CaseRow)
            .join(MentionRow, MentionRow.id == CaseRow.mention_id)
            .where(
                CaseRow.id.in_(verdicts),
                CaseRow.opened_at == now,
                CaseRow.incident_id.is_(None),
                ~MentionRow.backfill,
            )
        ).all()
        if not rows:
            return
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        seen = {row.id: verdicts[row.id].features for row in rows}
        by_brand: dict[str, list[Recent]] = {}
        for row in rows:
            by_brand.setdefault(row.brand, []).append(Recent(row.id, row.topic, row.posted_at, seen[row.id]))
        for brand, new in by_brand.items():
            self._gather(session, brand, new, now)

    def _gather(self, session: Session, brand: str, new: list[Recent], now: datetime) -> None:
        known = session.scalars(
            select(IncidentRow).where(IncidentRow.state == "open", IncidentRow.brand == brand).order_by(IncidentRow.id)
        )
        for incident in known:
            new = self._join(session, incident, new, now)
        while new and (storm := self._find(session, brand, new)) is not None:
            incident = IncidentRow(
                brand=brand,
                state="open",
                topics=list(storm.topics),
                features=storm.features,
                began_at=min(case.posted_at for case in storm.cases),
                opened_at=now,
                usual=storm.usual.mean / (self._settings.window / HOUR),
                size=storm.usual.size,
            )
            session.add(incident)
            session.flush()
            log.warning("a storm of complaints", brand=brand, topics=storm.topics, complaints=len(storm.cases))
            self._put(session, incident, [case.id for case in storm.cases], now, opened=True)
            first = {case.id for case in storm.cases}
            new = self._join(session, incident, [case for case in new if case.id not in first], now)

    def _join(self, session: Session, incident: IncidentRow, new: list[Recent], now: datetime) -> list[Recent]:
        """Give the incident what belongs to it; what is left."""
        mine = set(belonging(new, incident.topics, incident.features, self._settings.similarity))
        if mine:
            self._put(session, incident, sorted(mine), now, opened=False)
        return [case for case in new if case.id not in mine]

    def _put(self, session: Session, incident: IncidentRow, cases: list[int], now: datetime, opened: bool) -> None:
        for row in session.scalars(select(CaseRow).where(CaseRow.id.in_(cases)).with_for_update()):
            row.incident_id = incident.id
        session.flush()
        for listener in self._listeners:
            listener(session, Gathered(incident, tuple(cases), opened), now)

    def _find(self, session: Session, brand: str, new: list[Recent]) -> Storm | None:
        window = self._settings.window
        start, end = min(c.posted_at for c in new) - window, max(c.posted_at for c in new) + window
        recent = _recent(session, brand, start, end, RECENT)
        if len(recent) < self._settings.minimum:
            return None
        fresh = {case.id for case in new}
        return self._by_topic(session, brand, recent, fresh) or self._by_features(session, brand, recent, fresh)

    def _by_topic(self, session: Session, brand: str, recent: list[Recent], fresh: set[int]) -> Storm | None:
        counted = Counter(case.topic for case in recent if case.id in fresh)
        for topic, _ in counted.most_common():
            same = [case for case in recent if case.about(topic)]
            storm = self._rare(same, fresh, partial(self._usual, session, brand, topic))
            if storm is not None:
                return replace(storm, topics=(topic,), features=middle([case.features for case in storm.cases]))
        return None

    def _by_features(self, session: Session, brand: str, recent: list[Recent], fresh: set[int]) -> Storm | None:
        seeds = [case for case in recent if case.id in fresh and case.features][-SEEDS:]
        alike = {seed.id: self._like(seed.features or b"", recent) for seed in seeds}
        seed = max(seeds, key=lambda case: len(alike[case.id]), default=None)
        if seed is None or len(alike[seed.id]) < self._settings.minimum:
            return None
        earlier = _earlier(session, brand, recent[0].posted_at)
        before = int((likeness(seed.features or b"", earlier) >= self._settings.similarity).sum())
        share = (before + 1) / (len(earlier) + SEEDS)  # the most alike of several seeds: each may be the one
        storm = self._rare(
            alike[seed.id],
            fresh,
            lambda end: self._usual(session, brand, ANY, end).part(min(1.0, share), before),
        )
        if storm is None:
            return None
        topics = Counter(case.topic for case in storm.cases if case.topic != OTHER)
        most = tuple(topic for topic, count in topics.items() if count >= MOSTLY * len(storm.cases))
        return replace(storm, topics=most, features=middle([case.features for case in storm.cases]))

    def _like(self, features: bytes, cases: Sequence[Recent]) -> list[Recent]:
        alike = likeness(features, [case.features for case in cases])
        return [case for case, cosine in zip(cases, alike, strict=True) if cosine >= self._settings.similarity]

    def _rare(self, cases: list[Recent], fresh: set[int], expected: Callable[[datetime], Usual]) -> Storm | None:
        """The densest window of `cases` (in the order of their posting), if one so dense is rare and a new one is in
        it."""
        window = self._settings.window
        found = densest([case.posted_at for case in cases], window)
        if found is None or found[0] < self._settings.minimum:
            return None
        count, end = found
        inside = tuple(case for case in cases if end - window < case.posted_at <= end)
        if not any(case.id in fresh for case in inside):
            return None
        usual = expected(end)
        return Storm(inside, (), None, usual) if usual.tail(count) <= self._settings.rarity else None

    def _usual(self, session: Session, brand: str, topic: str | None, end: datetime) -> Usual:
        return self._baseline.past(session, brand, end).usual(topic, self._settings.window / HOUR)


def belonging(cases: Iterable[Recent], topics: Sequence[str], features: bytes | None, similarity: float) -> list[int]:
    """The ids of those that belong to an incident of these topics, in the middle of which are these features."""
    listed = list(cases)
    mine = [case.id for case in listed if any(map(case.about, topics))]
    if features:
        alike = likeness(features, [case.features for case in listed])
        mine += [case.id for case, cosine in zip(listed, alike, strict=True) if cosine >= similarity]
    return mine


def _recent(session: Session, brand: str, start: datetime, end: datetime, limit: int) -> list[Recent]:
    """The brand's cases of that time that are in no incident, in the order of their posting."""
    rows = session.execute(
        select(CaseRow.id, CaseRow.topic, CaseRow.posted_at, FeaturesRow.features)
        .join(MentionRow, MentionRow.id == CaseRow.mention_id)
        .join(FeaturesRow, FeaturesRow.case_id == CaseRow.id, isouter=True)
        .where(
            CaseRow.brand == brand,
            CaseRow.posted_at > start,
            CaseRow.posted_at <= end,
            CaseRow.incident_id.is_(None),
            CaseRow.state != "dismissed",
            ~MentionRow.backfill,
        )
        .order_by(CaseRow.posted_at.desc(), CaseRow.id.desc())
        .limit(limit)
    )
    return [Recent(*row) for row in reversed(rows.all())]


def _earlier(session: Session, brand: str, before: datetime) -> list[bytes | None]:
    """Features of the brand's complaints before that time, the latest."""
    return list(
        session.scalars(
            select(FeaturesRow.features)
            .join(CaseRow, CaseRow.id == FeaturesRow.case_id)
            .where(CaseRow.brand == brand, CaseRow.posted_at < before, CaseRow.incident_id.is_(None))
            .where(FeaturesRow.at > before - ORDINARY)
            .order_by(CaseRow.posted_at.desc())
            .limit(EARLIER)
        )
    )
