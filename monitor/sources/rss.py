"""RSS and Atom feeds: forums, review sites, blogs, news, alerts of other services."""

from __future__ import annotations

import calendar
import hashlib
import io
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import httpx2
from pydantic import BaseModel, ConfigDict, Field, field_validator

from monitor.errors import ConfigurationError, RetryLater
from monitor.sources.base import NO_LATER, Author, Capabilities, Cursor, Engagement, Item, Page, Reject, SeenReply
from monitor.sources.http import TIMEOUT, USER_AGENT, certificates, refusal
from monitor.sources.markup import plain
from monitor.sources.rate import hear
from monitor.sources.rss_recipes import joined, own_words, true_link

SECONDS = 60.0  # for one feed from the first byte to the last
_ACCEPT = "application/atom+xml, application/rss+xml, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5"
_HTML = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
_FEED_LINK = re.compile(r"<link\b[^>]*type=[\"']application/(?:rss|atom)\+xml[\"'][^>]*>", re.I)
_HREF = re.compile(r"href=[\"']([^\"'<>]+)[\"']", re.I)
_WHOLE = (feedparser.CharacterEncodingOverride, feedparser.NonXMLContentType)  # complaints about whole feeds


class Rss:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        url: str = Field(description="address of the feed")
        max_bytes: int = Field(10_000_000, ge=1_000, description="a feed that is larger is not read")

        @field_validator("url")
        @classmethod
        def _web(cls, value: str) -> str:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError("write the whole address, beginning with https://")
            return value

    capabilities = Capabilities(edits=True)

    def __init__(self, name: str, options: Options, terms: tuple[str, ...] = ()) -> None:
        self.name = name
        self._options = options
        self._mark = hashlib.sha256(options.url.encode()).hexdigest()[:16]  # an address may hold a password
        self._client = httpx2.Client(
            verify=certificates(),
            timeout=TIMEOUT,
            follow_redirects=True,
            headers={"User-Agent": USER_AGENT, "Accept": _ACCEPT},
        )

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        known = cursor if cursor and cursor.get("feed") == self._mark else {}
        headers = {"If-None-Match": known.get("etag"), "If-Modified-Since": known.get("modified")}
        answer = self._get({name: value for name, value in headers.items() if value})
        if answer is None:
            return Page((), dict(known))
        feed = self._parse(answer)
        items, rejects = [], []
        for entry in feed.entries:
            try:
                items.append(_item(entry, feed.feed, now if cursor else _no_later(feed.feed, now), now))
            except (ValueError, TypeError, AttributeError, KeyError, OverflowError, RecursionError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", repr(dict(entry))[:10_000]))
        after: dict[str, Any] = {"feed": self._mark}
        if not feed.bozo or isinstance(feed.get("bozo_exception"), _WHOLE):
            after |= {"etag": answer.etag, "modified": answer.modified}  # a feed cut short is read again
        return Page(tuple(items), after, rejects=tuple(rejects))

    def check(self) -> str:
        answer = self._get({})
        assert answer is not None
        try:
            feed = self._parse(answer)
        except RetryLater as error:
            message = str(error).removeprefix(f"sources.{self.name}.url: ")
            raise ConfigurationError(f"sources.{self.name}.url", message) from None
        return f"{len(feed.entries)} entries of {plain(str(feed.feed.get('title') or 'a feed'))[:80]}"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        return {}

    def close(self) -> None:
        self._client.close()

    def _fails(self, message: str) -> RetryLater:
        return RetryLater(f"sources.{self.name}.url: {message}")

    def _get(self, headers: dict[str, str]) -> _Answer | None:
        """None when the feed did not change."""
        most, until, body = self._options.max_bytes, time.monotonic() + SECONDS, bytearray()
        try:
            with self._client.stream("GET", self._options.url, headers=headers) as response:
                hear(response.headers)
                if response.status_code == 304:
                    return None
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > most:
                        raise self._fails(f"the feed is larger than {most:,} bytes (max_bytes)")
                    if time.monotonic() > until:
                        raise self._fails(f"the feed was still arriving after {SECONDS:.0f} seconds")
        except (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL) as error:
            reason = f"{type(error).__name__}: {error}".replace(self._options.url, _shown(self._options.url))
            raise self._fails(f"{_shown(self._options.url)} cannot be reached: {reason}") from error
        text = bytes(body[:2_000]).decode("utf-8", "replace") if response.status_code >= 400 else ""
        if refused := refusal(self.name, response.status_code, response.headers, text, public=True):
            raise refused
        return _Answer(
            bytes(body),
            str(response.url),
            bool(response.history),
            response.headers.get("content-type", ""),
            response.headers.get("etag"),
            response.headers.get("last-modified"),
        )

    def _parse(self, answer: _Answer) -> Any:
        # ids may be relative to this address, and the one behind a redirect may be another each time
        headers = {"content-location": _shown(self._options.url), "content-type": answer.content_type}
        headers = {name: value for name, value in headers.items() if value}
        if not _HTML.match(answer.body):
            try:
                feed = feedparser.parse(
                    io.BytesIO(answer.body), response_headers=headers, sanitize_html=False, resolve_relative_uris=False
                )
            except Exception as error:
                raise self._fails(f"the feed cannot be read: {type(error).__name__}: {error}") from error
            if feed.get("version") or feed.entries:
                return feed
        raise self._fails(_no_feed(answer))


@dataclass(frozen=True, slots=True)
class _Answer:
    body: bytes
    url: str  # after redirects
    redirected: bool
    content_type: str
    etag: str | None
    modified: str | None


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname}{port}{parts.path}"


