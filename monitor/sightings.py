"""Looking again at what is kept: how far open cases have spread, what was edited, what its source shows no more.

A source tells of these only who asks (`LookingSource`). Once a minute each is asked about one batch: what belongs to
open cases comes first, then what was not asked about for longest. So everything that is kept is asked about once in
`sweep`, as far as a batch a minute reaches, and what was deleted there loses its words here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import cast

import structlog
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from monitor import faults
from monitor.aftermath import StoreListener, pass_on
from monitor.brands import Brands
from monitor.database import Database
from monitor.errors import FirsthourError, RetryLater
from monitor.mentions import Stored, store_page
from monitor.models import CaseRow, MentionRow
from monitor.settings import SourceSettings
from monitor.sources.base import LookingSource, Page, Source
from monitor.transitions import OPEN_STATES

OPEN_EVERY = timedelta(minutes=15)
PAUSE = timedelta(minutes=15)  # after a failure, unless the service says another time
CASES = 200  # open cases looked through at a time

log = structlog.get_logger(__name__)


class Sightings:
    def __init__(
        self,
        db: Database,
        sources: Mapping[str, tuple[Source, SourceSettings]],
        brands: Brands,
        listeners: Sequence[StoreListener] = (),
    ) -> None:
        self._db, self._brands, self._listeners = db, brands, tuple(listeners)
        looking = {name: pair for name, pair in sources.items() if pair[0].capabilities.look_up}
        self._sources = cast("dict[str, tuple[LookingSource, SourceSettings]]", looking)
        self._places: dict[str, int] = {}  # by source: the last open case that was looked through
        self._pauses: dict[str, datetime] = {}

    def tick(self, now: datetime) -> Stored:
        """Ask each source about one batch; what became of the answers. A source that fails is left alone for a while
        and keeps no other from being asked."""
        stored = Stored()
        for name, (source, settings) in self._sources.items():
            if self._pauses.get(name, now) > now:
                continue
            try:
                stored += self._look(name, source, settings, now)
            except FirsthourError as error:
                after = error.after if isinstance(error, RetryLater) else None
                self._pauses[name] = now + (after or PAUSE)
                log.warning("what is kept could not be looked at again", source=name, error=str(error))
        return stored

    def _look(self, name: str, source: LookingSource, settings: SourceSettings, now: datetime) -> Stored:
        most = source.capabilities.look_up
        with self._db.read() as session:
            due = self._of_open_cases(session, name, now)
            due |= self._not_seen_since(session, name, now - settings.sweep, most) if len(due) < most else {}
        asked = dict(list(due.items())[:most])
        if not asked:
            return Stored()
        items = [item for item in source.look_up(tuple(asked.values())) if item.external_id in due.values()]
        faults.step("sightings.asked")
        with self._db.write() as session:
            held = (MentionRow.id.in_(asked), MentionRow.looked_at.is_not(None))
            session.execute(update(MentionRow).where(*held).values(looked_at=now))
            stored = store_page(session, name, Page(tuple(items), {}), self._brands, settings.brands, now)
            pass_on(session, stored, self._brands, self._listeners, now)
        return stored

    def _of_open_cases(self, session: Session, name: str, now: datetime) -> dict[int, str]:
        after = self._places.get(name, 0)
        cases = select(CaseRow.id).where(CaseRow.source == name, CaseRow.state.in_(OPEN_STATES), CaseRow.id > after)
        ids = session.scalars(cases.order_by(CaseRow.id).limit(CASES)).all()
        self._places[name] = ids[-1] if len(ids) == CASES else 0
        due = select(MentionRow.id, MentionRow.external_id).where(
            MentionRow.case_id.in_(ids), MentionRow.source == name, MentionRow.looked_at <= now - OPEN_EVERY
        )
        return {id: external_id for id, external_id in session.execute(due)}  # noqa: C416

    def _not_seen_since(self, session: Session, name: str, moment: datetime, most: int) -> dict[int, str]:
        due = select(MentionRow.id, MentionRow.external_id).where(
            MentionRow.source == name, MentionRow.looked_at <= moment
        )
        return {id: ext for id, ext in session.execute(due.order_by(MentionRow.looked_at).limit(most))}  # noqa: C416
