"""Tables and indexes, nothing else. What the words mean: docs/names.md."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, mapped_column

import monitor.access.rows  # noqa: F401  # its tables are part of the schema
from monitor.annotation_rows import AnnotationRow as AnnotationRow
from monitor.budget_rows import BudgetDayRow as BudgetDayRow
from monitor.budget_rows import RestRow as RestRow
from monitor.hook_rows import CallRow as CallRow
from monitor.incident_rows import FeaturesRow as FeaturesRow
from monitor.incident_rows import IncidentRow as IncidentRow
from monitor.parent_rows import ParentRow as ParentRow
from monitor.rollup_rows import LastWordRow as LastWordRow
from monitor.rollup_rows import RollupRow as RollupRow
from monitor.rows import Base as Base
from monitor.rows import Id as Id
from monitor.rows import Leased as Leased
from monitor.search_rows import UnindexedRow as UnindexedRow
from monitor.spike_rows import SpikeRow as SpikeRow
from monitor.stream_state import StreamState as StreamState

_GATHERED = sql("incident_id IS NOT NULL")
_WAITING, _PARKED = (sql(f"judging = '{state}'") for state in ("waiting", "parked"))
_HELD = sql("looked_at IS NOT NULL")
_REPOST, _COPY, _WORDS = (sql(f"{name} IS NOT NULL") for name in ("repost_of", "copy_of", "words"))


class SourceState(Leased, Base):
    """Where the next poll of a source begins, and how the source is doing."""

    __tablename__ = "sources"
    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    cursor: Mapped[dict[str, Any] | None]
    next_poll_at: Mapped[datetime | None] = mapped_column(index=True)
    last_success_at: Mapped[datetime | None]
    newest_posted_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    failing_since: Mapped[datetime | None]
    reported_at: Mapped[datetime | None]  # when the ops channel was told
    error: Mapped[str | None] = mapped_column(Text)
    stopped_for: Mapped[str | None] = mapped_column(String(64))  # fingerprint of the configuration that was refused
    arrivals: Mapped[float | None]  # new mentions an hour, of late; see monitor/turns.py


class MentionRow(Leased, Base):
    __tablename__ = "mentions"
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(100))
    external_id: Mapped[str] = mapped_column(String(400))
    url: Mapped[str | None] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    rating: Mapped[float | None]
    author: Mapped[str | None] = mapped_column(String(300))  # handle
    author_name: Mapped[str | None] = mapped_column(Text)
    author_url: Mapped[str | None] = mapped_column(Text)
    author_followers: Mapped[int | None]
    conversation: Mapped[str | None] = mapped_column(String(400))
    parent: Mapped[str | None] = mapped_column(String(400))
    own: Mapped[bool] = mapped_column(default=False)  # written by one of the brand's own accounts
    backfill: Mapped[bool] = mapped_column(default=False)  # imported history: never starts a clock
    brands: Mapped[list[str]]
    posted_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    judging: Mapped[str] = mapped_column(String(10), default="waiting")  # waiting, judged, parked, skipped, purged
    judge_error: Mapped[str | None] = mapped_column(Text)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    media: Mapped[list[str] | None]
    likes: Mapped[int | None]
    shares: Mapped[int | None]
    answers: Mapped[int | None]
    views: Mapped[int | None]
    looked_at: Mapped[datetime | None]  # when its source last said how it stands; see monitor/sightings.py
    # a post that passes on another, or says the same elsewhere, folds into it; see monitor/copies.py
    repost_of: Mapped[str | None] = mapped_column(String(400))
    copy_of: Mapped[int | None] = mapped_column(ForeignKey("mentions.id"))
    words: Mapped[str | None] = mapped_column(String(32))  # hash of what it says, however it is written
    __table_args__ = (
        UniqueConstraint("source", "external_id"),
        Index("ix_mentions_looked", "source", "looked_at", sqlite_where=_HELD, postgresql_where=_HELD),
        Index("ix_mentions_repost", "source", "repost_of", sqlite_where=_REPOST, postgresql_where=_REPOST),
        Index("ix_mentions_copy", "copy_of", sqlite_where=_COPY, postgresql_where=_COPY),
        Index("ix_mentions_words", "words", sqlite_where=_WORDS, postgresql_where=_WORDS),
        Index("ix_mentions_waiting", "backfill", "id", sqlite_where=_WAITING, postgresql_where=_WAITING),
        Index("ix_mentions_parked", "id", sqlite_where=_PARKED, postgresql_where=_PARKED),
        Index("ix_mentions_posted", "posted_at"),
        Index("ix_mentions_case", "case_id"),
        Index("ix_mentions_author", "source", "author", "posted_at"),
        Index("ix_mentions_conversation", "source", "conversation"),
    )


class RevisionRow(Base):
    """What a mention said before its author edited it."""

    __tablename__ = "revisions"
    id: Mapped[int] = mapped_column(primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mentions.id"), index=True)
    revision: Mapped[int]
    text: Mapped[str] = mapped_column(Text)
    rating: Mapped[float | None]
    replaced_at: Mapped[datetime]


class VerdictRow(Base):
    """One verdict for each revision of a mention; a mention's verdict is that of its present revision."""

    __tablename__ = "verdicts"
    id: Mapped[int] = mapped_column(primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mentions.id"))
    revision: Mapped[int]
    language: Mapped[str] = mapped_column(String(10))
    language_score: Mapped[float]
    sentiment: Mapped[str] = mapped_column(String(10))
    negative: Mapped[float]
    neutral: Mapped[float]
    positive: Mapped[float]
    complaint: Mapped[bool]
    complaint_score: Mapped[float]
    severity: Mapped[str] = mapped_column(String(10))
    severity_score: Mapped[float]
    topic: Mapped[str] = mapped_column(String(30))
    topic_score: Mapped[float]
    model: Mapped[str] = mapped_column(String(100))
    judged_at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("mention_id", "revision"),)


