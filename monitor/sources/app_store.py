"""App Store: an app's customer reviews. See docs/sources/app_store.md.

With a key of App Store Connect they are read there, of all countries, and answered; without one they come from the
public feed of each country.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.clock import aware
from monitor.errors import ConfigurationError, Refused, RetryLater
from monitor.settings import Duration
from monitor.sources import app_store_connect
from monitor.sources.app_store_connect import LONGEST, Connect, Key
from monitor.sources.base import Author, Capabilities, Cursor, Engagement, Item, Page, Reply, SeenReply, gone
from monitor.sources.http import Http, MissingError
from monitor.sources.one_answer import answer_id, answers_in
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch, StaleTokenError, dated, walk

LAST_PAGE = 10  # of 50 reviews; the feed refuses an eleventh
_LOOK_UP = 10  # App Store Connect shows one at a time
_ANSWER_PAGES = 3  # of 200 reviews, looked through for answers


class AppStore:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        app_id: str = Field(description="the number in the app's App Store address, after `id`")
        country: list[str] = Field(
            default_factory=lambda: ["us"], description="storefronts: one code or a list of them"
        )
        key_id: str | None = Field(None, description="of a key of App Store Connect: reads all countries, and replies")
        issuer_id: str | None = Field(None, description="of the team's keys; none for the key of one person")
        private_key: SecretStr | None = Field(
            None, description="the key's .p8 file, by FIRSTHOUR_SOURCES__NAME__PRIVATE_KEY_FILE"
        )
        base_url: str = Field("https://itunes.apple.com", description="where the feed is")
        connect_url: str = Field("https://api.appstoreconnect.apple.com", description="where App Store Connect is")
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

        @model_validator(mode="after")
        def _key(self) -> AppStore.Options:
            if bool(self.key_id) != bool(self.private_key) or (self.issuer_id and not self.key_id):
                raise ValueError("key_id and private_key go together, with issuer_id for a key of the team")
            if self.key_id and "country" in self.model_fields_set:
                raise ValueError("with a key the reviews of all countries are read: leave country out")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._http = Http(name, options.base_url)
        self._connect: Connect | None = None
        self.capabilities = Capabilities(place="App Store", edits=True)
        if options.key_id and options.private_key:
            key = Key(options.key_id, options.issuer_id, options.private_key)
            self._connect = Connect(name, options.connect_url, options.app_id, key)
            self.capabilities = replace(
                self.capabilities, reply=True, reply_limit=LONGEST, sees_replies=True, one_answer=True, look_up=_LOOK_UP
            )

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        first, last = int((now - self._options.lookback).timestamp()), int(now.timestamp())
        if (connect := self._connect) is None:
            return walk(cursor, self._options.country, first, last, self._read)

        return walk(cursor, ["reviews"], first, last, lambda _, mark, token: self._read_connected(connect, mark, token))

    def _read_connected(self, connect: Connect, mark: int, token: Any) -> Batch:
        try:
            page, older = connect.reviews(token)
        except MissingError:
            problem = f"App Store Connect knows no app {self._options.app_id} of this key"
            raise ConfigurationError(f"sources.{self.name}.app_id", problem) from None
        items, rejects = read_each(page["data"], lambda review: app_store_connect.item(review, self._options.app_id))
        return dated(items, rejects, mark, self._options.lag, older)

    def _read(self, country: str, mark: int, token: Any) -> Batch:
        number = int(token or 1)
        entries, last = self._feed(country, number)
        if not entries and number > 1 and number <= last:
            raise StaleTokenError  # a page of the middle comes empty now and then
        # some feeds list the app itself first
        reviews = [
            each for each in entries if not (isinstance(each, dict) and "im:name" in each and "im:rating" not in each)
        ]
        items, rejects = read_each(reviews, _item)
        older = number + 1 if entries and number < last else None
        return dated(items, rejects, mark, self._options.lag, older)

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
        if self._connect is not None:
            count = len(self._read_connected(self._connect, 0, None).items)
            return f"reached App Store Connect; {count} reviews on the newest page"
        found = {country: len(self._feed(country, 1)[0]) for country in self._options.country[:3]}
        empty = [country for country, count in found.items() if not count]
        if empty:
            return f"reached, but no reviews in {', '.join(empty)}: is app_id {self._options.app_id} right?"
        return "reached; newest page: " + ", ".join(f"{count} reviews in {country}" for country, count in found.items())

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """The public feed does not show developers' answers."""
        if self._connect is None:
            return {}
        pages = (app_store_connect.answered(page) for page in self._connect.pages(_ANSWER_PAGES))
        return answers_in(pages, external_ids, besides)

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        if self._connect is None:
            return ()
        found = []
        for each in external_ids:
            review = self._connect.review(each)
            try:
                found.append(app_store_connect.item(review, self._options.app_id) if review else gone(each))
            except UNREADABLE as error:
                raise RetryLater(f"sources.{self.name}: {each} is not readable: {error}") from error
        return tuple(found)

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        if self._connect is None:
            raise Refused("The App Store takes replies only with a key of App Store Connect.")
        return self._connect.respond(reply.to, reply.text, now)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        answer = self._connect.response(reply.to) if self._connect else None
        return answer if answer is not None and answer.external_id == answer_id(reply.to, reply.text) else None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._http.close()
        if self._connect is not None:
            self._connect.close()


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
