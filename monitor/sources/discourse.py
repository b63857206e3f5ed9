"""Discourse: the new posts of a forum, or those that a search finds. See docs/sources/discourse.md."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.errors import AuthError, RetryLater
from monitor.settings import Duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reply, SeenReply, first_of
from monitor.sources.discourse_posts import Forum, answers, item, moment, name_of, place_of, posted, seen
from monitor.sources.http import MissingError
from monitor.sources.recheck import look_up, one_by_one, rechecking
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.walk import Batch, walk

_ALL = "new posts"  # the list of the cursor that is no search
_AT_ONCE = 10  # posts asked for one by one in one step
_AGAIN = 5  # posts that are looked at again at each poll
_REPLY_PAGES = 10  # of 30 answers by one account
_MARGIN = timedelta(minutes=10)  # by which this machine's clock may be ahead of the forum's


class Discourse:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        base_url: str = Field(description="the forum's address, such as https://forum.example.com")
        api_key: SecretStr | None = Field(
            None, description="for replies and closed forums: an API key of the forum, FIRSTHOUR_SOURCES__NAME__API_KEY"
        )
        api_username: str | None = Field(None, description="the user that reads and replies with that key")
        queries: list[str] = Field(
            default_factory=list, description="searches, instead of reading every new post of the forum"
        )
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        lag: Duration = Field(timedelta(hours=1), description="read again at each poll: finds edits soon")
        recheck: Duration = Field(
            timedelta(days=7), description="what was read is asked for again for so long: finds edits and deletions"
        )

        @field_validator("base_url")
        @classmethod
        def _web(cls, value: str) -> str:
            if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).hostname:
                raise ValueError("write the whole address, beginning with https://")
            return value.rstrip("/")

        @model_validator(mode="after")
        def _pair(self) -> Discourse.Options:
            if bool(self.api_key) != bool(self.api_username):
                raise ValueError("api_key and api_username go together")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._site = options.base_url
        self._lists = tuple(dict.fromkeys(options.queries)) or (_ALL,)
        key = options.api_key
        headers = {"Api-Key": key.get_secret_value(), "Api-Username": options.api_username or ""} if key else {}
        self._http = Forum(name, options.base_url, headers, public=key is None)
        self.capabilities = Capabilities(
            reply=key is not None,
            reply_limit=32_000,
            place=urlsplit(options.base_url).hostname,
            sees_replies=True,
            edits=True,
            deletions=True,
            look_up=_AT_ONCE,
            parents=_AT_ONCE,
        )
        self._replies: dict[str, dict[str, SeenReply]] = {}

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        known = frozenset((cursor or {}).get("known", ()))

        def read_list(name: str, mark: int, token: Any) -> Batch:
            since = now - (self._options.lag if mark else self._options.lookback)
            if name != _ALL:
                return self._found(name, mark, token or {"page": 1}, since, known)
            return self._newest(mark, token, since)

        def read(cursor: Cursor | None) -> Page:
            return walk(cursor, self._lists, 0, 2**62, read_list)  # marks are numbers of posts, which only ever grow

        return rechecking(cursor, now, self._options.recheck, _AGAIN, read, lambda asked: one_by_one(asked, self._post))

    def _newest(self, mark: int, token: int | None, since: datetime) -> Batch:
        posts = self._list("/posts.json", {"before": token} if token else {}, "latest_posts")
        items, rejects = read_each(posts, lambda post: item(post, self._site))
        numbers = [post["id"] for post in posts if isinstance(post, dict) and isinstance(post.get("id"), int)]
        oldest = min(numbers, default=None)
        # posts that were imported have new numbers and old dates: such a page is no sign of having arrived
        arrived = bool(items) and max(each.posted_at for each in items) < since
        if mark and oldest is not None:
            arrived = arrived and oldest <= mark
        older = None if arrived or oldest == token else oldest
        return Batch(tuple(items), max(numbers, default=None), older, tuple(rejects))

    def _found(self, query: str, mark: int, token: Mapping[str, Any], since: datetime, known: frozenset[str]) -> Batch:
        """A page of hits, which hold beginnings of posts only; then the posts that are not `known`, a few at a time."""
        page, left, last, newest = token["page"], token.get("left"), token.get("last", True), None
        if left is None:
            answer = self._http.json("/search.json", {"q": f"{query} order:latest", "page": page})
            about = answer.get("grouped_search_result") if isinstance(answer, dict) else None
            if not isinstance(about, dict) or not isinstance(answer.get("posts"), list):
                raise RetryLater(f"sources.{self.name}: the answer to a search has no hits")
            left, last = [], not about.get("more_full_page_results")
            for hit in answer["posts"]:
                try:
                    name, at = name_of(hit["topic_id"], hit["post_number"]), moment(hit["created_at"])
                    number = int(hit["id"])
                except UNREADABLE:
                    continue
                newest = max(newest or 0, number)
                if number <= mark and at < since:
                    last = True
                elif name not in known:
                    left.append(name)
        items, rejects = one_by_one(dict.fromkeys(left[:_AT_ONCE], since), self._post)
        if rejects and not items:
            self._list("/posts.json", {}, "latest_posts")  # raises as well where the whole forum is in trouble
        older = {"page": page, "left": left[_AT_ONCE:], "last": last} if left[_AT_ONCE:] else {"page": page + 1}
        shown = tuple(each for each in items if not each.removed)
        return Batch(shown, newest, None if last and "left" not in older else older, tuple(rejects))

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return look_up(external_ids, self._post)

    parents = look_up

    def _post(self, external_id: str) -> Item | None:
        """The post as the forum shows it now; None where it does so no more."""
        topic, number = place_of(external_id)
        try:
            answer = self._http.json(f"/t/{topic}/{number}.json", {"include_raw": "true"})
        except MissingError:
            return None
        except AuthError:
            self._list("/posts.json", {}, "latest_posts")  # raises as well where it is the key that is refused
            return None
        try:
            posts = [post for post in answer["post_stream"]["posts"] if post["post_number"] == number]
            return item(posts[0], self._site, answer.get("title")) if posts else None
        except UNREADABLE as error:
            raise RetryLater(f"sources.{self.name}: post {external_id} is not readable: {error}") from error

    def _list(self, path: str, params: Mapping[str, str | int], key: str) -> list[Any]:
        answer = self._http.json(path, params)
        found = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise RetryLater(f"sources.{self.name}: the answer of {path} has no {key}")
        return found

    def check(self) -> str:
        posts = self._list("/posts.json", {}, "latest_posts")
        if self._options.api_key is None:
            return f"reached, without a key; {len(posts)} newest posts"
        answer = self._http.json("/session/current.json")
        user = answer.get("current_user") if isinstance(answer, dict) else None
        name = user.get("username") if isinstance(user, dict) else None
        return f"signed in as {name}; {len(posts)} newest posts"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest answers of each account, and later only what is new."""
        for account in sorted(accounts) if external_ids else ():
            for page in range(_REPLY_PAGES):
                params: dict[str, str | int] = {"username": account, "filter": 5, "offset": page * 30}
                try:
                    actions = self._list("/user_actions.json", params, "user_actions")
                except MissingError:
                    break  # another service's account of the brand
                news = [self._take(action, account) for action in actions]
                if len(actions) < 30 or not any(news):
                    break
        while len(self._replies) > 20_000:
            del self._replies[next(iter(self._replies))]
        firsts = {each: first_of(self._replies.get(each, {}).values(), besides) for each in external_ids}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def _take(self, action: Any, account: str) -> bool:
        """Keeps an answer; whether it was not known yet."""
        try:
            reply = seen(action | {"username": account}, self._site)
            parent = name_of(action["topic_id"], action.get("reply_to_post_number") or 1)
        except UNREADABLE:
            return False
        known = self._replies.setdefault(parent, {})
        new = reply.external_id not in known and not action.get("deleted")
        if new:
            known[reply.external_id] = reply
        return new

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        topic, number = place_of(reply.to)
        answer = self._http.post(
            "/posts.json", json={"topic_id": topic, "reply_to_post_number": number, "raw": reply.text}
        )
        return posted(answer, f"sources.{self.name}", self._site)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        user = quote(self._options.api_username or "", safe="")
        posts = self._http.json(f"/u/{user}/activity.json")
        if not isinstance(posts, list):
            raise RetryLater(f"sources.{self.name}: the list of our own posts is no list")
        for post in posts:
            if answers(post, reply, _MARGIN):
                whole = self._http.json(f"/posts/{int(post['id'])}.json")
                if isinstance(whole, dict) and str(whole.get("raw")).split() == reply.text.split():
                    return seen(whole, self._site)
        return None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._http.close()