class CaseRow(Base):
    __tablename__ = "cases"
    id: Mapped[int] = mapped_column(primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mentions.id", use_alter=True))  # the first complaint
    brand: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(100))
    author: Mapped[str | None] = mapped_column(String(300))
    conversation: Mapped[str | None] = mapped_column(String(400))
    state: Mapped[str] = mapped_column(String(10))
    owner: Mapped[str | None] = mapped_column(String(100))
    severity: Mapped[str] = mapped_column(String(10))
    topic: Mapped[str] = mapped_column(String(30))
    language: Mapped[str] = mapped_column(String(10))
    opened_at: Mapped[datetime]
    posted_at: Mapped[datetime]
    resolved_at: Mapped[datetime | None]
    # the clock; see monitor/sla.py
    policy: Mapped[str] = mapped_column(String(100))
    clock: Mapped[str] = mapped_column(String(10))  # none, running, paused, stopped
    clock_kind: Mapped[str] = mapped_column(String(10), default="first")  # first, next
    starts_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None]
    seconds_left: Mapped[float | None]  # while paused
    paused_at: Mapped[datetime | None]
    paused_calendar: Mapped[float] = mapped_column(default=0.0)  # seconds spent in earlier pauses
    paused_business: Mapped[float] = mapped_column(default=0.0)
    head_start: Mapped[float] = mapped_column(default=0.0, server_default="0")  # seconds before the case became worse
    step: Mapped[int] = mapped_column(default=0)  # how many steps of the policy are done
    next_step_at: Mapped[datetime | None]
    snoozed_until: Mapped[datetime | None]
    first_response_at: Mapped[datetime | None]
    met: Mapped[bool | None]
    breached_at: Mapped[datetime | None]
    calendar_seconds: Mapped[float | None]
    business_seconds: Mapped[float | None]
    taken_at: Mapped[datetime | None]
    # what the customer said of our help, 1 (worst) to 5, and when first; see monitor/survey.py
    satisfaction: Mapped[int | None] = mapped_column(Integer)
    satisfaction_at: Mapped[datetime | None]
    vip: Mapped[str | None] = mapped_column(String(20))  # why its author is one: named, followers
    muted_until: Mapped[datetime | None]  # its reminders are silent until then
    version: Mapped[int] = mapped_column(default=0)  # grows with every event, and whatever else changes an outcome
    # who is writing a reply just now, and until when that counts
    composing_by: Mapped[str | None] = mapped_column(String(100))
    composing_until: Mapped[datetime | None]
    # where the case's root message is, once it was posted
    slack_channel: Mapped[str | None] = mapped_column(String(30))
    slack_ts: Mapped[str | None] = mapped_column(String(30))
    # a case of an incident; `page` is set where it is one of several in a message of the incident's thread
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    page: Mapped[int | None]
    slack_thread: Mapped[str | None] = mapped_column(String(30))  # the thread's root, where that is not `slack_ts`
    __table_args__ = (
        # with all that is counted of many, so that they are counted in the index alone
        Index("ix_cases_brand_posted", "brand", "posted_at", "source", "language", "incident_id"),
        Index("ix_cases_posted", "posted_at", "version"),  # monitor/outcome_days.py reads no more of most
        Index("ix_cases_incident", "incident_id", sqlite_where=_GATHERED, postgresql_where=_GATHERED),
        Index(
            "ix_cases_next_step",
            "next_step_at",
            sqlite_where=sql("next_step_at IS NOT NULL"),
            postgresql_where=sql("next_step_at IS NOT NULL"),
        ),
        Index("ix_cases_author", "source", "author", "opened_at"),
        Index("ix_cases_state_due", "state", "due_at"),
    )


