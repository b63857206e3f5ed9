"""What people say in a peak: terms that rise, and a few mentions to quote."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from monitor.models import MentionRow, SpikeRow
from monitor.spikes.event import Spike
from monitor.terms import rising, terms
from monitor.trend_mentions import Behind, behind
from monitor.trends import Filter

QUOTES = 3
TERMS = 5
READ = 300  # texts of the peak, and as many from before it
SHOWN = timedelta(days=90)  # so long words are taken back out of what quotes them


@dataclass(frozen=True, slots=True)
class Quote:
    source: str
    url: str | None
    text: str


def wanted(spike: Spike) -> Filter:
    """Which mentions a spike is about."""

    def one(value: str) -> tuple[str, ...]:
        return (value,) if value else ()

    return Filter(one(spike.brand), one(spike.source), (), one(spike.topic), one(spike.sentiment))


def worded(session: Session, spike: Spike) -> Spike:
    """With the terms that rise in it, and the mentions that say most of them; none twice that say the same."""
    about = wanted(spike)
    here = behind(session, spike.began_at, spike.until, about, limit=READ)
    before = behind(session, spike.began_at - timedelta(days=28), spike.began_at, about, limit=READ)
    found = [term.text for term in rising([m.text for m in here], [m.text for m in before], TERMS)]
    return replace(spike, terms=tuple(found), quoted=tuple(_chosen(here, set(found))))


def _chosen(mentions: tuple[Behind, ...], rises: set[str]) -> list[int]:
    said: dict[str, Behind] = {}
    for mention in mentions:
        if mention.text.strip():
            said.setdefault(" ".join(mention.text.casefold().split())[:60], mention)
    telling = sorted(said.values(), key=lambda m: (-len(rises & terms(m.text)), -m.posted_at.timestamp(), m.id))
    return [mention.id for mention in telling[:QUOTES]]


def quotes(session: Session, spike: Spike) -> list[Quote]:
    """The quoted mentions, as far as they still have words."""
    m = MentionRow
    there = m.id.in_(spike.quoted), m.removed_at.is_(None), m.text != ""
    rows = {row.id: row for row in session.scalars(select(m).where(*there))}
    return [Quote(rows[n].source, rows[n].url, rows[n].text) for n in spike.quoted if n in rows]


def quotes_gone(session: Session, now: datetime) -> dict[int, set[int]]:
    """Mentions whose words were removed and which are still quoted, by the spike that quotes them."""
    lately = select(SpikeRow.id, SpikeRow.quoted).where(SpikeRow.began_at > now - SHOWN)
    shown = {spike_id: set(quoted) for spike_id, quoted in session.execute(lately) if quoted}
    every = set().union(*shown.values())
    if not every:
        return {}
    m = MentionRow
    gone = set(session.scalars(select(m.id).where(m.id.in_(every), or_(m.removed_at.is_not(None), m.text == ""))))
    return {spike_id: quoted & gone for spike_id, quoted in shown.items() if quoted & gone}
