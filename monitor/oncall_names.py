"""What those on call are called: the rota names them by their ids in Slack, which nobody reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from monitor.access.rows import UserRow
from monitor.models import CaseEventRow
from monitor.team_settings import OncallSettings

NEWEST = 10_000  # of what happened to cases: who did none of it lately has no name from there

_SIGNED_IN = "slack "  # before the id, in the subject of who signed in with Slack


def given_names(entries: Sequence[OncallSettings]) -> dict[str, str]:
    """The names in the configuration, by id."""
    return {entry.who: entry.name for entry in reversed(entries) if entry.name}


def known_names(session: Session, entries: Sequence[OncallSettings], ids: Collection[str]) -> Mapping[str, str]:
    """Names of `ids`: that of the configuration, else that of the person at the desk, else the one under which they
    acted from Slack. Who has none of these is missing."""
    seen = _acted(session, ids) | _at_the_desk(session, ids) | given_names(entries)
    return {id: seen[id] for id in sorted(ids) if id in seen}


def _at_the_desk(session: Session, ids: Collection[str]) -> dict[str, str]:
    subjects = {f"{_SIGNED_IN}{id}" for id in ids}
    found = session.execute(select(UserRow.subject, UserRow.name).where(UserRow.subject.in_(subjects)))
    return {str(subject).removeprefix(_SIGNED_IN): name for subject, name in found}


def _acted(session: Session, ids: Collection[str]) -> dict[str, str]:
    last = session.scalar(select(func.max(CaseEventRow.id))) or 0
    by = CaseEventRow.detail["slack_user"].as_string()
    recent = select(by, CaseEventRow.actor).where(CaseEventRow.id > last - NEWEST, CaseEventRow.origin == "slack")
    return dict(session.execute(recent.where(by.in_(ids)).order_by(CaseEventRow.id)).all())
