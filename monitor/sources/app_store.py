"""App Store: the public feed of an app's customer reviews, country by country. See docs/sources/app_store.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from monitor.clock import aware
from monitor.errors import RetryLater
from monitor.settings import Duration
from monitor.sources.base import Author, Capabilities, Cursor, Engagement, Item, Page, Reject, SeenReply
from monitor.sources.http import Http
from monitor.sources.walk import Batch, StaleTokenError, walk

LAST_PAGE = 10  # of 50 reviews; the service refuses an eleventh


class AppStore:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        app_id: str = Field(description="the number in the app's App Store address, after `id`")
        country: list[str] = Field(
            default_factory=lambda: ["us"], description="storefronts: one code or a list of them"
        )
        base_url: str = Field("https://itunes.apple.com", description="where the feed is")
        lookback: Duration = Field(timedelta(days=30), description="how far back the first poll reads")
        lag: Duration = Field(timedelta(days=1), description="read again at each poll: the feed is late by hours")

        @field_validator("app_id", mode="before")
        @classmethod
        def _number(cls, value: Any) -> Any:
            text = str(value).removeprefix("id")
            if not text.isascii() or not text.isdigit():
                raise ValueError("the number in the app's address: 284882215 in apps.apple.com/us/app/.../id284882215")
            return text

        @field_validator("country", mode="before")
        @classmethod
        def _codes(cls, value: Any) -> Any:
            codes = [value] if isinstance(value, str) else value
            if not isinstance(codes, list) or not codes:
                raise ValueError('a country code such as "us", or a list of them')
            for code in codes:
                if not isinstance(code, str) or not re.fullmatch("[A-Za-z]{2}", code):
                    raise ValueError(f'"{code}" is no country code of two letters')
            return list(dict.fromkeys(code.lower() for code in codes))

    capabilities = Capabilities(place="App Store", edits=True)

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._http = Http(name, options.base_url)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(country: str, mark: int, token: Any) -> Batch:
            return self._read(country, mark, int(token or 1))

        first = int((now - self._options.lookback).timestamp())
        return walk(cursor, self._options.country, first, int(now.timestamp()), read)

    def _read(self, country: str, mark: int, number: int) -> Batch:
        entries, last = self._feed(country, number)
        if not entries and number > 1 and number <= last:
            raise StaleTokenError  # a page of the middle comes empty now and then
        items, rejects = [], []
        for entry in entries:
            if isinstance(entry, dict) and "im:name" in entry and "im:rating" not in entry:
                continue  # the app itself, which some feeds list first
            try:
                items.append(_item(entry))
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(entry)[:2_000]))
        seconds = [int(item.posted_at.timestamp()) for item in items]
        since = mark - self._options.lag.total_seconds()
        arrived = bool(seconds) and min(seconds) < since
        older = number + 1 if entries and number < last and not arrived else None
        return Batch(tuple(items), max(seconds, default=None), older, tuple(rejects))

    def _feed(self, country: str, number: int) -> tuple[list[Any], int]:
        """The entries of a page, and the number of the last page as far as the feed tells."""
        path = f"/{country}/rss/customerreviews/page={number}/id={self._options.app_id}/sortby=mostrecent/json"
        answer = self._http.json(path)
        feed = answer.get("feed") if isinstance(answer, dict) else None
        if not isinstance(feed, dict):
            raise RetryLater(f"sources.{self.name}: the answer has no feed")
        entries = feed.get("entry", [])
        return entries if isinstance(entries, list) else [entries], _last_page(feed.get("link"))

    def check(self) -> str:
        found = {country: len(self._feed(country, 1)[0]) for country in self._options.country[:3]}
        empty = [country for country, count in found.items() if not count]
        if empty:
            return f"reached, but no reviews in {', '.join(empty)}: is app_id {self._options.app_id} right?"
        return "reached; newest page: " + ", ".join(f"{count} reviews in {country}" for country, count in found.items())

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """The feed does not show developers' answers."""
        return {}

    def close(self) -> None:
        self._http.close()


def _last_page(links: Any) -> int:
    for link in links if isinstance(links, list) else []:
        attributes = link.get("attributes") if isinstance(link, dict) else None
        if isinstance(attributes, dict) and attributes.get("rel") == "last":
            found = re.search(r"page=(\d+)", str(attributes.get("href")))
            if found:
                return min(int(found[1]), LAST_PAGE)
    return LAST_PAGE


def _item(entry: dict[str, Any]) -> Item:
    rating = float(entry["im:rating"]["label"])
    if not 1 <= rating <= 5:
        raise ValueError(f"a rating of {rating:g}")
    title, content = _label(entry, "title"), _label(entry, "content")
    author = entry.get("author")
    nickname = _label(author, "name") or None
    return Item(
        external_id=str(entry["id"]["label"]),
        text="\n\n".join(part for part in (title, content) if part),
        posted_at=aware(datetime.fromisoformat(entry["updated"]["label"])).astimezone(UTC),
        url=_link(entry.get("link")),
        author=Author(nickname, nickname, _address(_label(author, "uri"))),
        rating=rating,
        engagement=Engagement(likes=int(helpful)) if (helpful := _label(entry, "im:voteSum")).isdecimal() else None,
    )


def _label(parent: Any, key: str) -> str:
    found = parent.get(key) if isinstance(parent, dict) else None
    label = found.get("label") if isinstance(found, dict) else None
    return label.strip() if isinstance(label, str) else ""


def _link(link: Any) -> str | None:
    first = link[0] if isinstance(link, list) and link else link
    attributes = first.get("attributes") if isinstance(first, dict) else None
    return _address(str(attributes.get("href"))) if isinstance(attributes, dict) else None


def _address(text: str) -> str | None:
    return text if text.startswith(("http://", "https://")) else None
