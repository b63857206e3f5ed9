"""Mentions by their words: what the pages and the interface list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import Field
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from monitor.database import Database
from monitor.models import MentionRow
from monitor.search_words import holds, question, words
from monitor.web import listing
from monitor.web.api import MentionOut, MentionPage
from monitor.web.gate import visitor
from monitor.web.known import Known
from monitor.web.masking import masked, shown
from monitor.web.paging import MentionQuery, place
from monitor.web.paging import following as cursor
from monitor.web.queries import MentionRecord, mention_query, mention_records
from monitor.word_index import find, unindexed

LONGEST = 400  # characters of a question
AT_ONCE = 200  # mentions looked at together
LOOKED = 4000  # mentions with the words, that one answer looks at for those that fit the filters too


@dataclass(frozen=True, slots=True)
class Found:
    """The last stored first. Below `further`, where it is set, there may be more."""

    mentions: list[MentionRecord]
    further: int | None
    unread: int  # about how many mentions cannot be found yet


class SearchQuery(MentionQuery):
    """All words, "words in this order", beginnings*, -without; those posted from `since` (inclusive) to `until`
    (exclusive). Several values of one filter: any of them."""

    q: str = Field(min_length=1, max_length=LONGEST, pattern=r"^[^\x00]*$", description="what to look for")


class SearchPage(MentionPage):
    unread: int = Field(description="about how many older mentions are not in the index yet, and cannot be found")


def search(
    session: Session,
    request: Request,
    typed: str,
    limit: int,
    before: int | None = None,
    conditions: Sequence[ColumnElement[bool]] = (),
) -> Found:
    """As this visitor may see them. What is masked for them is not found for them either."""
    asked, found, looked = question(typed), list[MentionRecord](), 0
    personal = visitor(request).personal
    at_once = AT_ONCE if conditions or not personal else limit + 1
    while len(found) <= limit and looked < LOOKED:
        ids = find(session, asked, at_once, before)
        query = mention_query().where(MentionRow.id.in_(ids), *conditions).order_by(MentionRow.id.desc())
        rows = mention_records(session, query) if ids else []
        if not personal:
            rows = [row for row in masked(rows) if holds(asked, words(row.text))]
        found += rows
        looked += len(ids)
        before = ids[-1] if ids else None
        if len(ids) < at_once:
            before = None
            break
    further = found[limit - 1].id if len(found) > limit else before
    return Found(found[:limit], further, unindexed(session))


def search_routes(db: Database, known: Known) -> APIRouter:
    router = APIRouter(prefix="/api/v1")

    @router.get("/search")
    def search_mentions(request: Request, wanted: Annotated[SearchQuery, Query()]) -> SearchPage:
        """Those stored last first. A page may be short, or empty, and lead on: one answer looks at a few thousand
        mentions with the words, and the filters may fit none of them."""
        after = place("search", wanted.cursor, int)
        known.check(wanted)
        with db.read() as session:
            conditions = listing.fitting(session, wanted)
            found = search(session, request, wanted.q, wanted.limit, after[0] if after else None, conditions)
        following = None if found.further is None else cursor("search", [found.further, 0], 1, lambda id: [id])
        rows = shown(request, found.mentions)
        return SearchPage(
            mentions=[MentionOut.model_validate(row) for row in rows], next=following, unread=found.unread
        )

    return router
