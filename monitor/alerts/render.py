"""From a row of the outbox to the message that is sent: what is true now, not what was true when it was put in."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.alerts import blocks, notes, reply_modal, silences
from monitor.alerts.digest_render import DigestRenderer
from monitor.alerts.incident_render import IncidentRenderer
from monitor.alerts.missed import about_silence
from monitor.alerts.outbox import Delivery, Message, message
from monitor.alerts.redact import REMOVED
from monitor.alerts.routes import Routes
from monitor.alerts.spike_render import SpikeRenderer
from monitor.alerts.text import cut
from monitor.cases import Case, Cases
from monitor.clock import Clock
from monitor.models import CaseEventRow, MentionRow, ReplyRow
from monitor.settings import Settings

ASKING = ("reminder", "escalation", "breach")
REMINDING = ("remind", "oncall", "renag")


class Renderer:
    def __init__(self, settings: Settings, cases: Cases, clock: Clock) -> None:
        self._routes, self._cases, self._clock = Routes(settings), cases, clock
        self._incidents = IncidentRenderer(self._routes, self._holder)
        self._spikes, self._digests = SpikeRenderer(settings), DigestRenderer(settings)

    def __call__(self, session: Session, delivery: Delivery) -> Message | None:
        """None when there is nothing left to say."""
        now = self._clock.now()
        if "silence" in delivery.payload and delivery.case_id is None:
            said = about_silence(session, self._cases, self._routes, delivery.kind, delivery.payload, now)
            return message(delivery, said) if said else None
        if "digest" in delivery.payload:
            return self._digests(session, delivery, now)
        if "spike" in delivery.payload:
            return self._spikes(session, delivery, now)
        if delivery.incident_id is not None:
            return self._incidents(session, delivery, now)
        if delivery.case_id is None:
            plain = delivery.transport == "apprise"
            return message(delivery, cut(str(delivery.payload.get("text", "")), 3000, escaped=not plain))
        if delivery.kind == "redact":
            return message(delivery, REMOVED, edits=delivery.payload["ts"], target=delivery.payload["place"])
        case = self._cases.get(session, delivery.case_id)
        if case.page is not None and delivery.kind in ("alert", "update"):
            return self._incidents.entry(session, delivery, case, now)
        if delivery.kind == "alert":
            text, shown = blocks.root(case, now, self._holder(session, case))
            # a channel that was mended in the configuration also gets what was meant for the wrong one
            mended = self._routes.of(case).channel if delivery.transport == "slack" and not delivery.look else None
            return message(delivery, text, shown, target=case.slack_channel if "anew" in delivery.payload else mended)
        if delivery.kind == "update":
            return self._update(session, delivery, case, now)
        event = str(delivery.payload.get("event", ""))
        if delivery.kind != "note" and not _still_asked(case, delivery, now):
            return None
        quiet = delivery.kind in ASKING and event != "escalate" and self._missed(session, delivery)
        if quiet and event in REMINDING:
            return None  # the summary has asked for all of them
        if event == "remind" and silences.held_until_after(session, case.id, delivery.created_at):
            return None  # its alert was paused, and has only now been seen
        if delivery.transport == "apprise":
            title, body = notes.plain(case, event, now)
            return message(delivery, f"{title}\n{body}")
        if quiet:
            delivery = replace(delivery, payload=dict(delivery.payload) | {"notify": None})
        words = self._words(session, delivery, case, event, now)
        if delivery.payload.get("notify") == "elsewhere" or (delivery.transport == "slack" and case.slack_ts is None):
            return message(delivery, notes.elsewhere(case, words, now))
        if case.page is not None:  # its thread is about many
            words = notes.elsewhere(case, words, now)
        # a thread that nobody follows yet would keep the reminder to itself
        asked = delivery.kind != "note" or event in ("release", "worse")
        loud = asked and not quiet and case.state != "taken" and not self._call(session, delivery, case)
        if loud and event == "remind" and silences.paused(session, delivery.target, now):
            loud = False
        shown = blocks.solved(case, words) if event == "ask_solved" else ()
        if event == "reply_waits":
            asked_for = _waiting(session, (delivery.payload.get("detail") or {}).get("reply_id"))
            shown = reply_modal.approval(asked_for, words) if asked_for is not None else ()
        thread = case.slack_thread or case.slack_ts
        return message(delivery, words, shown, thread=thread, broadcast=loud, target=case.slack_channel)

    def _missed(self, session: Session, delivery: Delivery) -> bool:
        """Whether it would have come while Slack was away, of which one summary has told."""
        return delivery.transport == "slack" and silences.missed(session, "slack", delivery.created_at)

    def _update(self, session: Session, delivery: Delivery, case: Case, now: datetime) -> Message | None:
        if delivery.transport != "slack":  # what cannot be edited has the note that goes with the edit
            return None
        if case.slack_ts is None:
            return None
        text, shown = blocks.root(case, now, self._holder(session, case))
        return message(delivery, text, shown, edits=case.slack_ts, target=case.slack_channel)

    def _words(self, session: Session, delivery: Delivery, case: Case, event: str, now: datetime) -> str:
        payload = delivery.payload
        actor, detail = str(payload.get("actor", "")), payload.get("detail") or {}
        if delivery.kind != "note":
            who = str(detail.get("owner") or "") if event == "silent_owner" else actor
            return notes.asks(case, event, self._call(session, delivery, case), now, who)
        words = None
        if detail.get("mention_id") is not None:
            words = session.scalar(select(MentionRow.text).where(MentionRow.id == detail["mention_id"]))
        return notes.happened(case, event, actor, detail, now, words)

    def _call(self, session: Session, delivery: Delivery, case: Case) -> str | None:
        """Who is to be notified by name. In a thread reminder the owner, since the others have no part in it."""
        notify = delivery.payload.get("notify")
        if notify == "oncall" and (oncall := self._routes.oncall(case, self._clock.now())):
            return " ".join(map(blocks.mention, oncall))
        lead = self._routes.of(case).lead
        if notify == "lead" and lead and not lead.startswith(("C", "G")):
            return blocks.mention(lead)
        return self._holder(session, case) if notify == "thread" else None

    def _holder(self, session: Session, case: Case) -> str | None:
        """The owner as Slack knows them, if they took the case in Slack."""
        if case.owner is None:
            return None
        given = session.execute(
            select(CaseEventRow.kind, CaseEventRow.actor, CaseEventRow.detail)
            .where(CaseEventRow.case_id == case.id, CaseEventRow.kind.in_(("take", "hand_over", "reply")))
            .order_by(CaseEventRow.id.desc())
            .limit(20)
        )
        for kind, actor, detail in given:
            name, key = (detail.get("to"), "slack_to") if kind == "hand_over" else (actor, "slack_user")
            if name == case.owner and detail.get(key):
                return blocks.mention(str(detail[key]))
        return None


def _still_asked(case: Case, delivery: Delivery, now: datetime) -> bool:
    """Whether what was to be asked is still open: nobody is paged about a case that was just taken or answered."""
    event = delivery.payload.get("event")
    if event == "rated":
        return True
    if event == "ask_solved":
        return case.state == "replied"
    if event in ("escalate", "worse"):
        return case.state not in ("resolved", "dismissed")
    if case.clock != "running" or case.state in ("replied", "resolved", "dismissed", "snoozed"):
        return False
    if case.muted(now) and event in ("remind", "oncall", "renag"):
        return False
    if case.state == "taken" and event != "breach":  # what is left is for the owner, of the time since
        return delivery.kind == "reminder" and case.taken_at is not None and case.taken_at < delivery.created_at
    return True


def _waiting(session: Session, reply_id: int | None) -> int | None:
    """The reply, if it still waits for somebody to approve it."""
    waits = ReplyRow.state == "awaiting_approval"
    return session.scalar(select(ReplyRow.id).where(ReplyRow.id == reply_id, waits))
