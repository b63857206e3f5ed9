"""Whether what a question names is there at all: a mistyped brand is told from one of which nothing was heard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import HTTPException
from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.classify.verdict import TOPICS
from monitor.clock import Clock
from monitor.database import Database
from monitor.models import SourceState
from monitor.rollups import brands
from monitor.settings import Settings
from monitor.web.languages import NAMES
from monitor.web.paging import Span
from monitor.web.queries import languages
from monitor.web.scope import Impossible, check_known


class Known:
    """Refuses questions to which there cannot be an answer."""

    def __init__(self, db: Database, clock: Clock, settings: Settings) -> None:
        self._db, self._clock = db, clock
        self._brands = {brand.name for brand in settings.brands}
        self._sources = {source.name for source in settings.sources}
        self._heard: dict[str, Callable[[Session], set[str]]] = {
            "brand": lambda session: self._brands | set(brands(session)),
            "source": lambda session: self._sources | set(session.scalars(select(SourceState.name))),
            "language": lambda session: NAMES.keys() | {name for name, _ in languages(session)},
            "topic": lambda _session: set(TOPICS),
        }

    def check(self, wanted: Span) -> None:
        """Raises HTTPException with the mend."""
        if wanted.since is not None and wanted.since > self._clock.now():
            raise HTTPException(422, f"since is {wanted.since.isoformat()}, in the future: nothing was heard yet")
        if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
            raise HTTPException(422, "until is not after since: exchange the two")
        asked = {name: values for name in self._heard if (values := getattr(wanted, name, None))}
        if not asked:
            return
        with self._db.read() as session:
            known = {name: self._heard[name](session) for name in asked}
        for name, values in asked.items():
            for value in values:
                try:
                    check_known(_One(name, value), {name: known[name]})
                except Impossible as error:
                    raise HTTPException(422, str(error)) from None


class _One:
    def __init__(self, name: str, value: Any) -> None:
        setattr(self, name, value)
