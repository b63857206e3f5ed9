"""Posts that only pass on another: reposts, and the same words by the same author in another place.

They fold into the first: they are kept and counted with it, not judged, and open no case. Different people who use the
same words are different customers, and so is one person who says the same again in the same place: that is asking
twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from monitor.brands import plain_handle
from monitor.models import MentionRow
from monitor.words import fold

WITHIN = timedelta(days=2)  # between the postings of the same words in two places
FEWEST = 40  # letters and digits: shorter words may be anybody's
_NOISE = re.compile(r"https?://\S+|(?<!\w)@[\w.-]+|[\W_]+")
_PASSED_ON = re.compile(r"^\s*rt @[\w.-]+:\s*", re.IGNORECASE)


def words_hash(text: str) -> str | None:
    """The same for texts that differ only in case, signs, links and handles; None for a short text."""
    plain = _NOISE.sub("", fold(_PASSED_ON.sub("", text)))
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest() if len(plain) >= FEWEST else None


def fold_copies(session: Session, source: str, external_ids: Sequence[str]) -> None:
    """Fold those of the mentions just stored that are copies, in the transaction that stored them."""
    m = MentionRow
    columns = (m.id, m.source, m.author, m.author_name, m.url, m.conversation, m.posted_at, m.words, m.repost_of)
    new = session.execute(
        select(*columns)
        .where(m.source == source, m.external_id.in_(external_ids), ~m.own, m.judging == "waiting")
        .order_by(m.id)
    ).all()
    roots = _originals(session, source, [row for row in new if row.repost_of is not None])
    roots = _same_words(session, columns, [row for row in new if row.words is not None and row.id not in roots]) | roots
    if roots:
        table: Any = MentionRow.__table__
        fold_one = update(table).where(table.c.id == bindparam("copy")).values(judging="skipped")
        rows = [{"copy": copy, "copy_of": root} for copy, root in roots.items()]
        session.connection().execute(fold_one.values(copy_of=bindparam("copy_of")), rows)


def _originals(session: Session, source: str, reposts: Sequence[Any]) -> dict[int, int]:
    """What each repost passes on: the original, or where that was never read the first that passed it on."""
    wanted = {row.repost_of for row in reposts}
    if not wanted:
        return {}
    m = MentionRow
    first = select(m.repost_of, func.min(m.id)).where(m.source == source, m.repost_of.in_(wanted)).group_by(m.repost_of)
    found: dict[str | None, int] = {each: id for each, id in session.execute(first)}  # noqa: C416
    original = select(m.external_id, func.coalesce(m.copy_of, m.id))
    originals = session.execute(original.where(m.source == source, m.external_id.in_(wanted)))
    found |= {external_id: id for external_id, id in originals}  # noqa: C416
    roots: dict[int, int] = {}
    for row in reposts:  # in the order of their ids, so that a repost of a repost leads to the first
        if (root := found[row.repost_of]) != row.id:
            roots[row.id] = roots.get(root, root)
    return roots


def _same_words(session: Session, columns: Sequence[Any], new: Sequence[Any]) -> dict[int, int]:
    if not new:
        return {}
    m = MentionRow
    known = session.execute(select(m.copy_of, *columns).where(m.words.in_({row.words for row in new})).order_by(m.id))
    by_words: dict[str, list[Any]] = {}
    for row in known:
        by_words.setdefault(row.words, []).append(row)
    roots: dict[int, int] = {}
    for row in new:
        first = next((other for other in by_words[row.words] if other.id < row.id and _one_post(other, row)), None)
        if first is not None:
            roots[row.id] = roots.get(first.id) or first.copy_of or first.id
    return roots


def _one_post(first: Any, later: Any) -> bool:
    """Whether two mentions of the same words are one post, in two places or read by two sources."""
    if first.url is not None and first.url == later.url and first.source != later.source:
        return True
    if first.source == later.source and (first.conversation is None or first.conversation == later.conversation):
        return False
    return abs(later.posted_at - first.posted_at) <= WITHIN and bool(_names(first) & _names(later))


def _names(row: Any) -> set[str]:
    return {plain_handle(name) for name in (row.author, row.author_name) if name} - {""}
