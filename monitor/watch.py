"""Tells the operator of what nobody else would notice: that nothing is read, judged or sent any more.

A daemon that has read nothing for an hour is not quiet, it is broken. Each trouble is told once, and once more when it
is over, whatever the number of replicas: a row of `alarms` stands for it. It must be there at two looks in a row, so
that a service that catches up after a start alarms nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from monitor import lag
from monitor.clock import Clock
from monitor.database import Database
from monitor.models import AlarmRow
from monitor.scheduler import Job
from monitor.settings import Settings

EVERY = timedelta(minutes=1)
_OVER = {
    "reading": "Sources are read again, after {minutes} min.",
    "judging": "Mentions are judged again as they come, after {minutes} min.",
    "delivering": "Messages go out again as they come, after {minutes} min.",
}

Tell = Callable[[Session, str, datetime, bool], object]  # text, now, whether by every way that there is


@dataclass(frozen=True, slots=True)
class Trouble:
    """`part` is reading, judging or delivering."""

    part: str
    since: datetime
    text: str


class Watch:
    def __init__(self, db: Database, clock: Clock, settings: Settings, tell: Tell) -> None:
        """`tell` is called in the transaction that writes down that it was told."""
        self._db, self._settings, self._tell = db, settings, tell
        self._started = clock.now()

    def job(self) -> Job:
        return Job("watch", EVERY, self.look)

    def look(self, now: datetime) -> None:
        with self._db.read() as session:
            found = {trouble.part: trouble for trouble in self._troubles(session, now)}
            known = {row.part for row in session.scalars(select(AlarmRow))}
        if not found and not known:
            return
        with self._db.write() as session:
            alarms = {row.part: row for row in session.scalars(select(AlarmRow).with_for_update())}
            for part, trouble in found.items():
                if part not in alarms:
                    session.add(AlarmRow(part=part, since=trouble.since, seen_at=now))
                elif alarms[part].told_at is None and alarms[part].seen_at < now:
                    alarms[part].told_at = now
                    self._tell(session, trouble.text, now, part == "delivering")
            for part, alarm in alarms.items():
                if part in found or not self._over(session, alarm):
                    continue
                session.execute(delete(AlarmRow).where(AlarmRow.part == part))
                if alarm.told_at is not None:
                    self._tell(session, _OVER[part].format(minutes=_minutes(now - alarm.since)), now, False)

    def _troubles(self, session: Session, now: datetime) -> list[Trouble]:
        ops, troubles = self._settings.ops, []
        names = [source.name for source in self._settings.sources]
        read = max(lag.last_read(session, names) or self._started, self._started)
        if names and now - read > lag.silence_allowed(self._settings):
            text = "Nothing has been read from any source since {since}. Does a process with the role collect run?"
            troubles.append(_trouble("reading", read, now, text))
        unjudged = lag.unjudged_since(session)
        if unjudged is not None and now - unjudged > ops.judging_after:
            text = "Mentions have waited to be judged since {since}. Does a process with the role classify run?"
            troubles.append(_trouble("judging", unjudged, now, text))
        unsent = lag.unsent_since(session, now)
        if unsent is not None and now - unsent > ops.delivering_after:
            error = lag.unsent_error(session)
            why = f"The first error: {error.rstrip('.')}." if error else "Does a process with the role deliver run?"
            troubles.append(_trouble("delivering", unsent, now, "Messages have waited to go out since {since}. ", why))
        return troubles

    def _over(self, session: Session, alarm: AlarmRow) -> bool:
        """A start makes everything look fresh; that something was read again shows in the database only."""
        if alarm.part != "reading":
            return True
        read = lag.last_read(session, [source.name for source in self._settings.sources])
        return read is not None and read > alarm.since


def _trouble(part: str, since: datetime, now: datetime, text: str, more: str = "") -> Trouble:
    words = text.format(since=f"{since:%H:%M} UTC ({_minutes(now - since)} min)") + more
    return Trouble(part, since, f"{words} GET /readyz says more.")


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
