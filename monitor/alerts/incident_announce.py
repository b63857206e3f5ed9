"""Which messages an incident makes: one for itself, and in its thread messages that carry several cases each.

A listener of `Storms` and of `Incidents`; `Announcer` asks it about each change of a case. Whatever may come in great
numbers is added to a message that still waits, or said at most every so often.

An incident is shown in the channel to which most of its first cases go. A case that goes to another channel is alerted
there, for the team that reads it, up to `storms.minimum` of them: what comes after goes into the thread as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from monitor.alerts.apprise_transport import label
from monitor.alerts.outbox import enqueue
from monitor.alerts.routes import Route, Routes
from monitor.cases import Change
from monitor.incidents import Turned
from monitor.models import CaseRow, DeliveryRow, IncidentRow
from monitor.settings import Settings
from monitor.storms import Gathered

TOGETHER = (  # what is said of several cases in one message; anything else is said of each
    "take",
    "hand_over",
    "release",
    "note",
    "auto_ack",
    "reply",
    "reply_seen",
    "snooze",
    "unsnooze",
    "resolve",
    "dismiss",
    "reopen",
    "joined",
    "customer_again",
    "worse",
)
NOTES = 10  # things that happened to cases, in one message
NOW = timedelta(0)
_LEFT = ("sending", "unknown", "sent")  # an alert in one of these states may have been seen


class IncidentAnnouncer:
    def __init__(self, settings: Settings, transport: str, routes: Routes) -> None:
        self._settings, self._transport, self._routes = settings.storms, transport, routes

    def gathered(self, session: Session, gathered: Gathered, now: datetime) -> None:
        incident, places = gathered.incident, self._places(session, gathered.cases)
        if gathered.opened:
            if self._transport == "slack":
                incident.slack_channel = Counter(places.values()).most_common(1)[0][0]
            self._put(session, incident, "incident", now, part="root")
        else:
            self._refresh(session, incident, now)
        mine = self._of_the_thread(session, incident, places, now)
        folded = _take_back(session, mine, incident.id)
        if alone := [case_id for case_id in mine if case_id not in folded]:
            self._put(session, incident, "incident", now, part="earlier", cases=alone)
        self._fold(session, incident, folded, now)

    def turned(self, session: Session, turned: Turned) -> None:
        incident, at = turned.incident, turned.at
        if turned.event == "ended":
            self._put(session, incident, "incident", at, part="summary")
        else:
            self._put(session, incident, "note", at, part="answer")
        self._refresh(session, incident, at, at_once=True)

    def told(self, session: Session, change: Change, step: str | None) -> bool:
        """Whether the incident's own messages say all that there is to say of this change; `step` is the kind of
        message that a step of the clock makes."""
        case = change.case
        incident = session.get(IncidentRow, case.incident_id) if case.incident_id is not None else None
        if incident is None:
            return False
        self._refresh(session, incident, change.at)
        if case.page is None and self._is_elsewhere(incident, self._routes.place(case)):
            return False
        if case.page is not None:
            self._refresh_page(session, incident, case.page, change.at, at_once=step is None)
        if step and change.detail.get("muted"):
            return True
        if step and (case.page is not None or case.state != "taken"):  # one reminder for all of those
            self._remind(session, incident, change, step)
            return True
        if case.page is None or change.event not in TOGETHER:
            return False
        self._note(session, incident, change)
        return True

    def _places(self, session: Session, cases: Collection[int]) -> dict[int, str]:
        """The channel in which each case's message is, or would be if it stood alone."""
        c = CaseRow
        rows = session.execute(
            select(c.id, c.slack_channel, c.brand, c.source, c.language, c.severity, c.topic)
            .where(c.id.in_(cases))
            .order_by(c.id)
        )
        return {case_id: shown or self._routes.pick(*about).channel for case_id, shown, *about in rows}

    def _is_elsewhere(self, incident: IncidentRow, channel: str) -> bool:
        return self._transport == "slack" and channel != self._route(incident).channel

    def _of_the_thread(
        self, session: Session, incident: IncidentRow, places: Mapping[int, str], now: datetime
    ) -> list[int]:
        """The cases that the incident's thread shows: those of its channel, and of another whatever would flood it."""
        kept: set[int | None] = set()
        for channel in sorted({each for each in places.values() if self._is_elsewhere(incident, each)}):
            first = set(_alerted(session, incident.id, channel, self._settings.minimum))
            kept |= first
            if any(case_id not in first for case_id, place in places.items() if place == channel):
                self._point_here(session, incident, channel, now)
        return [case_id for case_id in places if case_id not in kept]

    def _point_here(self, session: Session, incident: IncidentRow, channel: str, now: datetime) -> None:
        """Say once in another channel where further cases are."""
        d = DeliveryRow
        said = select(d.id).where(d.incident_id == incident.id, d.kind == "note", d.target == channel)
        if session.scalar(said.limit(1)) is None:
            self._put(session, incident, "note", now, target=channel, part="pointer")

    def _fold(self, session: Session, incident: IncidentRow, cases: Sequence[int], now: datetime) -> None:
        """Put cases into the message of the thread that still waits, then into further ones."""
        size = self._settings.cases_per_message
        page = session.scalar(select(func.max(CaseRow.page)).where(CaseRow.incident_id == incident.id)) or 0
        waits = _waiting(session, incident.id, "incident", self._transport)
        last = next((row for row in waits if row.payload.get("page") == page), None)
        if last is not None and cases and (room := size - len(last.payload["cases"])) > 0:
            _show(session, cases[:room], page)
            last.payload = {**last.payload, "cases": [*last.payload["cases"], *cases[:room]]}
            if len(last.payload["cases"]) >= size:
                last.not_before = now
            cases = cases[room:]
        for first in range(0, len(cases), size):
            some, page = list(cases[first : first + size]), page + 1
            _show(session, some, page)
            pause = self._settings.collect_for if len(some) < size else NOW
            self._put(session, incident, "incident", now, after=pause, part="cases", page=page, cases=some)

    def _refresh(self, session: Session, incident: IncidentRow, now: datetime, at_once: bool = False) -> None:
        """Show the incident anew, but not more often than the settings allow."""
        if any("page" not in row.payload for row in _waiting(session, incident.id, "update", self._transport)):
            return
        pause = (incident.shown_at or now) + self._settings.update_every - now
        self._put(session, incident, "update", now, after=NOW if at_once else pause)

    def _refresh_page(self, session: Session, incident: IncidentRow, page: int, now: datetime, at_once: bool) -> None:
        waits = _waiting(session, incident.id, "update", self._transport)
        if not any(row.payload.get("page") == page for row in waits):
            pause = NOW if at_once else self._settings.collect_for  # a press shows at once
            self._put(session, incident, "update", now, after=pause, page=page)

    def _remind(self, session: Session, incident: IncidentRow, change: Change, kind: str) -> None:
        notify = str(change.detail.get("notify", "thread"))
        if change.event in ("remind", "oncall") and change.case.state == "taken":  # nobody else is called for it
            kind, notify = "reminder", "thread"
        if "://" in notify:
            self._say(session, incident, change, kind, "apprise", label(notify), "apprise")
            if kind != "breach":
                return
            notify = "thread"
        route = self._route(incident)
        self._say(session, incident, change, kind, self._transport, incident.slack_channel or route.channel, notify)
        if notify == "lead" and route.lead and route.lead.startswith(("C", "G")) and self._transport == "slack":
            self._say(session, incident, change, kind, "slack", route.lead, "elsewhere")

    def _say(
        self,
        session: Session,
        incident: IncidentRow,
        change: Change,
        kind: str,
        transport: str,
        target: str,
        notify: str,
    ) -> None:
        """A reminder for the whole incident, unless one waits; at most every so often."""
        d = DeliveryRow
        said = session.scalars(
            select(d).where(d.incident_id == incident.id, d.kind == kind, d.transport == transport, d.target == target)
        )
        same = [row for row in said if row.payload.get("notify") == notify]
        if any(row.state == "pending" and row.intent_at is None for row in same):
            return
        last = max((row.not_before for row in same), default=None)
        pause = last + self._settings.remind_every - change.at if last else NOW
        payload = {"event": change.event, "notify": notify}
        self._put(session, incident, kind, change.at, transport, target, pause, **payload)

    def _note(self, session: Session, incident: IncidentRow, change: Change) -> None:
        said = {"case": change.case.id, "event": change.event, "actor": change.actor, "detail": dict(change.detail)}
        waits = [row for row in _waiting(session, incident.id, "note", self._transport) if "said" in row.payload]
        if waits and len(waits[-1].payload["said"]) < NOTES:
            waits[-1].payload = {"said": [*waits[-1].payload["said"], said]}
        else:
            self._put(session, incident, "note", change.at, after=self._settings.collect_for, said=[said])

    def _put(
        self,
        session: Session,
        incident: IncidentRow,
        kind: str,
        now: datetime,
        transport: str | None = None,
        target: str | None = None,
        after: timedelta = NOW,
        **payload: Any,
    ) -> None:
        enqueue(
            session,
            kind,
            transport or self._transport,
            target or incident.slack_channel or self._route(incident).channel,
            now,
            payload=payload,
            not_before=now + max(after, NOW),
            incident_id=incident.id,
        )

    def _route(self, incident: IncidentRow) -> Route:
        return self._routes.of_storm(incident.brand, incident.topics, incident.slack_channel)


