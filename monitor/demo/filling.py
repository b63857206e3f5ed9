"""Puts the demo's past into a database that holds no mentions yet: as rows, in one transaction. Since nobody is told of
what is stored like this, no alert goes out; and no clock runs, since everything was answered or closed."""

from __future__ import annotations

import random
import tomllib
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from monitor import case_clock, last_words, rollups, sla
from monitor.annotations import annotate
from monitor.case_events import SYSTEM, CaseWriter, Happened
from monitor.corrections import correct
from monitor.database import Database, insert_rows
from monitor.demo.past import CAMPAIGN, HOUR, STRIKE, STRUCK, TEAM, Handled, Said, handled, said
from monitor.demo.voices import RIVAL, voices
from monitor.models import CaseEventRow, CaseRow, CorrectionRow, MentionRow, ReplyRow, VerdictRow
from monitor.settings import Settings
from monitor.transitions import NEW
from monitor.word_index import anew

SEED = 7
_SEEN_AFTER, _JUDGED_AFTER = timedelta(seconds=30), timedelta(seconds=31)
_UNSURE, _RIGHT = 0.12, 0.93  # how near to the middle a probability is looked at; how often it was right


def fill(db: Database, settings: Settings, now: datetime) -> int:
    """How many mentions were stored: none where there are any, so that a second start fills nothing."""
    lot = random.Random(SEED)
    with db.write() as session:
        if session.scalar(select(MentionRow.id).limit(1)) is not None:
            return 0
        told = dict(enumerate(said(voices(), now, lot), 1))
        insert_rows(session, MentionRow, [_mention(id, each) for id, each in told.items()])
        insert_rows(session, VerdictRow, [_verdict(id, each) for id, each in told.items()])
        rollups.count(session, told)
        _cases(session, settings, told, now, lot)
        _second_thoughts(session, told, lot)
        _annotations(session, now)
    anew(db)
    return len(told)


def _mention(id: int, each: Said) -> dict[str, Any]:
    voice, author = each.voice, each.voice.author
    return {
        "id": id,
        "source": voice.source,
        "external_id": f"past-{id}",
        "url": voice.url,
        "text": voice.text,
        "rating": voice.rating,
        "author": each.handle,
        "author_name": author.get("name"),
        "author_url": f"https://example.com/@{each.handle}",
        "author_followers": author.get("followers"),
        "brands": list(voice.brands),
        "posted_at": each.at,
        "seen_at": each.at + _SEEN_AFTER,
        "judging": "judged",
        "attempt": 0,
    }


def _verdict(id: int, each: Said) -> dict[str, Any]:
    verdict = each.voice.verdict
    names = ("language", "language_score", "sentiment", "complaint", "complaint_score")
    more = ("severity", "severity_score", "topic", "topic_score", "model")
    return {
        "mention_id": id,
        "revision": 0,
        **{name: getattr(verdict, name) for name in (*names, *more)},
        **dict(zip(("negative", "neutral", "positive"), verdict.sentiment_scores, strict=True)),
        "judged_at": each.at + _JUDGED_AFTER,
    }


def _cases(session: Session, settings: Settings, told: dict[int, Said], now: datetime, lot: random.Random) -> None:
    """A case for each complaint about our own brands, and its history, by the code that writes all cases."""
    own = {brand.name for brand in settings.brands if not brand.competitor}
    complaints = {id: s for id, s in told.items() if s.voice.verdict.complaint and s.voice.brands[0] in own}
    policies = sla.Policies(settings.clock)
    writer = CaseWriter(policies, ())
    words = tomllib.loads(files(__package__).joinpath("answers.toml").read_text(encoding="utf-8"))
    rows: list[CaseRow] = []
    replies: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for mention_id, each in complaints.items():
        row = _case(len(rows) + 1, mention_id, each, policies, settings)
        rows.append(row)
        deed = handled(each, now, lot)
        answer = None
        if deed.answered_at is not None:
            text = lot.choice(words.get(row.language, words["en"]))
            answer = _reply(len(replies) + 1, row, text, deed.who, deed.answered_at)
            replies.append(answer)
        for happened in _history(policies.named(row.policy), row, deed, answer):
            events.append(_event(row, writer.apply(session, row, happened)))
    session.add_all(rows)
    insert_rows(session, ReplyRow, replies)
    insert_rows(session, CaseEventRow, events)
    table: Any = MentionRow.__table__
    session.connection().execute(
        update(table).where(table.c.id == bindparam("mention")).values(case_id=bindparam("of")),
        [{"mention": row.mention_id, "of": row.id} for row in rows],
    )


