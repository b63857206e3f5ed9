"""The way in: what a source gave is stored and passed on alike, whether it was polled, streamed or called in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar, cast

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from monitor import faults
from monitor.aftermath import StoreListener, pass_on
from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import FirsthourError
from monitor.mentions import Stored, items_fault, store_one_by_one, store_page
from monitor.models import SourceState
from monitor.parents import MOST, unknown
from monitor.settings import SourceSettings
from monitor.sources.base import Page, ParentSource, Source, gone
from monitor.turns import arrivals_with

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Intake:
    def __init__(
        self,
        db: Database,
        sources: Mapping[str, tuple[Source, SourceSettings]],
        brands: Brands,
        listeners: Sequence[StoreListener] = (),
    ) -> None:
        self._db, self._sources, self._brands, self._listeners = db, sources, brands, tuple(listeners)

    def with_parents(self, name: str, page: Page, most: int = MOST) -> Page:
        """The page with up to `most` posts that its items only agree with, read from the source where it can tell and
        they are not known. Asks the service, so it is no part of a transaction. A source that cannot tell just now
        keeps no page from being stored."""
        source, _ = self._sources[name]
        most = min(most, source.capabilities.parents)
        if most <= 0 or not any(item.parent for item in page.items):
            return page
        with self._db.read() as session:
            asked = unknown(session, name, page.items)[:most]
        if not asked:
            return page
        try:
            found = cast(ParentSource, source).parents(tuple(asked))
        except SQLAlchemyError:  # from the meter: our own trouble, not the source's
            raise
        except Exception as error:
            expected = isinstance(error, FirsthourError)
            log.warning("what replies answer was not read", source=name, error=str(error), exc_info=not expected)
            return page
        there = {item.external_id: item for item in found}
        return replace(page, parents=tuple(there.get(each) or gone(each) for each in asked))

    def take(self, session: Session, name: str, page: Page, now: datetime, one_by_one: bool = False) -> Stored:
        """Store what a source gave, in the caller's transaction, and pass on what follows from it."""
        settings = self._sources[name][1]
        store = store_one_by_one if one_by_one else store_page
        stored = store(session, name, page, self._brands, settings.brands, now, settings.backfill)
        faults.step("collect.stored")
        pass_on(session, stored, self._brands, self._listeners, now)
        return stored

    def hear(self, session: Session, name: str, page: Page, now: datetime, one_by_one: bool = False) -> Stored:
        """As `take`, for what came between two polls: it counts for the source as what they bring does."""
        stored = self.take(session, name, page, now, one_by_one)
        # a poll that holds the row may wait for our mentions, so we do not wait for it
        of_source = select(SourceState).where(SourceState.name == name).with_for_update(skip_locked=True)
        row = session.scalar(of_source)
        if row is not None and stored.newest is not None:
            row.newest_posted_at = max(row.newest_posted_at or stored.newest, stored.newest)
            if row.arrivals is not None and row.last_success_at is not None:
                row.arrivals = arrivals_with(row.arrivals, stored.new, now - row.last_success_at)
        return stored


def whole_first(commit: Callable[[bool], T], source: str) -> T:
    """`commit(False)`; if an item is to blame for its failure `commit(True)`, which stores them one by one."""
    try:
        return commit(False)
    except Exception as error:
        if not items_fault(error):
            raise
        log.exception("a page could not be stored whole", source=source)
        return commit(True)
