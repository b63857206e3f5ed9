"""How the service is doing: what /readyz, /metrics and `firsthour check` show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import TextClause, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import InstrumentedAttribute, Session

from monitor import __version__, lag
from monitor.clock import Clock
from monitor.database import Database, trouble
from monitor.models import CaseRow, DeliveryRow, MentionRow
from monitor.settings import Settings, SourceSettings
from monitor.source_health import SourceHealth, source_health
from monitor.sources.base import Source

OPEN_DELIVERIES = ("pending", "sending", "unknown")
OPEN_CASES = ("open", "taken", "replied", "reopened", "snoozed")

Probe = Callable[[], str | None]


class Health:
    """Ready means: the database answers, at least one source works (if any is configured) and was read not too long
    ago, Slack takes our messages, nothing waits for longer than `[ops]` allows. One failing source among others shows
    as not ok but keeps the service ready."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        settings: Settings,
        sources: Callable[[], Mapping[str, tuple[Source, SourceSettings]]] = dict,
    ) -> None:
        """`sources` gives those that were made; without it nothing is told of their budgets."""
        self._db, self._clock, self._settings, self._made = db, clock, settings, sources
        self._since = clock.now()
        self._probes: dict[str, Probe] = {}

    def add_probe(self, name: str, probe: Probe) -> None:
        """`probe` says what is wrong with a part of this process (None: nothing)."""
        self._probes[name] = probe

    def live(self) -> dict[str, Any]:
        """The process itself; touches nothing."""
        uptime = (self._clock.now() - self._since).total_seconds()
        return {"ok": True, "version": __version__, "uptime_seconds": round(uptime, 1)}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether the service does its work, and the state of each part: `{part: {"ok": bool, ...}}`."""
        now = self._clock.now()
        try:
            with self._db.read() as session:
                sources = self._sources(session, now)
                slack = self._slack(session, now)
                behind = self._lag(session, now)
                reading = self._reading(session, now)
        except SQLAlchemyError as error:
            return False, {"ok": False, "database": {"ok": False, "error": trouble(error) or type(error).__name__}}
        stages = {name: problem for name, probe in self._probes.items() if (problem := probe())}
        parts: dict[str, Any] = {
            "database": {"ok": True, "kind": self._db.dialect},
            "sources": sources,
            "slack": slack,
            "reading": reading,
            "lag": behind,
            "stages": {"ok": not stages, "failing": stages},
        }
        some_source = not sources["each"] or any(each["ok"] for each in sources["each"].values())
        ready = some_source and reading["ok"] and slack["ok"] and behind["ok"] and not stages
        return ready, {"ok": ready, **parts}

    def figures(self) -> dict[str, Any]:
        """Numbers for metrics: `cases` by state, `deliveries` by state, `waiting` and `parked` mentions, and each
        source as `source_health` tells it."""
        now = self._clock.now()
        with self._db.read() as session:
            cases = _counts(session, CaseRow.state, OPEN_CASES)
            deliveries = _counts(session, DeliveryRow.state, OPEN_DELIVERIES, lag.UNSENT)
            waiting, parked = (
                session.scalar(select(func.count()).select_from(MentionRow).where(state)) or 0
                for state in (lag.UNJUDGED, lag.PARKED)
            )
            sources = self._sources(session, now)["each"]
        return {
            "cases": cases,
            "deliveries": deliveries,
            "waiting": waiting,
            "parked": parked,
            "sources": sources,
        }

    def sources(self, session: Session, now: datetime) -> list[SourceHealth]:
        """Each configured source, in their order."""
        return source_health(session, self._settings.sources, self._made(), now)

    def _sources(self, session: Session, now: datetime) -> dict[str, Any]:
        found = self.sources(session, now)
        each = {one.name: {"ok": one.ok} | asdict(one, dict_factory=_plain) for one in found}
        return {"ok": all(s["ok"] for s in each.values()), "each": each}

    def _slack(self, session: Session, now: datetime) -> dict[str, Any]:
        if self._settings.slack.bot_token is None or self._settings.slack.channel is None:
            return {"ok": True, "configured": False}
        waiting, since = session.execute(
            select(func.count(), func.min(DeliveryRow.not_before)).where(
                lag.UNSENT, DeliveryRow.transport == "slack", DeliveryRow.not_before <= now
            )
        ).one()
        error = session.scalar(
            select(DeliveryRow.error)
            .where(lag.UNSENT, DeliveryRow.transport == "slack", DeliveryRow.error.is_not(None))
            .order_by(DeliveryRow.not_before, DeliveryRow.id)
            .limit(1)
        )
        late = since is not None and now - since > self._settings.ops.delivering_after
        return {"ok": not late, "configured": True, "waiting": waiting, "error": error}

    def _lag(self, session: Session, now: datetime) -> dict[str, Any]:
        ops = self._settings.ops
        judging, delivering = _age(lag.unjudged_since(session), now), _age(lag.unsent_since(session, now), now)
        in_time = judging <= ops.judging_after.total_seconds() and delivering <= ops.delivering_after.total_seconds()
        return {"ok": in_time, "judging_seconds": round(judging, 1), "delivering_seconds": round(delivering, 1)}

    def _reading(self, session: Session, now: datetime) -> dict[str, Any]:
        """A service that has read nothing for an hour is not quiet, it is broken."""
        names = [source.name for source in self._settings.sources]
        read = lag.last_read(session, names)
        silent = _age(max(read or self._since, self._since), now)
        return {
            "ok": not names or silent <= lag.silence_allowed(self._settings).total_seconds(),
            "silent_seconds": round(silent, 1),
            "last_read_at": read.isoformat() if read else None,
        }


def _counts(
    session: Session, column: InstrumentedAttribute[str], values: tuple[str, ...], which: TextClause | None = None
) -> dict[str, int]:
    """How many rows have each of `values`; `which` says the same so that a partial index is found."""
    among = column.in_(values) if which is None else which
    rows = session.execute(select(column, func.count()).where(among).group_by(column)).all()
    return dict.fromkeys(values, 0) | {value: count for value, count in rows}  # noqa: C416


def _age(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _plain(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in fields}
