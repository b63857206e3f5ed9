"""Which team was to answer a case."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from monitor.alerts.routes import Routes
from monitor.models import CaseRow
from monitor.oncall_names import given_names, known_names
from monitor.outcome_columns import Outcomes, microseconds
from monitor.settings import Settings

NOBODY = "nobody on call"


class Teams:
    """Whom the case's route calls, else who was on call when its customer posted, as routes and rota are set now. A
    route's `name` goes before those of whom it calls; who has no name is told by the id."""

    def __init__(self, settings: Settings) -> None:
        self._routes, routes, self._rota = Routes(settings), settings.slack.routes, settings.oncall
        self._called = {route.oncall for route in routes if route.oncall}
        self._judged = any(route.severity or route.topic for route in routes)
        self._any_own = bool(self._called or any(route.name for route in routes))
        self.any = bool(self._rota or settings.slack.oncall or self._any_own)

    def of(self, session: Session, cases: Outcomes, since: datetime, until: datetime) -> list[str]:
        """The name of the team of each of `cases`, posted from `since` (inclusive) to `until` (exclusive)."""
        shifts = self._routes.rota.shifts(since, until)
        names = self._names(session, {id for shift in shifts for id in shift.who} | self._called)
        on_call = [", ".join(names.get(id, id) for id in shift.who) or NOBODY for shift in shifts]
        rows, starts = cases.rows, np.array([microseconds(shift.starts_at) for shift in shifts])
        shift_of = (np.searchsorted(starts, rows["posted_at"], "right") - 1).tolist()
        own = self._own(session, cases, names, since, until)
        return [route or on_call[shift] for route, shift in zip(own, shift_of, strict=True)]

    def _own(
        self, session: Session, cases: Outcomes, names: Mapping[str, str], since: datetime, until: datetime
    ) -> list[str | None]:
        """What the route of each of `cases` calls its team; None: it calls nobody."""
        if not self._any_own:
            return [None] * len(cases)
        c = inspect(CaseRow).local_table.c
        kinds = select(c.id, c.severity, c.topic).where(c.posted_at >= since, c.posted_at < until)
        judged = {id: kind for id, *kind in session.execute(kinds)} if self._judged else {}
        found: dict[tuple[str, ...], str | None] = {}
        own = []
        for case_id, *numbers in cases.rows[["case_id", "brand", "source", "language"]].tolist():
            known = (*(cases.names[number] for number in numbers), *judged.get(case_id, ()))
            if known not in found:
                route = self._routes.pick(*known)
                found[known] = route.name or (names.get(route.oncall, route.oncall) if route.oncall else None)
            own.append(found[known])
        return own

    def _names(self, session: Session, ids: set[str]) -> dict[str, str]:
        given = given_names(self._rota)
        unnamed = ids - given.keys()
        return {**given, **known_names(session, self._rota, unnamed)} if unnamed else given
