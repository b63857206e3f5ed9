"""Hacker News: stories and comments, through Algolia's public search. See docs/sources/hackernews.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from monitor.errors import FirsthourError, RetryLater
from monitor.settings import Duration
from monitor.sources.base import Author, Capabilities, Cursor, Engagement, Item, Page, Reject, SeenReply
from monitor.sources.http import Http, MissingError
from monitor.sources.markup import plain
from monitor.sources.rejects import UNREADABLE
from monitor.sources.walk import Batch, walk

_SITE = "https://news.ycombinator.com"
_PAGE = 200  # hits of one request; Algolia allows 1,000


class HackerNews:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        base_url: str = Field("https://hn.algolia.com/api/v1", description="where the search is")
        queries: list[str] = Field(default_factory=list, description="searches; default: each word of the brands")
        accounts: list[str] = Field(
            default_factory=list, description="own accounts with capitals in their name, spelled as on Hacker News"
        )
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        lag: Duration = Field(
            timedelta(hours=2),
            description="read again at each poll: finds what is indexed late, and edits (allowed for two hours)",
        )

    capabilities = Capabilities(place="Hacker News", sees_replies=True, edits=True, parents=5)

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._queries = tuple(dict.fromkeys(options.queries or [_phrase(term) for term in terms]))
        self._http = _Algolia(name, options.base_url)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(query: str, mark: int, token: Any) -> Batch:
            return self._read(query, mark, token or {})

        first = int((now - self._options.lookback).timestamp())
        return walk(cursor, self._queries, first, int(now.timestamp()), read)

    def _read(self, query: str, mark: int, token: Mapping[str, int]) -> Batch:
        """Older pages are asked for by time, since pages by number end at Algolia's 1,000th hit; by number only within
        one second."""
        since, until, number = mark - int(self._options.lag.total_seconds()), token.get("until"), token.get("page", 0)
        window = f"created_at_i>={since}" + (f",created_at_i<={until}" if until is not None else "")
        hits = self._hits(query=query, tags="(story,comment)", numericFilters=window, page=number)
        items, rejects, seconds = [], [], []
        for hit in hits:
            try:
                items.append(_item(hit))
                seconds.append(int(hit["created_at_i"]))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(hit)[:2_000]))
        older = None
        if len(hits) >= _PAGE:
            oldest = min(seconds, default=until or since)
            older = {"until": oldest} if oldest != until else {"until": oldest, "page": number + 1}
        return Batch(tuple(items), max(seconds, default=None), older, tuple(rejects))

    def _hits(self, **params: str | int) -> list[Any]:
        asked: dict[str, str | int] = {
            "hitsPerPage": _PAGE,
            "typoTolerance": "false",
            "advancedSyntax": "true",
            "attributesToHighlight": "none",
        }
        answer = self._http.json("/search_by_date", asked | params)
        if not isinstance(answer, dict) or not isinstance(answer.get("hits"), list):
            raise RetryLater(f"sources.{self.name}: the answer has no hits")
        found: list[Any] = answer["hits"]
        return found

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Each comes with all that stands below it, so few are asked for."""
        found = []
        for each in external_ids:
            try:
                found.append(self._http.json(f"/items/{int(each)}"))
            except MissingError:
                continue
        try:
            return tuple(map(_whole, found))
        except UNREADABLE as error:
            raise RetryLater(f"sources.{self.name}: an item is not readable: {error}") from error

    def check(self) -> str:
        self._hits(query=self._queries[0] if self._queries else "", tags="story", hitsPerPage=1)
        return f"reached; {len(self._queries)} searches"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest comments of each account."""
        seen: dict[str, SeenReply] = {}
        wanted = frozenset(external_ids)
        spelled = {account.casefold(): account for account in self._options.accounts}
        names = [
            spelled.get(each.casefold(), each) for each in sorted(accounts) if re.fullmatch(r"[\w-]+", each, re.ASCII)
        ]
        for account in names if wanted else ():
            for hit in self._hits(query="", tags=f"comment,author_{account}"):
                parent = str(hit.get("parent_id")) if isinstance(hit, dict) else ""
                if (
                    parent not in wanted
                    or str(hit.get("objectID")) in besides
                    or not isinstance(hit.get("created_at_i"), int)
                ):
                    continue
                at = datetime.fromtimestamp(hit["created_at_i"], UTC)
                if parent not in seen or at < seen[parent].at:
                    external_id = str(hit["objectID"])
                    seen[parent] = SeenReply(external_id, at, account, f"{_SITE}/item?id={external_id}")
        return seen

    def close(self) -> None:
        self._http.close()


class _Algolia(Http):
    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        if status == 404 and '"error"' in body:  # said by the service itself, and not by something before it
            return MissingError(f"sources.{self._name}: there is no such item")
        return super().refused(method, status, headers, body)


def _phrase(term: str) -> str:
    """Algolia takes the words of a search singly unless they are in quotation marks."""
    return '"' + term.replace('"', " ") + '"'


def _whole(found: dict[str, Any]) -> Item:
    """A story or comment that was asked for by its id; one that was deleted has no words."""
    words = [plain(part) for part in (found.get("title"), found.get("text")) if part]
    at = datetime.fromtimestamp(int(found["created_at_i"]), UTC)
    return Item(str(found["id"]), "\n\n".join(words), at, author=Author(found.get("author")))


def _item(hit: dict[str, Any]) -> Item:
    external_id = str(hit["objectID"])
    comment = hit.get("comment_text")
    story_itself = isinstance(hit.get("points"), int) and isinstance(hit.get("num_comments"), int)
    words = [comment] if comment else [hit.get("title"), hit.get("story_text")]
    text = "\n\n".join(plain(part) for part in words if part)
    story = hit.get("story_id")
    parent = hit.get("parent_id")
    author = hit.get("author") or None
    return Item(
        external_id=external_id,
        text=text,
        posted_at=datetime.fromtimestamp(int(hit["created_at_i"]), UTC),
        url=f"{_SITE}/item?id={external_id}",
        author=Author(author, author, f"{_SITE}/user?id={author}" if author else None),
        conversation=str(story or external_id),
        parent=str(parent) if parent else None,
        engagement=Engagement(likes=hit.get("points"), answers=hit.get("num_comments")) if story_itself else None,
    )
