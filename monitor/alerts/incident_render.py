"""From a row of the outbox that belongs to an incident to the message that is sent; see render.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.alerts import blocks, incident_blocks, notes
from monitor.alerts.outbox import Delivery, Message, message
from monitor.alerts.routes import Routes
from monitor.alerts.text import line, link
from monitor.case_views import Case, views
from monitor.incidents import Incident, incident, page, samples
from monitor.models import CaseRow, MentionRow

Holder = Callable[[Session, Case], str | None]
WORDS = 200  # of a customer's, in a note among others


class IncidentRenderer:
    """`holder` says how a case's owner is called, as mrkdwn."""

    def __init__(self, routes: Routes, holder: Holder) -> None:
        self._routes, self._holder = routes, holder

    def __call__(self, session: Session, delivery: Delivery, now: datetime) -> Message | None:
        if delivery.incident_id is None:
            raise ValueError("a delivery of no incident")
        asks = delivery.kind in ("reminder", "escalation", "breach")  # of the cases in the thread, not of others
        seen, payload = incident(session, delivery.incident_id, now, in_thread=asks), delivery.payload
        place = seen.slack_channel or delivery.target
        match delivery.kind, payload.get("part"):
            case "incident", "root":
                text, shown = incident_blocks.root(seen, samples(session, seen.id, incident_blocks.QUOTES), now)
                return message(delivery, text, shown)
            case "incident", "cases":
                text, shown = self._entries(session, page(session, seen.id, payload["page"]), now)
                return message(delivery, text, shown, thread=seen.slack_ts, target=place)
            case "incident", "earlier":
                text = incident_blocks.earlier(_cases(session, payload["cases"]))
                return message(delivery, text, thread=seen.slack_ts, target=place)
            case "incident", "summary":
                text = incident_blocks.summary(seen, now)
                return message(delivery, text, thread=seen.slack_ts, target=place, broadcast=True)
            case "update", _:
                return self._update(session, delivery, seen, now)
            case "note", "pointer":
                return message(delivery, incident_blocks.pointer(seen))
            case "note", "answer":
                return message(delivery, incident_blocks.answer_set(seen), thread=seen.slack_ts, target=place)
            case "note", _:
                return message(delivery, self._notes(session, delivery, now), thread=seen.slack_ts, target=place)
        return self._reminder(delivery, seen, now)

    def entry(self, session: Session, delivery: Delivery, case: Case, now: datetime) -> Message | None:
        """The message in which a case stands among others, edited; None where it is still to come."""
        if delivery.kind == "alert" or case.slack_ts is None or delivery.transport != "slack":
            return None
        text, shown = self._entries(session, page(session, case.incident_id or 0, case.page or 0), now)
        return message(delivery, text, shown, edits=case.slack_ts, target=case.slack_channel)

    def _update(self, session: Session, delivery: Delivery, seen: Incident, now: datetime) -> Message | None:
        if delivery.transport != "slack":
            return None
        if "page" not in delivery.payload:
            if seen.slack_ts is None:
                return None
            text, shown = incident_blocks.root(seen, samples(session, seen.id, incident_blocks.QUOTES), now)
            return message(delivery, text, shown, edits=seen.slack_ts, target=seen.slack_channel)
        cases = page(session, seen.id, delivery.payload["page"])
        if not cases or cases[0].slack_ts is None:
            return None
        text, shown = self._entries(session, cases, now)
        return message(delivery, text, shown, edits=cases[0].slack_ts, target=cases[0].slack_channel)

    def _reminder(self, delivery: Delivery, seen: Incident, now: datetime) -> Message | None:
        event, notify = str(delivery.payload.get("event", "")), delivery.payload.get("notify")
        asked = {"breach": seen.overdue, "renag": seen.untaken, "silent_owner": seen.untaken}.get(
            event, seen.unanswered
        )
        if not asked:
            return None
        if delivery.transport == "apprise":
            title, body = incident_blocks.plain(seen, event, now)
            return message(delivery, f"{title}\n{body}")
        route, whom = self._routes.of_storm(seen.brand, seen.topics, seen.slack_channel), None
        if notify == "oncall":
            oncall = (route.oncall,) if route.oncall else self._routes.rota.at(now)
            whom = " ".join(map(blocks.mention, oncall))
        elif notify == "lead" and route.lead and not route.lead.startswith(("C", "G")):
            whom = blocks.mention(route.lead)
        text = incident_blocks.asks(seen, event, whom, now)
        if notify == "elsewhere":
            where = blocks.permalink(seen.slack_channel, seen.slack_ts)
            return message(delivery, f"{text}\n{link(where, 'Go to the incident')}" if where else text)
        place = seen.slack_channel or delivery.target
        return message(delivery, text, thread=seen.slack_ts, target=place, broadcast=True)

    def _notes(self, session: Session, delivery: Delivery, now: datetime) -> str:
        said = delivery.payload["said"]
        cases = {case.id: case for case in _cases(session, {each["case"] for each in said})}
        lines = []
        for each in said:
            case, detail = cases[each["case"]], each["detail"]
            words = None
            if detail.get("mention_id") is not None:
                words = session.scalar(select(MentionRow.text).where(MentionRow.id == detail["mention_id"]))
            about = link(blocks.place(case), line(case.author_name or case.author, 40) or f"case {case.id}")
            happened = notes.happened(case, each["event"], each["actor"], detail, now, words and words[:WORDS])
            lines.append(f"{about} {happened}")
        return "\n".join(lines)

    def _entries(self, session: Session, cases: Sequence[Case], now: datetime) -> tuple[str, tuple[blocks.Block, ...]]:
        called = {case.id: self._holder(session, case) for case in cases if case.owner}
        return incident_blocks.entries(cases, now, {case_id: name for case_id, name in called.items() if name})


def _cases(session: Session, ids: Sequence[int] | set[int]) -> list[Case]:
    return views(session, session.scalars(select(CaseRow).where(CaseRow.id.in_(ids)).order_by(CaseRow.id)).all())
