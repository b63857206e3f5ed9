"""What becomes of what the sources tell besides mentions: replies by the brand's own accounts, cases that spread, words
that are gone, failing sources, and budgets that run out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from monitor.case_events import SYSTEM
from monitor.cases import OPEN_STATES, Cases
from monitor.models import CaseRow
from monitor.source_reports import BudgetReport, SourceReport
from monitor.sources.base import SeenReply
from monitor.spread import Spread, spread_words

if TYPE_CHECKING:
    from monitor.alerts.announce import Announcer


class FromSources:
    def __init__(self, cases: Cases, announcer: Announcer) -> None:
        self._cases, self._announcer = cases, announcer

    def reply_seen(self, session: Session, case_id: int, reply: SeenReply) -> None:
        self._cases.act_in(
            session,
            case_id,
            "reply_seen",
            reply.author,
            "source",
            reply.at,
            key=f"reply:{reply.external_id}",
            url=reply.url,
        )

    def spread_grew(self, session: Session, spread: Spread, now: datetime) -> None:
        row = session.get(CaseRow, spread.case_id)
        if row is not None and row.state in OPEN_STATES:
            words = f"it spreads: {spread_words(spread.now)}"
            key = f"spread:{spread.mention_id}:{spread.level}"
            self._cases.act_in(session, row.id, "note", SYSTEM, "source", now, key=key, text=words)

    def budget_report(self, session: Session, report: BudgetReport) -> None:
        account, budget = report.account, report.account.budget
        one = len(report.sources) == 1
        named, limit = ", ".join(report.sources), f"the budget of {budget.daily:,.12g} {budget.name} a day"
        until = f"{account.resets_at:%H:%M} UTC"
        if report.state == "spent":
            text = f"Source{'' if one else 's'} {named} wait{'s' if one else ''} until {until}: {limit} is spent."
        else:
            text = f"Source{'' if one else 's'} {named} {'is' if one else 'are'} read more seldom than configured, so "
            text += f"that {limit} lasts until {until}."
        self._announcer.ops(session, text, report.at)

    def source_report(self, session: Session, report: SourceReport) -> None:
        minutes = int((report.at - report.since).total_seconds() // 60)
        if report.state == "recovered":
            text = f"Source {report.source} works again, after {minutes} min."
        elif report.state == "stopped":
            text = f"Source {report.source} is stopped until its configuration changes: {report.error}"
        else:
            text = f"Source {report.source} has been failing for {minutes} min: {report.error}"
        self._announcer.ops(session, text, report.at)

    def words_gone(self, session: Session, case_id: int, mention_id: int, now: datetime) -> None:
        from monitor.alerts.redact import redact

        redact(session, case_id, now, (mention_id,))