def _no_feed(answer: _Answer) -> str:
    where = f"{_shown(answer.url)}{' (where we were redirected)' if answer.redirected else ''}"
    if not answer.body.strip():
        return f"{where} answered with nothing"
    if not _HTML.match(answer.body):
        return f"{where} is no RSS or Atom feed; it begins with {answer.body[:60].decode('utf-8', 'replace')!r}"
    page = answer.body[:200_000].decode("utf-8", "replace")
    link = _FEED_LINK.search(page)
    href = _HREF.search(link[0]) if link else None
    if href:
        hint = f"its feed may be {_shown(urljoin(answer.url, href[1]))}"
    elif answer.redirected or re.search(r"type=[\"']?password", page, re.I):
        hint = "the feed seems to need a login"
    else:
        hint = "write the address of the feed, not of the page that people read"
    return f"{where} is an HTML page, not a feed: {hint}"


def _item(entry: Any, feed: Any, undated: datetime, now: datetime) -> Item:
    text, counts = _entry_text(entry)
    link = _link(entry)
    identity = str(entry.get("id") or link or "")
    if not identity:
        if not text:
            raise ValueError("the entry has neither id, link nor text")
        identity = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    posted = _moment(entry, "published_parsed") or _moment(entry, "created_parsed") or _moment(entry, "updated_parsed")
    return Item(
        external_id=identity,
        text=text,
        posted_at=min(posted or undated, now + NO_LATER),
        url=link,
        author=_author(entry),
        language=_language(entry, feed),
        media=_media(entry),
        engagement=counts,
    )


def _media(entry: Any) -> tuple[str, ...]:
    """Pictures and films that the entry names, as enclosures or in Yahoo's media elements."""
    found = [each for key in ("enclosures", "media_content") for each in entry.get(key) or ()]
    links = [
        each.get("href") or each.get("url")
        for each in found
        if isinstance(each, Mapping)
        and (str(each.get("type")).startswith(("image/", "video/")) or each.get("medium") in ("image", "video"))
    ]
    return tuple(dict.fromkeys(link for link in links if isinstance(link, str)))


def _entry_text(entry: Any) -> tuple[str, Engagement | None]:
    """Title and the longest of the texts, without markup; the title once. And what the feed says of its readers."""
    title = plain(str(entry.get("title") or ""))
    bodies = [str(part.get("value") or "") for part in entry.get("content") or () if isinstance(part, Mapping)]
    body = max((plain(text) for text in [*bodies, str(entry.get("summary") or "")]), key=len)
    words, counts = own_words(body)
    if counts is None and (answers := str(entry.get("slash_comments"))).isdecimal():
        counts = Engagement(answers=int(answers))
    return joined(title, words), counts


def _link(entry: Any) -> str | None:
    link = entry.get("link")
    return true_link(link) if isinstance(link, str) and link.lower().startswith(("http://", "https://")) else None


def _author(entry: Any) -> Author:
    detail = entry.get("author_detail")
    detail = detail if isinstance(detail, Mapping) else {}
    source = entry.get("source")  # of which paper the news of Google News are
    paper = source.get("title") if isinstance(source, Mapping) else None
    name = str(detail.get("name") or entry.get("author") or paper or "").strip() or None
    href = detail.get("href")
    handle = re.sub("^(?:@|/?u/)", "", name) if name else None
    url = href if isinstance(href, str) and href.startswith(("http://", "https://")) else None
    return Author(handle or None, name, url)


def _language(entry: Any, feed: Any) -> str | None:
    parts = [part.get("language") for part in entry.get("content") or () if isinstance(part, Mapping)]
    given = next((tag for tag in [*parts, feed.get("language")] if tag), None)
    found = re.match("[A-Za-z]{2,3}(?=$|[-_])", str(given)) if given else None
    return found[0].lower() if found else None


def _no_later(feed: Any, now: datetime) -> datetime:
    """When an undated entry of a feed read for the first time was posted at the latest: it may be years old, and must
    not look like a complaint of this minute where the feed itself says better."""
    said = _moment(feed, "updated_parsed") or _moment(feed, "published_parsed")
    return min(said, now) if said else now


def _moment(where: Any, key: str) -> datetime | None:
    parsed = dict.get(where, key)  # feedparser's own get offers other dates in its place
    if not parsed:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
