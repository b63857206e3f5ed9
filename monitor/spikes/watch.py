"""The job that looks for spikes: it opens an event once, follows it, ends it, and tells listeners of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

import structlog
from sqlalchemy import or_, select, text
from sqlalchemy.orm import Session

from monitor.business_time import holiday_calendar
from monitor.database import Database
from monitor.models import SpikeRow
from monitor.rollups import brands
from monitor.settings import Settings
from monitor.spikes.event import Spike, followed, lessons, spike_of
from monitor.spikes.history import HOUR, Histories, History, settled
from monitor.spikes.hushes import hushes, together
from monitor.spikes.peaking import DAY, left_of, over, standing
from monitor.spikes.words import QUOTES, quotes_gone, worded

GROWN = 1.25  # times what was told last: worth telling again
_LOCK = 0x7370696B  # PostgreSQL: two replicas must not open one event twice

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Happened:
    """What has become of a spike: `opened`, `grown`, `ended`, or `unquoted`: words that it showed are gone."""

    spike: Spike
    event: str
    at: datetime


Listener = Callable[[Session, Happened], None]


class Spikes:
    """`listeners` hear of what happens to a spike inside the transaction in which it is stored."""

    def __init__(self, db: Database, settings: Settings, listeners: Sequence[Listener] = ()) -> None:
        self._db, self._all, self._settings = db, settings, settings.spikes
        self._listeners = tuple(listeners)
        holidays = holiday_calendar(settings.clock.holidays)
        self._histories = Histories(self._settings.weeks, settings.clock.zone, self._settings.late, holidays)
        told = [brand for brand in settings.brands if self._settings.competitors or not brand.competitor]
        self._watched = {brand.name for brand in told}
        self._chance = HOUR / self._settings.once_in

    def tick(self, now: datetime) -> int:
        """Look at the hours up to now; how many spikes were opened."""
        with self._db.read() as session:
            known = self._known(session, now)
            seen = [self._worded(session, spike) for spike in self._seen(session, known, now)]
            gone = quotes_gone(session, now)
        if not seen and not gone:
            return 0
        with self._db.write() as session:
            if self._db.dialect == "postgresql":
                session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            for spike_id in gone:
                row = session.get_one(SpikeRow, spike_id, with_for_update=True, populate_existing=True)
                row.quoted = [mention_id for mention_id in row.quoted if mention_id not in gone[spike_id]]
                self._tell(session, row, "unquoted", now)
            return sum(self._keep(session, spike, now) for spike in seen)

    def _worded(self, session: Session, spike: Spike) -> Spike:
        """With what people say in it, until there is enough to show."""
        return worded(session, spike) if spike.kind == "peak" and len(spike.quoted) < QUOTES else spike

    def _known(self, session: Session, now: datetime) -> list[Spike]:
        """What teaches nothing about the usual: the oldest first."""
        reach = now - (self._settings.weeks + 1) * 7 * DAY
        wanted = or_(SpikeRow.state == "open", SpikeRow.until > reach)
        return [spike_of(row) for row in session.scalars(select(SpikeRow).where(wanted).order_by(SpikeRow.id))]

    def _seen(self, session: Session, known: list[Spike], now: datetime) -> list[Spike]:
        """Every event that is open, or has just begun, as it stands now."""
        read = self._histories.sources(session, now)
        old = settled(session, read, self._settings.late, now)
        those = old if old != read.keys() else ()  # all of them are read much faster: from the sums of the hours
        sources = {
            source.name: self._ordinary(read[source.name], known, now, source=source.name)
            for source in self._all.sources
            if source.name in read
        }
        ordinary: dict[str, History] = {}
        found: list[Spike] = []
        for brand in (name for name in brands(session) if old and name in self._watched):
            ordinary[brand] = self._ordinary(self._histories.brand(session, brand, those, now), known, now, brand=brand)
            mine = [s for s in known if s.brand == brand and s.kind == "peak"]
            found += standing(ordinary[brand], brand, mine, self._settings, now, self._settings.late)
        hushed = [spike for spike in known if spike.kind == "hush"]
        found += [
            followed(spike, self._where(spike, sources, ordinary), now) for spike in hushed if spike.state == "open"
        ]
        if self._settings.hush and sources:
            for spike in hushes(session, self._all, sources, ordinary, self._chance, now):
                if not any(self._same_silence(old, spike) for old in hushed):
                    found.append(followed(spike, self._where(spike, sources, ordinary), now))
        return found

    def _ordinary(
        self, history: History, known: list[Spike], now: datetime, brand: str = "", source: str = ""
    ) -> History:
        """Without the hours of its events."""
        mine = [
            spike
            for spike in known
            if (spike.brand == brand and spike.source == source) or (spike.kind == "hush" and not spike.brand)
        ]
        return history.without(lessons(mine))

    def _where(self, spike: Spike, sources: dict[str, History], by_brand: dict[str, History]) -> History:
        if spike.brand:
            return by_brand[spike.brand]
        return sources[spike.source] if spike.source in sources else together(sources.values())

    def _same_silence(self, old: Spike, new: Spike) -> bool:
        """One silence is told once: that of everything tells of each part."""
        about = old.about == new.about or not (old.brand or old.source) or not (new.brand or new.source)
        return about and (old.state == "open" or left_of(old, new, self._settings))

    def _keep(self, session: Session, spike: Spike, now: datetime) -> int:
        """Store how it stands; 1 if it is a new one."""
        if spike.id is None:
            return self._open(session, spike, now)
        row = session.get_one(SpikeRow, spike.id, with_for_update=True, populate_existing=True)
        if row.state != "open":
            return 0
        if over(spike, now, self._settings):
            row.state, row.ended_at, row.until = "ended", now, spike.until
            row.count, row.usual = spike.count, spike.usual
            log.info("a spike is over", spike=row.id, kind=row.kind, brand=row.brand)
            self._tell(session, row, "ended", now)
        elif spike.until > row.until or spike.count > GROWN * row.count or spike.series != spike_of(row).series:
            for name in ("until", "count", "usual", "most", "chance", "sentiment", "topic"):
                setattr(row, name, getattr(spike, name))
            row.terms, row.quoted = list(spike.terms), list(spike.quoted)
            self._tell(session, row, "grown", now)
        return 0

    def _open(self, session: Session, spike: Spike, now: datetime) -> int:
        there = select(SpikeRow).where(SpikeRow.state == "open", SpikeRow.kind == spike.kind)
        same = there.where(SpikeRow.brand == spike.brand, SpikeRow.source == spike.source)
        if any(spike_of(row).series.meets(spike.series) for row in session.scalars(same)):
            return 0  # another replica was first
        if now - spike.until >= self._settings.calm:
            return 0  # it came to light when it was over
        given = {f.name: getattr(spike, f.name) for f in fields(Spike) if f.name != "id"}
        row = SpikeRow(**given | {"terms": list(spike.terms), "quoted": list(spike.quoted)})
        session.add(row)
        session.flush()
        log.info("a spike", spike=row.id, kind=row.kind, brand=row.brand, source=row.source, topic=row.topic)
        self._tell(session, row, "opened", now)
        return 1

    def _tell(self, session: Session, row: SpikeRow, event: str, at: datetime) -> None:
        session.flush()
        for listener in self._listeners:
            listener(session, Happened(spike_of(row), event, at))
