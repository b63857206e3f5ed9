"""What services send to `/hooks/NAME`: verified by its source, and stored before it is answered.

Runs wherever the desk runs, in whichever process: it meets the other stages only in the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor import faults
from monitor.clock import Clock
from monitor.database import Database
from monitor.intake import Intake, whole_first
from monitor.mentions import Stored
from monitor.models import CallRow
from monitor.settings import SourceSettings
from monitor.sources.base import Page, Source
from monitor.sources.hooks import Call, CallRefused, Heard, HookedSource
from monitor.storable import storable_key


@dataclass(frozen=True, slots=True)
class Received:
    """What became of what was heard. `repeated`: it had been stored before, so nothing was done."""

    heard: Heard
    stored: Stored = field(default_factory=Stored)
    repeated: bool = False


class Hooks:
    def __init__(
        self,
        db: Database,
        clock: Clock,
        sources: Mapping[str, tuple[Source, SourceSettings]],
        intake: Intake,
    ) -> None:
        self._db, self._clock, self._sources, self._intake = db, clock, sources, intake

    def receive(self, name: str, call: Call) -> Received:
        """Verify one call for the source `name` and store what it holds; when this returns, it is stored. Raises
        CallRefused, and SQLAlchemyError when the database fails: then nothing was stored, and the same call may come
        again."""
        source, _ = self._sources.get(name, (None, None))
        if source is None or not source.capabilities.hook:
            raise CallRefused(404, "there is no such hook: the address ends in the name of a source that hears calls")
        now = self._clock.now()
        heard = cast(HookedSource, source).hear(call, now)
        if not heard.items and not heard.rejects:
            return Received(heard)
        page = self._intake.with_parents(name, Page(heard.items, {}, rejects=heard.rejects))
        return whole_first(lambda apart: self._commit(name, heard, page, now, apart), name)

    def _commit(self, name: str, heard: Heard, page: Page, now: datetime, one_by_one: bool) -> Received:
        with self._db.write() as session:
            if not _first_time(session, name, heard, now):
                return Received(heard, repeated=True)
            stored = self._intake.hear(session, name, page, now, one_by_one)
            faults.step("hooks.stored")
        faults.step("hooks.committed")
        return Received(heard, stored)


def _first_time(session: Session, source: str, heard: Heard, now: datetime) -> bool:
    if heard.nonce is None or heard.until is None:
        return True
    session.execute(delete(CallRow).where(CallRow.until < now))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    call = insert(CallRow).values(source=source, nonce=storable_key(heard.nonce), until=heard.until)
    return session.scalar(call.on_conflict_do_nothing().returning(CallRow.source)) is not None
