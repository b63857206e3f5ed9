"""What services send to `/hooks/NAME`: verified by its source, and stored before it is answered.

Runs wherever the desk runs, in whichever process: it meets the other stages only in the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast

from sqlalchemy import delete, or_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from monitor import faults
from monitor.aftermath import StoreListener, pass_on
from monitor.brands import Brands
from monitor.clock import Clock
from monitor.database import Database
from monitor.mentions import Stored, items_fault, store_one_by_one, store_page
from monitor.models import CallRow, SourceState
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
        brands: Brands,
        listeners: Sequence[StoreListener] = (),
    ) -> None:
        self._db, self._clock, self._sources, self._brands = db, clock, sources, brands
        self._listeners = tuple(listeners)

    def receive(self, name: str, call: Call) -> Received:
        """Verify one call for the source `name` and store what it holds; when this returns, it is stored. Raises
        CallRefused, and SQLAlchemyError when the database fails: then nothing was stored, and the same call may come
        again."""
        source, settings = self._sources.get(name, (None, None))
        if source is None or settings is None or not source.capabilities.hook:
            raise CallRefused(404, "there is no such hook: the address ends in the name of a source that hears calls")
        now = self._clock.now()
        heard = cast(HookedSource, source).hear(call, now)
        if not heard.items and not heard.rejects:
            return Received(heard)
        try:
            return self._commit(settings, heard, now, one_by_one=False)
        except Exception as error:
            if not items_fault(error):
                raise
            return self._commit(settings, heard, now, one_by_one=True)

    def _commit(self, settings: SourceSettings, heard: Heard, now: datetime, one_by_one: bool) -> Received:
        page = Page(heard.items, {}, rejects=heard.rejects)
        store = store_one_by_one if one_by_one else store_page
        with self._db.write() as session:
            if not _first_time(session, settings.name, heard, now):
                return Received(heard, repeated=True)
            stored = store(session, settings.name, page, self._brands, settings.brands, now, settings.backfill)
            pass_on(session, stored, self._brands, self._listeners, now)
            if stored.newest is not None:
                newest = SourceState.newest_posted_at
                older = or_(newest.is_(None), newest < stored.newest)
                of_source = update(SourceState).where(SourceState.name == settings.name, older)
                session.execute(of_source.values(newest_posted_at=stored.newest))
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
