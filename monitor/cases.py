"""Cases: what opens one, what people and the clock do with it, and how to read them.

case_gathering.py decides which case a mention belongs to, case_events.py what an event does to a case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import and_, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from monitor import case_clock, rollups, sla
from monitor.case_events import SYSTEM, CaseWriter, Happened
from monitor.case_gathering import Gathering
from monitor.case_views import Case, Change, Event, Listener, events, views
from monitor.classify.verdict import Verdict
from monitor.clock import aware
from monitor.database import Database
from monitor.errors import Refused
from monitor.models import CaseEventRow, CaseRow
from monitor.settings import Settings
from monitor.transitions import AFTERWARDS, ON_THE_WAY, OPEN_STATES, PEOPLE_EVENTS, SHOWN, TRANSITIONS

__all__ = ["OPEN_STATES", "TRANSITIONS", "Case", "Cases", "Change", "Event", "Listener"]

Gather = Callable[[Session, Mapping[int, Verdict], datetime], None]

log = structlog.get_logger()

_ACTS = (*PEOPLE_EVENTS, "reply_seen", "customer_again", "ask_solved", *AFTERWARDS, *ON_THE_WAY, *SHOWN)
_SET_ASIDE = timedelta(minutes=5)


class Cases:
    """`listeners` hear of each Change inside the transaction that makes it."""

    def __init__(
        self, db: Database, settings: Settings, listeners: Sequence[Listener] = (), gather: Gather | None = None
    ) -> None:
        """`gather` is told of the cases of each batch of verdicts, by their ids, after they were stored."""
        self.db = db
        self._gather = gather
        self.policies = sla.Policies(settings.clock)
        self._writer = CaseWriter(self.policies, listeners)
        self._gathering = Gathering(settings, self._writer)

    def consider(self, session: Session, verdicts: Mapping[int, Verdict], now: datetime) -> dict[int, int]:
        """Open a case for each complaint, or let the mention join one; in the caller's write transaction, after the
        verdicts were stored. `verdicts` by the mentions' ids; the cases' ids, of the mentions that belong to one."""
        found = self._gathering.consider(session, verdicts, now)
        if self._gather is not None:
            self._gather(session, {case_id: verdicts[mention_id] for mention_id, case_id in found.items()}, now)
        return found

    def act(
        self, case_id: int, event: str, actor: str, origin: str, at: datetime, key: str | None = None, **detail: Any
    ) -> Change:
        """`event` by `actor`, in a transaction of its own. The same `key` again changes nothing and gives the same
        Change. `detail`: `to` for hand_over, `until` (aware) for snooze and mute, `text` for note, reply, auto_ack.

        Raises Refused where the state does not allow it."""
        with self.db.write() as session:
            return self.act_in(session, case_id, event, actor, origin, at, key, **detail)

    def act_in(
        self,
        session: Session,
        case_id: int,
        event: str,
        actor: str,
        origin: str,
        at: datetime,
        key: str | None = None,
        **detail: Any,
    ) -> Change:
        """As `act`, in the caller's write transaction."""
        if event not in _ACTS:
            raise Refused(f"there is no action {event}; there are: {', '.join(PEOPLE_EVENTS)}")
        if event in ("dismiss", "reopen"):  # which correct its mention: mentions are locked before cases
            rollups.lock(session, session.scalars(select(CaseRow.mention_id).where(CaseRow.id == case_id)).all())
        row = session.get(CaseRow, case_id, with_for_update=True, populate_existing=True)
        if row is None:
            raise Refused(f"there is no case {case_id}")
        if key is not None:
            past = session.scalar(select(CaseEventRow).where(CaseEventRow.case_id == case_id, CaseEventRow.key == key))
            if past is not None:
                return Change(views(session, [row])[0], past.kind, past.actor, past.at, past.origin, past.detail)
        happened = Happened(event, actor, origin, aware(at), detail, key)
        _check(row, happened)
        stored = self._writer.apply(session, row, happened)
        return self._writer.tell(session, [(row, stored)])[0]

    def tick(self, now: datetime, limit: int = 200) -> int:
        """Take every step that is due and end every snooze that is over, `limit` cases a transaction. How many cases
        changed. Costs one index look-up when nothing is due."""
        done = 0
        while True:
            with self.db.read() as session:
                ids = session.scalars(
                    select(CaseRow.id).where(CaseRow.next_step_at <= now).order_by(CaseRow.next_step_at).limit(limit)
                ).all()
            count = self._tick_some(ids, now) if ids else 0
            done += count
            if len(ids) < limit or not count:
                return done

    def _tick_some(self, ids: Sequence[int], now: datetime) -> int:
        try:
            return self._tick_these(ids, now)
        except SQLAlchemyError:
            raise
        except Exception as error:
            if len(ids) > 1:
                return sum(self._tick_some([case_id], now) for case_id in ids)
            log.exception("case set aside", case=ids[0], error=str(error), minutes=_SET_ASIDE.total_seconds() / 60)
            with self.db.write() as session:
                session.execute(update(CaseRow).where(CaseRow.id == ids[0]).values(next_step_at=now + _SET_ASIDE))
            return 1

    def _tick_these(self, ids: Sequence[int], now: datetime) -> int:
        with self.db.write() as session:
            rows = session.scalars(
                select(CaseRow)
                .where(CaseRow.id.in_(ids), CaseRow.next_step_at <= now)
                .order_by(CaseRow.next_step_at, CaseRow.id)
                .with_for_update(skip_locked=True)
            ).all()
            self._writer.tell(session, [(row, stored) for row in rows for stored in self._due(session, row, now)])
            return len(rows)

    def _due(self, session: Session, row: CaseRow, now: datetime) -> list[Happened]:
        """All that is due for one case at `now`, applied in order."""
        policy = self.policies.named(row.policy)
        found = []
        for _ in range(len(policy.steps) + 4):
            if row.next_step_at is None or row.next_step_at > now:
                break
            if row.state != "snoozed" and case_clock.composing(row, now):
                row.next_step_at = row.composing_until
                break
            happened = self._next_due(policy, row, now)
            if happened is None:  # the configuration changed since `next_step_at` was computed
                case_clock.schedule(policy, row, case_clock.load(row), now)
                continue
            found.append(self._writer.apply(session, row, happened))
        return found

    def _next_due(self, policy: sla.Policy, row: CaseRow, now: datetime) -> Happened | None:
        if row.state == "snoozed":
            return Happened("unsnooze", SYSTEM, "clock", row.snoozed_until or now)
        clock = case_clock.load(row)
        if clock.state != "running":
            return None
        index, when = case_clock.next_step(policy, row, clock)
        silent_at = case_clock.owner_silent_at(policy, row)
        if when is not None and when <= now and (silent_at is None or when <= silent_at):
            step = policy.steps[index]
            detail = {"notify": step.notify, "step": index, "at": step.at.total_seconds()}
            if step.event != "breach" and case_clock.muted(row, now):
                detail["muted"] = True
            breached = sla.breach(clock) if step.event == "breach" else clock
            return Happened(step.event, SYSTEM, "clock", now, detail, clock=breached)
        if silent_at is not None and silent_at <= now:
            paged = any(step.notify == "oncall" for step in policy.steps[: row.step])  # whose page went to the owner
            detail = {"notify": "oncall" if paged else "thread", "owner": row.owner}
            return Happened("silent_owner", SYSTEM, "clock", now, detail)
        if index == len(policy.steps) and row.state != "taken":
            last = policy.steps[-1]
            return Happened("renag", SYSTEM, "clock", now, {"notify": last.notify, "step": index - 1})
        return None

    def get(self, session: Session, case_id: int) -> Case:
        """Raises Refused where there is no such case."""
        row = session.get(CaseRow, case_id)
        if row is None:
            raise Refused(f"there is no case {case_id}")
        return views(session, [row])[0]

    def open_cases(self, session: Session, limit: int = 100, after: int | None = None) -> list[Case]:
        """Cases that are not closed, the soonest due first, those without a due time last; `after` is the id of the
        last case of the page before."""
        last = session.get(CaseRow, after) if after is not None else None
        rows: list[CaseRow] = []
        if last is None or last.due_at is not None:
            for state in OPEN_STATES:  # each from the index on (state, due_at)
                page = select(CaseRow).where(CaseRow.state == state, CaseRow.due_at.is_not(None))
                if last is not None:
                    later = and_(CaseRow.due_at == last.due_at, CaseRow.id > last.id)
                    page = page.where(CaseRow.due_at >= last.due_at, or_(CaseRow.due_at > last.due_at, later))
                rows += session.scalars(page.order_by(CaseRow.due_at, CaseRow.id).limit(limit))
            rows.sort(key=lambda row: (row.due_at, row.id))
        if len(rows) < limit:
            rest = select(CaseRow).where(CaseRow.state.in_(OPEN_STATES), CaseRow.due_at.is_(None))
            if last is not None and last.due_at is None:
                rest = rest.where(CaseRow.id > last.id)
            rows += session.scalars(rest.order_by(CaseRow.id).limit(limit - len(rows)))
        return views(session, rows[:limit])

    def history(self, session: Session, case_id: int) -> list[Event]:
        """All that happened to the case, in the order in which it was stored."""
        return events(session, case_id)


def _check(row: CaseRow, happened: Happened) -> None:
    """Refuse what the table cannot see: details that are missing, or a case that somebody else has."""
    event, detail = happened.event, happened.detail
    if event == "take" and row.state == "taken":
        who = "you have" if row.owner == happened.actor else f"{row.owner} has"
        raise Refused(f"{who} taken this case already")
    if event == "hand_over" and not str(detail.get("to") or "").strip():
        raise Refused("to whom? hand_over needs the name of the new owner (to)")
    if event == "note" and not str(detail.get("text") or "").strip():
        raise Refused("a note needs a text")
    if event == "mute" and "until" in detail:
        until = detail["until"]
        if not isinstance(until, datetime) or until.tzinfo is None or until <= happened.at:
            raise Refused("until when? mute needs a time to come (until), or none for good")
    if event == "snooze":
        until = detail.get("until")
        if not isinstance(until, datetime) or until.tzinfo is None or until <= happened.at:
            raise Refused("until when? snooze needs a time to come (until)")
