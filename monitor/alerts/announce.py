"""Which messages a change of a case makes. A listener of `Cases`: it writes to the outbox in the same commit."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.alerts import silences
from monitor.alerts.apprise_transport import label
from monitor.alerts.incident_announce import IncidentAnnouncer
from monitor.alerts.outbox import URGENT, enqueue
from monitor.alerts.quiet import QuietHours
from monitor.alerts.routes import Routes
from monitor.alerts.spike_announce import SpikeAnnouncer
from monitor.cases import Case, Change
from monitor.models import DeliveryRow, MentionRow
from monitor.settings import Settings

STEPS = {
    "remind": "reminder",
    "oncall": "escalation",
    "renag": "escalation",
    "breach": "breach",
    "silent_owner": "escalation",
}


def home(settings: Settings) -> tuple[str, str]:
    """The transport and target of alerts: Slack if it is configured, else the console."""
    if settings.slack.channel and settings.slack.bot_token:
        return "slack", settings.slack.channel
    return "console", "-"


def apprise_urls(settings: Settings) -> dict[str, str]:
    """Every Apprise URL that a step names, by its label."""
    clock = settings.clock
    steps = [*clock.steps, *(step for policy in clock.policies for step in policy.steps or [])]
    return {label(step.notify): step.notify for step in steps if "://" in step.notify}


def digest_urls(settings: Settings) -> dict[str, str]:
    """Every Apprise URL that a digest names, by its label."""
    return {label(url): url for each in settings.digests for url in each.apprise}


def shown_in(settings: Settings) -> list[str | None]:
    """Every channel of Slack in which something is shown."""
    digests = [each.channel for each in settings.digests]
    return [*Routes(settings).channels, settings.slack.ops_channel, settings.spikes.channel, *digests]


class Announcer:
    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._transport, self._channel = home(settings)
        self._routes, self._quiet = Routes(settings), QuietHours(settings)
        self.incidents = IncidentAnnouncer(settings, self._transport, self._routes)
        self.spikes = SpikeAnnouncer(settings, self._transport, self._channel)

    def __call__(self, session: Session, change: Change) -> None:
        if change.event == "opened":
            self._open(session, change)
            return
        self._risen(session, change)
        if change.event == "worse":
            self._point_out(session, change)
        told = self.incidents.told(session, change, STEPS.get(change.event))
        if change.case.page is None:
            self._put(session, change, "update")
        if told or change.detail.get("muted"):
            return
        if change.event in STEPS:
            self._step(session, change, STEPS[change.event])
        elif change.event == "ask_solved" or (change.event == "rated" and change.detail.get("low")):
            self._put(session, change, "reminder", notify="thread")
        elif change.event == "escalate":
            self._put(session, change, "escalation", notify="lead")
        else:
            self._put(session, change, "note")

    def ops(self, session: Session, text: str, now: datetime, everywhere: bool = False) -> str:
        """Tell the operator something; `text` is plain. With `everywhere` also at each Apprise address of the steps,
        for what may keep Slack from being told."""
        target = self._settings.slack.ops_channel or self._channel
        for place in apprise_urls(self._settings) if everywhere else ():
            enqueue(session, "ops", "apprise", place, now, payload={"text": text})
        return enqueue(session, "ops", self._transport, target, now, payload={"text": text})

    def _open(self, session: Session, change: Change) -> None:
        mention = session.get(MentionRow, change.case.mention_id)
        if mention is None or not mention.backfill:  # imported history is for the trends, not for the team
            self._put(session, change, "alert")

    def _step(self, session: Session, change: Change, kind: str) -> None:
        notify = str(change.detail.get("notify", "thread"))
        case, place = change.case, self._place(change.case)
        if (
            change.event in ("oncall", "remind") and case.state == "taken"
        ):  # somebody has it: nobody else is called for it
            self._put(session, change, "reminder", notify="thread")
            return
        transport, target = ("apprise", label(notify)) if "://" in notify else (self._transport, place)
        if change.event == "renag" and _waits(session, kind, transport, target, case.id):
            return  # after an outage one nag is enough
        if "://" in notify:
            silences.let_through(session, case.id, change.at)
            enqueue(session, kind, "apprise", target, change.at, case.id, {"event": change.event})
            if kind != "breach":
                return
            notify = "thread"
        lead = self._routes.of(case).lead
        self._put(session, change, kind, notify=notify)
        if notify == "lead" and lead is not None and lead.startswith(("C", "G")) and self._transport == "slack":
            payload = {"event": change.event, "notify": "elsewhere"}
            enqueue(session, kind, "slack", lead, change.at, case.id, payload)

    def _put(self, session: Session, change: Change, kind: str, **more: str) -> None:
        payload: dict[str, object] = {**_told(change), **more}
        if kind in ("alert", "update"):  # whoever acted hears if Slack refuses it
            user = change.detail.get("slack_user")
            payload = {**more, **({"detail": {"slack_user": user}} if user else {})}
        place, later = self._place(change.case), None
        if kind == "alert" and (silence := self._hold(session, change)):
            payload["silence"], later = silence.id, silence.until
        elif kind in URGENT:  # whoever is called has to see the case
            silences.let_through(session, change.case.id, change.at)
        enqueue(session, kind, self._transport, place, change.at, change.case.id, payload, later)

    def _hold(self, session: Session, change: Change) -> silences.Silence | None:
        """What an alert that is put in now has to wait for."""
        severity, place = change.case.severity, self._place(change.case)
        until = self._quiet.until(severity, change.at) if self._transport == "slack" else None
        return silences.hold(session, self._transport, place, severity, until, change.at)

    def _risen(self, session: Session, change: Change) -> None:
        """A case that has become too grave for what holds its alert back is held no longer."""
        shown = change.case.slack_ts is not None or self._transport != "slack"
        if not shown and not self._quiet.holds(change.case.severity):
            silences.hold_anew(session, change.case.id, self._hold(session, change), change.at)

    def _point_out(self, session: Session, change: Change) -> None:
        """A case that stands in one channel and has become one for another is pointed out there."""
        case = change.case
        before = replace(case, severity=str(change.detail["was"]))
        channel = self._routes.of(case).channel
        if case.slack_ts is not None and channel not in (case.slack_channel, self._routes.of(before).channel):
            payload = {**_told(change), "notify": "elsewhere"}
            enqueue(session, "escalation", self._transport, channel, change.at, case.id, payload)

    def _place(self, case: Case) -> str:
        return self._routes.place(case) if self._transport == "slack" else self._channel


def _waits(session: Session, kind: str, transport: str, target: str, case_id: int) -> bool:
    """Whether such a message for the case has not been tried yet."""
    waiting = select(DeliveryRow.id).where(
        DeliveryRow.case_id == case_id,
        DeliveryRow.kind == kind,
        DeliveryRow.transport == transport,
        DeliveryRow.target == target,
        DeliveryRow.state == "pending",
    )
    return session.scalar(waiting.limit(1)) is not None


def _told(change: Change) -> dict[str, object]:
    detail = dict(change.detail)
    notify = str(detail.get("notify", ""))
    if "://" in notify:  # such an address holds passwords
        detail["notify"] = label(notify)
    return {"event": change.event, "actor": change.actor, "detail": detail}