class CaseEventRow(Base):
    """One thing that happened to a case. Never rewritten: the history is the audit."""

    __tablename__ = "case_events"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    actor: Mapped[str] = mapped_column(String(100))
    origin: Mapped[str] = mapped_column(String(30))  # slack, web, cli, source, clock ...
    at: Mapped[datetime]
    detail: Mapped[dict[str, Any]]
    key: Mapped[str | None] = mapped_column(String(200))  # the same key twice is the same event
    __table_args__ = (UniqueConstraint("case_id", "key"),)


class SolvedQuestionRow(Base):
    """When a case's owner is asked whether the matter is solved; see monitor/solved.py."""

    __tablename__ = "solved_questions"
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    ask_at: Mapped[datetime | None]  # empty: nothing to be asked, until somebody answers the customer again
    asked: Mapped[int] = mapped_column(Integer, default=0)  # how often, since the last answer
    __table_args__ = (
        Index(
            "ix_solved_questions_ask",
            "ask_at",
            sqlite_where=sql("ask_at IS NOT NULL"),
            postgresql_where=sql("ask_at IS NOT NULL"),
        ),
    )


class DeliveryRow(Leased, Base):
    """One message that must reach Slack (or another transport) once."""

    __tablename__ = "deliveries"
    id: Mapped[int] = mapped_column(primary_key=True)  # the order in which messages go out
    key: Mapped[str] = mapped_column(String(32), unique=True)  # travels in the message's metadata as delivery_id
    kind: Mapped[str] = mapped_column(String(20))
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incidents.id"))
    transport: Mapped[str] = mapped_column(String(200))  # slack, console, apprise
    target: Mapped[str] = mapped_column(Text)  # channel, user or Apprise URL
    payload: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(
        String(10), default="pending"
    )  # pending, sending, sent, failed, unknown, dropped
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    intent_at: Mapped[datetime | None]  # when the first call was about to be made
    sent_at: Mapped[datetime | None]
    receipt: Mapped[str | None] = mapped_column(String(100))  # Slack's ts
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        Index(
            "ix_deliveries_open",
            "not_before",
            "id",
            sqlite_where=sql("state IN ('pending', 'sending', 'unknown')"),
            postgresql_where=sql("state IN ('pending', 'sending', 'unknown')"),
        ),
        Index("ix_deliveries_case", "case_id"),
        Index("ix_deliveries_incident", "incident_id", sqlite_where=_GATHERED, postgresql_where=_GATHERED),
    )


