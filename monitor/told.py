"""Posts of ours that nobody wrote: seen on the source again, they are no reply to anybody."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitor.models import ReplyRow

# Whether it stands there, and under which id, is not known: `failed` are those of which nobody could ever tell.
_UNSURE = ("sending", "unknown", "failed")


def told_by_itself(session: Session, case_ids: Collection[int]) -> frozenset[str]:
    """The external ids of what the customers of these cases were told without a person writing it."""
    wanted = select(ReplyRow.external_id).where(
        ReplyRow.case_id.in_(case_ids), ReplyRow.kind != "reply", ReplyRow.external_id.is_not(None)
    )
    return frozenset(found for found in session.scalars(wanted) if found is not None) if case_ids else frozenset()


def unsure(session: Session, case_ids: Collection[int]) -> set[int]:
    """Those of the cases for which a post of ours may stand on the source under an id that we do not know: no post
    there can be told from it for now."""
    wanted = select(ReplyRow.case_id).where(
        ReplyRow.case_id.in_(case_ids), ReplyRow.kind != "reply", ReplyRow.state.in_(_UNSURE)
    )
    return set(session.scalars(wanted)) if case_ids else set()
