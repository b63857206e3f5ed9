"""What a person says of a mention becomes a correction, and cases follow: opened, reopened or dismissed as it says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.cases import TRANSITIONS, Cases
from monitor.classify.verdict import Verdict
from monitor.corrections import correct
from monitor.errors import Refused
from monitor.models import CaseRow, CorrectionRow, MentionRow, VerdictRow

GONE = "its words are gone: they were removed where they stood"


@dataclass(frozen=True, slots=True)
class Labelled:
    """What was said of a mention, and its case, if it has one; `done` is what that did to the case: opened, joined,
    reopened, dismissed, or nothing."""

    mention_id: int
    complaint: bool
    case_id: int | None
    done: str | None


def label(
    cases: Cases, mention_id: int, revision: int | None, complaint: bool, actor: str, origin: str, now: datetime
) -> Labelled:
    """`actor` says whether a mention is a complaint; of the `revision` that they read, None: of the present one. The
    same once more changes nothing. In a transaction of its own. Raises Refused."""
    with cases.db.write() as session:
        case_id = session.scalar(select(MentionRow.case_id).where(MentionRow.id == mention_id))
        case = None  # locked before its mentions, as whoever acts on it does
        if case_id is not None:
            case = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
        mention = session.get(MentionRow, mention_id, with_for_update=True, populate_existing=True)
        if mention is None or mention.own:
            raise Refused(f"there is no mention {mention_id} of a customer")
        if mention.removed_at is not None:
            raise Refused(GONE)
        if mention.case_id != case_id or revision not in (None, mention.revision):
            raise Refused("it was changed meanwhile: read it again")
        judged = session.scalar(
            select(VerdictRow).where(VerdictRow.mention_id == mention_id, VerdictRow.revision == mention.revision)
        )
        if judged is None:
            raise Refused("it was not judged yet: wait for its verdict")
        said = session.scalar(
            select(CorrectionRow.complaint)
            .where(CorrectionRow.mention_id == mention_id)
            .order_by(CorrectionRow.at.desc(), CorrectionRow.id.desc())
            .limit(1)
        )
        if said is complaint:
            return Labelled(mention_id, complaint, case_id, None)
        done = None
        if case is None and complaint:
            done = _open(session, cases, mention, judged, actor, origin, now)
        event = _event(session, case, mention, complaint) if case is not None else None
        if case is not None and event is not None:
            cases.act_in(session, case.id, event, actor, origin, now)  # which corrects the case's first mention
            return Labelled(mention_id, complaint, case.id, {"reopen": "reopened", "dismiss": "dismissed"}[event])
        correct(session, mention_id, complaint, actor, now)  # last, since all who count lock the same rows
        return Labelled(mention_id, complaint, mention.case_id, done)


def _event(session: Session, case: CaseRow, mention: MentionRow, complaint: bool) -> str | None:
    """What the word on a case's first mention does to the case. One with other complaints is not dismissed."""
    event = "reopen" if complaint else "dismiss"
    if case.mention_id != mention.id or (case.state, event) not in TRANSITIONS:
        return None
    if complaint:
        return event if case.state == "dismissed" else None
    others = (
        select(func.count())
        .select_from(MentionRow)
        .join(VerdictRow, (VerdictRow.mention_id == MentionRow.id) & (VerdictRow.revision == MentionRow.revision))
        .where(MentionRow.case_id == case.id, MentionRow.id != mention.id, VerdictRow.complaint)
        .where(MentionRow.copy_of.is_(None), MentionRow.removed_at.is_(None))
    )
    return None if session.scalar(others) else event


def _open(
    session: Session,
    cases: Cases,
    mention: MentionRow,
    judged: VerdictRow,
    actor: str,
    origin: str,
    now: datetime,
) -> str | None:
    """The case that the mention opens or joins, with a note on who said so; None where it is about competitors only."""
    case_id = cases.consider(session, {mention.id: _as_complaint(judged)}, now).get(mention.id)
    if case_id is None:
        return None
    session.flush()
    case = session.get_one(CaseRow, case_id)
    text = f"Said to be a complaint; the classifier gave it {100 * judged.complaint_score:.0f} %."
    cases.act_in(session, case_id, "note", actor, origin, now, text=text)
    return "opened" if case.mention_id == mention.id else "joined"


def _as_complaint(judged: VerdictRow) -> Verdict:
    return Verdict(
        judged.language,
        judged.language_score,
        judged.sentiment,
        (judged.negative, judged.neutral, judged.positive),
        True,
        judged.complaint_score,
        judged.severity,
        judged.severity_score,
        judged.topic,
        judged.topic_score,
        judged.model,
    )