class ReplyRow(Leased, Base):
    """What a person wrote to a customer: stored before it is sent, sent once."""

    __tablename__ = "replies"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)  # the same key twice is the same reply
    # reply: a person wrote it; auto_ack, status, follow_up: nobody did, see monitor/notices.py
    kind: Mapped[str] = mapped_column(String(10), default="reply", server_default="reply")
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"))
    mention_id: Mapped[int] = mapped_column(ForeignKey("mentions.id"))  # what it answers
    text: Mapped[str] = mapped_column(Text)
    actor: Mapped[str] = mapped_column(String(100))
    slack_user: Mapped[str | None] = mapped_column(String(30))
    origin: Mapped[str] = mapped_column(String(30))  # slack, web, cli
    # draft, awaiting_approval, pending, sending, sent, failed, unknown
    state: Mapped[str] = mapped_column(String(20), default="draft")
    decided_by: Mapped[str | None] = mapped_column(String(100))  # who approved or declined it
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    intent_at: Mapped[datetime | None]  # when the first call was about to be made
    sent_at: Mapped[datetime | None]  # as the source dates it
    external_id: Mapped[str | None] = mapped_column(String(400))
    url: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (
        Index(
            "ix_replies_open",
            "not_before",
            "id",
            sqlite_where=sql("state IN ('pending', 'sending', 'unknown')"),
            postgresql_where=sql("state IN ('pending', 'sending', 'unknown')"),
        ),
        Index("ix_replies_case", "case_id"),
    )


class SilenceRow(Base):
    """A span in which alerts did not reach the team: somebody paused them, it was quiet hours, or Slack was away."""

    __tablename__ = "silences"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))  # pause, away, quiet
    target: Mapped[str] = mapped_column(Text)  # the channel that is paused or quiet; the transport that is away
    since: Mapped[datetime]
    until: Mapped[datetime | None]  # of a pause or quiet hours
    ended_at: Mapped[datetime | None]
    actor: Mapped[str | None] = mapped_column(String(100))
    ended_by: Mapped[str | None] = mapped_column(String(100))
    reason: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(32))  # key of the delivery that tells what was missed
    __table_args__ = (Index("ix_silences_target", "target", "id"),)


class NoticeRow(Base):
    """Something to tell a customer without a person writing it: planned, then told or left out."""

    __tablename__ = "notices"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("cases.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))  # auto_ack, status, follow_up
    planned_at: Mapped[datetime]
    due_at: Mapped[datetime | None]  # empty: it was decided on
    outcome: Mapped[str | None] = mapped_column(String(200))  # told, or why it was left out
    variant: Mapped[str | None] = mapped_column(String(10))  # which text was told
    promise: Mapped[datetime | None]  # the time by which the text promises an answer
    __table_args__ = (
        Index(
            "ix_notices_due",
            "due_at",
            "id",
            sqlite_where=sql("due_at IS NOT NULL"),
            postgresql_where=sql("due_at IS NOT NULL"),
        ),
    )


class NoticeLimitRow(Base):
    """When somebody was last told something of a kind. `who` is a hash: it is compared, never read."""

    __tablename__ = "notice_limits"
    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    who: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]


class SlotRow(Base):
    """A tick that one replica took; the others skip it."""

    __tablename__ = "slots"
    job: Mapped[str] = mapped_column(String(100), primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    taken_by: Mapped[str] = mapped_column(String(100))


class AlarmRow(Base):
    """Something that does not work, from when it was noticed until it works again; see monitor/watch.py."""

    __tablename__ = "alarms"
    part: Mapped[str] = mapped_column(String(30), primary_key=True)  # reading, judging, delivering
    since: Mapped[datetime]
    seen_at: Mapped[datetime]
    told_at: Mapped[datetime | None]  # when the ops channel was told


class CorrectionRow(Base):
    """A person's word against a verdict."""

    __tablename__ = "corrections"
    id: Mapped[int] = mapped_column(primary_key=True)
    mention_id: Mapped[int] = mapped_column(ForeignKey("mentions.id"), index=True)
    complaint: Mapped[bool]
    actor: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime]


class RejectRow(Base):
    """An item of a source that could not be read, kept with the reason."""

    __tablename__ = "rejects"
    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(100), index=True)
    external_id: Mapped[str | None] = mapped_column(String(400))
    reason: Mapped[str] = mapped_column(Text)
    raw: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    __table_args__ = (UniqueConstraint("source", "external_id"),)
