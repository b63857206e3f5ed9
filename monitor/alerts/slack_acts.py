"""What people do to cases from Slack, whether by a button, a modal or the Home tab: allowed, done once, or refused with
a reason for the person."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from monitor.alerts.agents import Agents
from monitor.alerts.text import line
from monitor.alerts.whispers import Person
from monitor.cases import Case, Cases, Change
from monitor.clock import Clock
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import DeliveryRow

FAILED = "That did not work, and nothing was changed. Please try again; the service's log says why."


class Acts:
    def __init__(self, cases: Cases, db: Database, clock: Clock, agents: Agents) -> None:
        self.cases, self.db, self.clock, self.agents = cases, db, clock, agents

    def act(self, person: Person, case_id: int, event: str, key: str, **detail: Any) -> Change:
        """`event` by `person`; `key` names the press, so that it counts once however often Slack sends it. Raises
        Refused with words for the person, mrkdwn."""
        self.agents.check(person.id)
        detail["slack_user"] = person.id
        try:
            return self.cases.act(case_id, event, person.name, "slack", self.clock.now(), key, **detail)
        except Refused as refusal:
            raise Refused(self._reason(case_id, event, person, refusal)) from None

    def case(self, case_id: int) -> Case:
        """Raises Refused, in words for a person, where there is none."""
        with self.db.read() as session:
            try:
                return self.cases.get(session, case_id)
            except Refused:
                why = "it was deleted, or this message belongs to another firsthour."
                raise Refused(f"Case {case_id} is not here any more: {why}") from None

    def unsaid(self, case_id: int, now: datetime) -> str | None:
        """Why Slack has not been shown what was done to the case, if the latest messages of it did not get there."""
        with self.db.read() as session:
            row = session.scalar(
                select(DeliveryRow)
                .where(DeliveryRow.case_id == case_id, DeliveryRow.transport == "slack", DeliveryRow.intent_at <= now)
                .order_by(DeliveryRow.id.desc())
                .limit(1)
            )
            return row.error if row is not None and row.state in ("pending", "unknown", "failed") else None

    def _reason(self, case_id: int, event: str, person: Person, refusal: Refused) -> str:
        """Why not, with the name of who was faster."""
        try:
            case = self.case(case_id)
        except Refused as gone:
            return str(gone)
        if case.state in ("resolved", "dismissed"):
            return f"Case {case.id} is {case.state} already. Reopen it if there is more to do."
        if event == "take" and case.owner:
            if case.owner == person.name:
                return "You have this already."
            return f"*{line(case.owner, 60)}* was faster and has it."
        return line(str(refusal), 300)