def _show(session: Session, cases: Sequence[int], page: int) -> None:
    session.execute(update(CaseRow).where(CaseRow.id.in_(cases)).values(page=page))


def _waiting(session: Session, incident_id: int, kind: str, transport: str) -> list[DeliveryRow]:
    """Messages of an incident that nobody has tried to send yet, so that more may go into them."""
    d = DeliveryRow
    found = session.scalars(
        select(d)
        .where(
            d.incident_id == incident_id,
            d.kind == kind,
            d.transport == transport,
            d.state == "pending",
            d.intent_at.is_(None),
        )
        .order_by(d.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return [row for row in found if row.state == "pending" and row.intent_at is None]


def _alerted(session: Session, incident_id: int, channel: str, count: int) -> list[int | None]:
    """The first `count` of the incident's cases that are alerted in `channel`, or will be."""
    d = DeliveryRow
    return list(
        session.scalars(
            select(d.case_id)
            .join(CaseRow, CaseRow.id == d.case_id)
            .where(
                CaseRow.incident_id == incident_id,
                CaseRow.page.is_(None),
                d.kind == "alert",
                d.target == channel,
                d.state != "dropped",
            )
            .order_by(d.id)
            .limit(count)
        )
    )


def _take_back(session: Session, cases: Collection[int], incident_id: int) -> list[int]:
    """Drop the alerts of cases that cannot have been seen; the cases that have none that may have been."""
    alerts = session.scalars(
        select(DeliveryRow)
        .where(DeliveryRow.case_id.in_(cases), DeliveryRow.kind == "alert")
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    seen = {row.case_id for row in alerts if row.state in _LEFT or row.intent_at is not None}
    for row in alerts:
        if row.state == "pending" and row.case_id not in seen:
            row.state, row.error = "dropped", f"shown with incident {incident_id}"
    return [case_id for case_id in cases if case_id not in seen]
