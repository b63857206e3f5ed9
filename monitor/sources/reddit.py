"""Reddit: searches, subreddits and the mentions in an account's inbox, through praw. See docs/sources/reddit.md.

praw signs in and sends; the paging is ours. praw's own streams remember their place in memory, so a restart would lose
what was written meanwhile; and its listings build objects that fetch more by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import praw
import prawcore
import requests
from praw.exceptions import PRAWException
from prawcore.exceptions import OAuthException, PrawcoreException
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.errors import AuthError, ConfigurationError, FirsthourError, GiveUp, Refused, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, first_of
from monitor.sources.http import TIMEOUT, Adapter
from monitor.sources.recheck import rechecking
from monitor.sources.reddit_posts import item, items_of
from monitor.sources.reddit_replies import found, posted
from monitor.sources.reddit_stream import PACE, ROUND, RedditStream
from monitor.sources.streaming import Stream
from monitor.sources.walk import Batch, StaleTokenError, walk

_SITE = "https://www.reddit.com"
_QUERY_LENGTH = 512
_REPLY_PAGES = 10  # Reddit shows no more than the newest 1,000 of a list
_SCOPES = {"inbox": "privatemessages", "user": "history", "me": "identity", "comment": "submit"}


class Reddit:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        client_id: str = Field(min_length=1, description="of your app on reddit.com/prefs/apps")
        client_secret: SecretStr = Field(min_length=1, description="of the app, FIRSTHOUR_SOURCES__NAME__CLIENT_SECRET")
        username: str | None = Field(None, description="account of a `script` app; needed for `inbox`")
        password: SecretStr | None = Field(None, description="of that account")
        refresh_token: SecretStr | None = Field(None, description="of a `web` app, instead of name and password")
        user_agent: str = Field(
            "python:firsthour (brand monitoring)", min_length=7, description="Reddit asks for one with a contact"
        )
        search: bool = Field(True, description="search posts all over Reddit")
        queries: list[str] = Field(default_factory=list, description="searches; default: the brands' words")
        subreddits: list[str] = Field(default_factory=list, description="whose new posts and comments are all read")
        inbox: bool = Field(False, description="read where u/username was mentioned; needs the account")
        lookback: Duration = Field(
            timedelta(days=1), description="how far back the first poll reads, 1,000 items at most"
        )
        lag: Duration = Field(
            timedelta(minutes=15), description="read again at each poll: finds what is listed late, and edits"
        )
        stream: bool = Field(False, description="look at the lists every few seconds too")
        recheck: Duration = Field(
            timedelta(days=2), description="what was read is asked for again for so long: finds edits and deletions"
        )
        reddit_url: str = Field(_SITE, description="where tokens are given")
        oauth_url: str = Field("https://oauth.reddit.com", description="where the API is")
        base_url: str | None = Field(None, description="one address for both")

        @field_validator("subreddits")
        @classmethod
        def _names(cls, value: list[str]) -> list[str]:
            names = [name.strip("/").removeprefix("r/") for name in value]
            for name in names:
                if not re.fullmatch(r"\w{2,24}", name, re.ASCII):
                    raise ValueError(f'"{name}" is no subreddit: letters, digits and _, such as "AskReddit"')
            return list(dict.fromkeys(names))

        @model_validator(mode="after")
        def _account(self) -> Reddit.Options:
            if bool(self.username) != bool(self.password):
                raise ValueError("username and password go together")
            if self.inbox and not (self.username or self.refresh_token):
                raise ValueError("inbox needs an account: username and password, or refresh_token")
            return self

    pace, round = PACE, ROUND
    patience = TIMEOUT

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._terms = terms
        self.capabilities = Capabilities(
            reply=bool(options.username or options.refresh_token),
            reply_limit=10_000,
            place="Reddit",
            sees_replies=True,
            edits=True,
            deletions=True,
            look_up=100,
            parents=100,
            stream=options.stream,
        )
        self._options = options
        self._adapter = _Adapter(name)
        self._reddit: praw.Reddit | None = None
        self._refused = False  # the last token was refused, and no call has succeeded since
        self._lists = _lists(options, terms)
        self._replies: dict[str, dict[str, SeenReply]] = {}
        self._replies_read: dict[str, datetime] = {}  # by account: the newest comment that was read
        self._account = options.username

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(cursor: Cursor | None) -> Page:
            first = int((now - self._options.lookback).timestamp())
            return walk(cursor, tuple(self._lists), first, int(now.timestamp()), self._read)

        return rechecking(cursor, now, self._options.recheck, 100, read, self._look_again)

    def listen(self) -> Stream:
        """With a session and a token of its own: praw's are of one thread."""
        own = Reddit(self.name, self._options, self._terms)
        own._adapter.patience = self.patience
        try:
            return RedditStream(
                self._lists,
                read=lambda name, token: own._read(name, 0, token),
                look_again=lambda ids: own._look_again(dict.fromkeys(ids)),
                hang_up=own.close,
                pace=self.pace,
                round=self.round,
            )
        except BaseException:
            own.close()
            raise

    def _look_again(self, asked: Mapping[str, datetime | None]) -> tuple[list[Item], list[Reject]]:
        children, _ = self._listing("api/info/", {"id": ",".join(asked)})
        return items_of(children)

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        items, _ = self._look_again(dict.fromkeys(external_ids)) if external_ids else ((), ())
        return tuple(items)

    parents = look_up

    def _read(self, name: str, mark: int, token: str | None) -> Batch:
        path, params = self._lists[name]
        try:
            children, after = self._listing(path, params | ({"after": token} if token else {}))
        except _MissingError as error:
            return Batch((), None, rejects=(Reject(f"{path} cannot be read: {error}", ""),))
        if token and not children:
            raise StaleTokenError  # the item that the token names was removed meanwhile
        items, rejects = items_of(children)
        seconds = [int(each.posted_at.timestamp()) for each in items]
        arrived = bool(seconds) and seconds[-1] < mark - self._options.lag.total_seconds()
        return Batch(tuple(items), max(seconds, default=None), None if arrived else after, tuple(rejects))

    def check(self) -> str:
        if self._options.username or self._options.refresh_token:
            name = self._get("api/v1/me", {}).get("name")
            found = f"signed in as u/{name}"
        else:
            self._listing("r/all/search/", {"q": "reddit", "sort": "new", "limit": "1"})
            found = "reached, without an account"
        for name in self._options.subreddits:
            try:
                self._get(f"r/{name}/about/", {})
            except _MissingError as error:
                raise ConfigurationError(f"sources.{self.name}.subreddits", f"r/{name}: {error}") from None
        return f"{found}; {len(self._lists)} lists"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest comments of each account, and later only what is new."""
        for account in sorted(accounts) if external_ids else ():
            if re.fullmatch(r"[\w-]{3,20}", account, re.ASCII):
                self._read_replies(account)
        while len(self._replies) > 20_000:
            del self._replies[next(iter(self._replies))]
        firsts = {each: first_of(self._replies.get(each, {}).values(), besides) for each in external_ids}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def _read_replies(self, account: str) -> None:
        known = self._replies_read.get(account)
        newest, after = known, None
        for _ in range(_REPLY_PAGES):
            params = {"sort": "new", "limit": "100"} | ({"after": after} if after else {})
            try:
                children, after = self._listing(f"user/{account}/comments/", params)
            except _MissingError:
                return  # suspended, or another service's account of the brand
            oldest = None
            for child in children:
                try:
                    comment = item(child)
                except (KeyError, TypeError, ValueError, OverflowError):
                    continue
                oldest = comment.posted_at
                newest = max(newest or oldest, oldest)
                if comment.parent and not comment.removed:
                    seen = SeenReply(comment.external_id, oldest, account, comment.url)
                    self._replies.setdefault(comment.parent, {})[comment.external_id] = seen
            if not after or (known and oldest and oldest < known - self._options.lag):
                break
        if newest:
            self._replies_read[account] = newest

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        answer = self._ask("POST", "api/comment/", {"thing_id": reply.to, "text": reply.text, "api_type": "json"})
        return posted(answer, f"sources.{self.name}", now)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        if self._account is None:
            self._account = str(self._get("api/v1/me", {}).get("name"))
        try:
            children, _ = self._listing(f"user/{self._account}/comments/", {"sort": "new", "limit": "100"})
        except _MissingError:
            return None  # an account without comments
        return found(children, reply, self._account)

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        self._adapter.close()

    def _listing(self, path: str, params: Mapping[str, str]) -> tuple[list[Any], str | None]:
        data = self._get(path, params).get("data")
        children = data.get("children") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(children, list):
            raise RetryLater(f"sources.{self.name}: the answer of {path} is no list")
        after = data.get("after")
        return children, after if isinstance(after, str) else None

    def _get(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        return self._ask("GET", path, params)

    def _ask(self, method: str, path: str, given: Mapping[str, str]) -> dict[str, Any]:
        try:
            sent: dict[str, Any] = {"params" if method == "GET" else "data": dict(given)}
            answer = self._client().request(method=method, path=path, **sent)
        except prawcore.RequestException as error:
            raise self._meaning(error.original_exception, path) from error
        except (PrawcoreException, PRAWException, ValueError, LookupError, TypeError, AttributeError) as error:
            raise self._meaning(error, path, method) from error
        except RecursionError as error:
            raise RetryLater(f"sources.{self.name}: the answer of {path} is not readable") from error
        self._refused = False
        if not isinstance(answer, dict):
            unlike = Uncertain if method == "POST" else RetryLater
            raise unlike(f"sources.{self.name}: the answer of {path} is of another shape")
        return answer

    def _client(self) -> praw.Reddit:
        if self._reddit is None:
            options = self._options
            session = requests.Session()
            session.mount("https://", self._adapter)
            session.mount("http://", self._adapter)
            self._reddit = praw.Reddit(
                client_id=options.client_id,
                client_secret=options.client_secret.get_secret_value(),
                username=options.username,
                password=options.password.get_secret_value() if options.password else None,
                refresh_token=options.refresh_token.get_secret_value() if options.refresh_token else None,
                user_agent=options.user_agent,
                reddit_url=(options.base_url or options.reddit_url).rstrip("/"),
                oauth_url=(options.base_url or options.oauth_url).rstrip("/") + "/",
                check_for_updates=False,
                check_for_async=False,
                requestor_kwargs={"session": session},
            )
        return self._reddit

    def _meaning(self, error: Exception, path: str, method: str = "GET") -> FirsthourError:
        """What to do about what went wrong at `path`."""
        key = f"sources.{self.name}"
        if isinstance(error, _TokenRefusedError):
            # a token can be withdrawn before its time: one refusal asks for a new token, two mean the credentials
            self._reddit, again, self._refused = None, self._refused, True
            if not again:
                return RetryLater(f"{key}: the token was refused; asking for a new one", timedelta(0))
            return AuthError(key, "Reddit refuses every token", "create the app's secret anew, or the refresh token")
        if isinstance(error, _ScopeError):
            kind = next((part for part in path.split("/") if part in _SCOPES), "inbox" if "message" in path else "read")
            return AuthError(key, f"the token lacks a scope for {path}", f"needs {_SCOPES.get(kind, 'read')}")
        if isinstance(error, FirsthourError):
            return error
        if isinstance(error, OAuthException):
            return AuthError(
                key, f"Reddit gives no token: {error.error}", "check username, password and the kind of app"
            )
        if isinstance(error, prawcore.Redirect):
            return _MissingError("there is no such subreddit")
        unreadable = Uncertain if method == "POST" else RetryLater
        return unreadable(f"{key}: the answer of {path} is not readable: {type(error).__name__}")


class _MissingError(GiveUp):
    """A subreddit or account that is private, banned or not there."""


class _TokenRefusedError(FirsthourError):
    pass


class _ScopeError(FirsthourError):
    pass


class _Adapter(Adapter):
    """Keeps praw from sleeping in our thread: it never sees how much is left, nor an answer that it would retry."""

    patience = TIMEOUT

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        return super().send(request, *args, **kwargs | {"timeout": self.patience})

    def seen(self, response: requests.Response) -> None:
        for header in ("x-ratelimit-remaining", "x-ratelimit-used"):
            response.headers.pop(header, None)

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        status, token = response.status_code, "access_token" in (response.request.url or "")
        if status == 401 and not token:
            return _TokenRefusedError("401")
        if status == 403 and "insufficient_scope" in response.headers.get("www-authenticate", ""):
            return _ScopeError("403")
        reason = re.search(r'"reason": ?"(\w+)"', text)
        if "api/comment" in (response.request.url or "") and status in (400, 403, 404, 409):
            return Refused(f"Reddit does not take a reply there: {reason[1] if reason else status}")
        if status in (403, 404) and not token and (reason or status == 404):
            return _MissingError(reason[1] if reason else "not found")
        return super().refused(response, text)


def _lists(options: Reddit.Options, terms: tuple[str, ...]) -> dict[str, tuple[str, dict[str, str]]]:
    """What is read, under the name that it has in the cursor: path and parameters."""
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for query in (options.queries or _packed(terms)) if options.search else ():
        found[f"search {query}"] = (
            "r/all/search/",
            {"q": query, "sort": "new", "t": "month", "type": "link", "restrict_sr": "false", "limit": "100"},
        )
    for name in options.subreddits:
        found[f"new r/{name}"] = (f"r/{name}/new/", {"limit": "100"})
        found[f"comments r/{name}"] = (f"r/{name}/comments/", {"limit": "100"})
    if options.inbox:
        found["inbox"] = ("message/mentions/", {"limit": "100"})
    return found


def _packed(terms: tuple[str, ...]) -> list[str]:
    queries: list[str] = []
    for term in terms:
        operand = term if re.fullmatch(r"\w+", term) else '"' + term.replace('"', " ").strip() + '"'
        if queries and len(queries[-1]) + 4 + len(operand) <= _QUERY_LENGTH:
            queries[-1] += f" OR {operand}"
        else:
            queries.append(operand[:_QUERY_LENGTH])
    return queries