def _case(id: int, mention_id: int, each: Said, policies: sla.Policies, settings: Settings) -> CaseRow:
    voice, verdict, brand = each.voice, each.voice.verdict, each.voice.brands[0]
    policy, _ = policies.choose(
        sla.Subject(
            voice.source, brand, verdict.severity, verdict.language, voice.rating, voice.author.get("followers")
        )
    )
    row = CaseRow(
        id=id,
        mention_id=mention_id,
        brand=brand,
        source=voice.source,
        author=each.handle,
        state=NEW,
        severity=verdict.severity,
        topic=verdict.topic,
        language=verdict.language,
        opened_at=each.at + _JUDGED_AFTER,
        posted_at=each.at,
        policy=policy.name,
        step=0,
        version=0,
    )
    case_clock.store(row, sla.first_sight(settings.clock, policy, each.at, each.at + _SEEN_AFTER))
    return row


def _reply(id: int, row: CaseRow, text: str, actor: str, at: datetime) -> dict[str, Any]:
    return {
        "id": id,
        "key": f"past:{id}",
        "case_id": row.id,
        "mention_id": row.mention_id,
        "text": text,
        "actor": actor,
        "origin": "web",
        "state": "sent",
        "created_at": at,
        "not_before": at,
        "intent_at": at,
        "sent_at": at,
        "external_id": f"past-reply-{id}",
        "attempt": 1,
    }


def _history(policy: sla.Policy, row: CaseRow, deed: Handled, answer: dict[str, Any] | None) -> list[Happened]:
    """In the order in which it happened."""
    done = [Happened("opened", SYSTEM, row.source, row.opened_at, {"policy": policy.name})]
    taken_at = max(deed.taken_at, row.opened_at)
    done.append(Happened("take", deed.who, "web", taken_at))
    ended_at = max(deed.answered_at or deed.closed_at or taken_at, taken_at)
    step, clock = policy.steps[policy.breach_step], case_clock.load(row)
    breached_at = sla.step_at(policy, clock, step)
    if breached_at is not None and breached_at <= ended_at:
        detail = {"notify": step.notify, "step": policy.breach_step, "at": step.at.total_seconds()}
        done.append(Happened("breach", SYSTEM, "clock", breached_at, detail, clock=sla.breach(clock)))
    if answer is not None:
        told = {"text": answer["text"], "reply_id": answer["id"]}
        done.append(Happened("reply", deed.who, "web", ended_at, told, f"reply:{answer['external_id']}"))
    if deed.closed_at is not None:
        closed_at = max(deed.closed_at, ended_at)
        done.append(Happened("dismiss" if deed.dismissed else "resolve", deed.who, "web", closed_at))
        if deed.stars is not None:
            done.append(Happened("rated", row.author or "", "survey", closed_at + HOUR / 2, {"score": deed.stars}))
    return sorted(done, key=lambda happened: happened.at)


def _event(row: CaseRow, done: Happened) -> dict[str, Any]:
    return {
        "case_id": row.id,
        "kind": done.event,
        "actor": done.actor,
        "origin": done.origin,
        "at": done.at,
        "detail": done.detail,
        "key": done.key,
    }


def _second_thoughts(session: Session, told: dict[int, Said], lot: random.Random) -> None:
    """The team went through what the model was unsure of, each time but the last, and mostly found it right. What was a
    complaint became a case: there the team has had its word."""
    confirmed, left = [], set()
    for id, each in reversed(told.items()):
        voice, judged = each.voice, each.voice.verdict.complaint
        if abs(voice.verdict.complaint_score - 0.5) > _UNSURE or voice.brands[0] == RIVAL[1]:
            continue
        if (voice.source, voice.id) not in left:
            left.add((voice.source, voice.id))
        elif judged or lot.random() < _RIGHT:
            confirmed.append((id, judged, each.at))
        else:
            correct(session, id, not judged, lot.choice(TEAM), each.at + 2 * HOUR)
    said_before = set(session.scalars(select(CorrectionRow.mention_id)))
    new = [(id, complaint, at) for id, complaint, at in confirmed if id not in said_before]
    rows = [{"mention_id": id, "complaint": c, "actor": lot.choice(TEAM), "at": at + HOUR} for id, c, at in new]
    insert_rows(session, CorrectionRow, rows)
    last_words.keep(session, [id for id, _, _ in new])


def _annotations(session: Session, now: datetime) -> None:
    for text, brand, (since, until), who in (
        ("Autumn campaign", STRUCK, CAMPAIGN, "Priya"),
        ("Courier strike", STRUCK, STRIKE, "Marta"),
    ):
        annotate(session, now - since, now - until, text, brand, who, now - since)
