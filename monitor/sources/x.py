"""X: recent search, the mentions of an own account and the filtered stream, through tweepy. See docs/sources/x.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import tweepy
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from requests_oauthlib import OAuth1

from monitor.errors import AuthError, ConfigurationError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources import x_replies
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reply, SeenReply, first_of
from monitor.sources.budget import Budget, Meter, Unmetered, owner
from monitor.sources.http import USER_AGENT, Adapter
from monitor.sources.streaming import Stream
from monitor.sources.walk import Batch, StaleTokenError, walk
from monitor.sources.x_bill import MONEY, Bill
from monitor.sources.x_posts import (
    FIELDS,
    SHOWN,
    WORDS,
    as_asked,
    as_dict,
    as_list,
    batch,
    edited,
    id_at,
    ids_in,
    looked_up,
    post_url,
    posted_at,
    referenced,
    users_of,
)
from monitor.sources.x_stream import MOST_RULES, RULE_LENGTH, SILENCE, FilteredStream

_LIBRARYS_HOST = "https://api.twitter.com"  # tweepy knows no other
_MENTIONS = "@mentions"  # the list of the cursor that is no search
_WEEK = timedelta(days=7)  # recent search reaches no further back
_REPLY_PAGES = 10


class X:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        bearer_token: SecretStr = Field(
            min_length=1, description="the app's Bearer token, FIRSTHOUR_SOURCES__NAME__BEARER_TOKEN"
        )
        account: str | None = Field(None, description="own account whose mentions are read besides the search")
        consumer_key: SecretStr | None = Field(None, description="for replies: the app's API Key")
        consumer_secret: SecretStr | None = Field(None, description="for replies: the app's API Key Secret")
        access_token: SecretStr | None = Field(
            None, description="for replies: Access Token of the account that answers, made with Read and Write"
        )
        access_token_secret: SecretStr | None = Field(None, description="for replies: its Access Token Secret")
        queries: list[str] = Field(
            default_factory=list, description="searches; default: the brands' words, no retweets"
        )
        query_length: int = Field(512, ge=64, description="longest query that your access level allows")
        stream: bool = Field(False, description="hear what matches as it is posted too; it costs the same")
        daily_spend: float | None = Field(
            None, gt=0, description="US dollars that may be spent on reading in a UTC day; none: only counted"
        )
        post_price: float = Field(0.005, ge=0, description="US dollars that X charges for a post")
        user_price: float = Field(0.010, ge=0, description="US dollars that X charges for an author")
        base_url: str = Field("https://api.x.com", description="where the API is")
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads, 7 days at most")
        lag: Duration = Field(
            timedelta(minutes=5), description="read again at each poll: posts turn up late in the search"
        )

        @field_validator("account")
        @classmethod
        def _handle(cls, value: str | None) -> str | None:
            handle = value.removeprefix("@") if value else value
            if handle and not re.fullmatch(r"\w{1,15}", handle, re.ASCII):
                raise ValueError(f'"{value}" is no X account: letters, digits and _, at most 15')
            return handle or None

        @model_validator(mode="after")
        def _keys(self) -> X.Options:
            given = [self.consumer_key, self.consumer_secret, self.access_token, self.access_token_secret]
            if any(given) and not (all(given) and self.account):
                raise ValueError(
                    "replies need all of consumer_key, consumer_secret, access_token, access_token_secret, and account"
                )
            return self

    silence = SILENCE

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._rules = _rules(name, options, terms) if options.stream else []
        queries = options.queries or _packed(
            [_operand(term) for term in terms], " -is:retweet", options.query_length, f"sources.{name}.queries"
        )
        self._lists = tuple(dict.fromkeys(queries)) + ((_MENTIONS,) if options.account else ())
        self._client = tweepy.Client(options.bearer_token.get_secret_value(), return_type=dict)
        self._client.user_agent = USER_AGENT
        self._client.session.mount(_LIBRARYS_HOST, _Adapter(name, options.base_url, _signature(options)))
        self.capabilities = Capabilities(
            reply=options.access_token is not None,
            reply_limit=280,
            counting="x",
            place="X",
            sees_replies=True,
            edits=True,
            look_up=100,
            parents=100,
            window=_WEEK,
            stream=options.stream,
        )
        payer = owner("x", options.bearer_token.get_secret_value())
        self.budgets = (Budget(MONEY, payer, options.daily_spend), Budget("posts", payer))
        self.meter: Meter = Unmetered()
        self._bill = Bill(options.post_price, options.user_price)
        self._account_id: str | None = None
        self._oldest_id = 0  # that search allows, as of the last fetch
        self._replies = _Replies(())

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        self._oldest_id = id_at(now - _WEEK + timedelta(minutes=15))
        first = id_at(now - self._options.lookback)
        self._bill.begin(now.astimezone(UTC).date())

        def read(name: str, mark: int, token: Any) -> Batch:
            since = max(mark - ids_in(self._options.lag), self._oldest_id)
            if name == _MENTIONS:
                answer = self._call(
                    "get_users_mentions", self._own_id(), since_id=since, pagination_token=token, **FIELDS
                )
            else:
                answer = self._call("search_recent_tweets", name, since_id=since, next_token=token, **FIELDS)
            return batch(answer)

        return walk(cursor, self._lists, first, id_at(now), read)

    def listen(self) -> Stream:
        self._bill.most(self.meter)
        return FilteredStream(
            self.name,
            self._options.base_url,
            self._options.bearer_token.get_secret_value(),
            self._rules,
            self.silence,
            spend=lambda event: self._bill.streamed(self.meter, event),
            solvent=lambda: self._bill.most(self.meter),
        )

    def check(self) -> str:
        """Counts what the searches match, which is cheaper than to read it."""
        found = 0
        for query in (name for name in self._lists if name != _MENTIONS):
            total = as_dict(self._call("get_recent_tweets_count", query, granularity="day").get("meta"))
            found += int(total.get("total_tweet_count") or 0)
        if self._options.account:
            self._own_id()
        return f"reached; {found:,} posts match in 7 days" + (f", @{self._options.account}" if self._account_id else "")

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads what the accounts replied since the oldest of the mentions, and later only what is new."""
        wanted = [int(each) for each in external_ids if each.isascii() and each.isdigit()]
        names = tuple(sorted(name for name in accounts if re.fullmatch(r"\w{1,15}", name, re.ASCII)))
        if not wanted or not names:
            return {}
        known = self._replies
        if known.accounts != names or min(wanted) < known.since:
            known = self._replies = _Replies(names, min(wanted), min(wanted))
        start = max(known.newest - ids_in(self._options.lag), known.since, self._oldest_id)
        suffix, whole, newest = " is:reply -is:retweet", True, known.newest
        for query in _packed([f"from:{name}" for name in names], suffix, self._options.query_length, self.name):
            token: Any = None
            for _ in range(_REPLY_PAGES):
                try:
                    answer = self._call("search_recent_tweets", query, since_id=start, next_token=token, **FIELDS)
                except StaleTokenError:
                    break
                users = users_of(answer)
                for tweet in as_list(answer.get("data")):
                    newest = max(newest, known.take(tweet, users))
                token = as_dict(answer.get("meta")).get("next_token")
                if not token:
                    break
            whole = whole and not token
        known.newest = newest if whole else known.newest  # else the next call begins here again
        known.forget(newest - ids_in(_WEEK))
        firsts = {each: first_of(known.found.get(each, {}).values(), besides) for each in external_ids}
        return {each: reply for each, reply in firsts.items() if reply is not None}

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """An id stands for the first version of a post; where the post was edited, its last is asked for as well."""
        wanted = [each for each in external_ids if each.isascii() and each.isdigit()]
        if not wanted:
            return ()
        answer = self._call("get_tweets", wanted, whole=False, **SHOWN)
        latest = edited(answer)
        again = self._call("get_tweets", latest, whole=False, **SHOWN) if latest else {}
        return looked_up(answer, again, frozenset(wanted))

    def parents(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        """Without their authors, who cost twice as much. X would send these posts with a search too, but all of them,
        and charge for each."""
        wanted = [each for each in external_ids if each.isascii() and each.isdigit()]
        return as_asked(self._call("get_tweets", wanted, whole=False, **WORDS)) if wanted else ()

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        if why := self.barrier(reply.mention):
            raise Refused(why)
        if not x_replies.mentions(reply.mention, self._account):  # then it may be a quote, which its text does not tell
            fields = {"expansions": ["referenced_tweets.id", "author_id"], "tweet_fields": ["referenced_tweets"]}
            answer = self._call("get_tweet", reply.to, whole=False, **fields)
            if not x_replies.quotes(answer, self._own_id()):
                raise Refused(x_replies.RULE.format(account=self._account))
        answer = self._call(
            "create_tweet", whole=False, text=reply.text, in_reply_to_tweet_id=reply.to, user_auth=False
        )
        return x_replies.posted(answer, f"sources.{self.name}", self._account)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        since = max(id_at(reply.since - timedelta(minutes=10)), self._oldest_id)
        token: Any = None
        for _ in range(_REPLY_PAGES):
            answer = self._call("get_users_tweets", self._own_id(), since_id=since, pagination_token=token, **FIELDS)
            if found := x_replies.found(as_list(answer.get("data")), reply, self._account):
                return found
            token = as_dict(answer.get("meta")).get("next_token")
            if not token:
                break
        return None

    def barrier(self, mention: str) -> str | None:
        """A quote carries the address of what it quotes, so only a text without any can be told apart for sure."""
        if x_replies.mentions(mention, self._account) or "://" in mention:
            return None
        return x_replies.RULE.format(account=self._account)

    def close(self) -> None:
        self._client.session.close()

    @property
    def _account(self) -> str:
        return self._options.account or ""

    def _own_id(self) -> str:
        if self._account_id is None:
            account = self._options.account
            user = self._call("get_user", username=account, whole=False).get("data")
            if not isinstance(user, dict) or not isinstance(user.get("id"), str):
                raise ConfigurationError(f"sources.{self.name}.account", f'X knows no account "{account}"')
            self._account_id = user["id"]
        return self._account_id

    def _call(self, method: str, *args: Any, whole: bool = True, **params: Any) -> dict[str, Any]:
        """An answer of X. `whole`: one without `meta` is an error that X reports with status 200."""
        if "max_results" in params:
            params["max_results"] = self._bill.most(self.meter)
        elif method == "get_tweets":
            self._bill.most(self.meter)
        try:
            answer = getattr(self._client, method)(*args, **params)
        except (ValueError, RecursionError, requests.RequestException) as error:
            unreadable = Uncertain if method == "create_tweet" else RetryLater
            raise unreadable(f"sources.{self.name}: the answer is not readable: {type(error).__name__}") from error
        if not isinstance(answer, dict) or (whole and not isinstance(answer.get("meta"), dict)):
            said = [str(each.get("detail") or each.get("title")) for each in as_list(as_dict(answer).get("errors"))]
            raise RetryLater(f"sources.{self.name}: the answer holds no posts" + (f": {said[0]}" if said else ""))
        if method == "create_tweet":
            self._bill.create(self.meter, params["text"])
        elif method == "get_user":
            self._bill.user(self.meter)
        elif method == "get_recent_tweets_count":
            self._bill.count(self.meter)
        else:
            self._bill.read(self.meter, answer)
        return answer


class _Adapter(Adapter):
    """Posts are signed here, as the account that answers: a signature made by the library would name its own host."""

    def __init__(self, name: str, base_url: str, sign: OAuth1 | None) -> None:
        super().__init__(name, base_url)
        self._sign = sign

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if request.method == "POST" and self._sign is not None:
            request.url = f"{self._base_url}{request.path_url}"
            del request.headers["Authorization"]
            request = self._sign(request)
        return super().send(request, *args, **kwargs)

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        if response.request.method == "POST" and (refusal := x_replies.refusal(response.status_code, text)):
            return refusal
        if response.status_code == 400 and re.search(r"[?&](?:next|pagination)_token=", response.request.url or ""):
            raise StaleTokenError
        error = super().refused(response, text)
        if isinstance(error, AuthError) and response.request.method == "POST":
            return AuthError(f"{error.key}.access_token", error.message, "make it anew, with Read and Write")
        if isinstance(error, AuthError):
            scope = "it must be the Bearer token of an app with access to recent search (scopes tweet.read, users.read)"
            return AuthError(f"{error.key}.bearer_token", error.message, scope)
        return error


def _signature(options: X.Options) -> OAuth1 | None:
    keys = (options.consumer_key, options.consumer_secret, options.access_token, options.access_token_secret)
    return OAuth1(*(key.get_secret_value() for key in keys if key)) if all(keys) else None


@dataclass
class _Replies:
    """Own replies seen so far, by the post that they answer."""

    accounts: tuple[str, ...]
    since: int = 0
    newest: int = 0
    found: dict[str, dict[str, SeenReply]] = field(default_factory=dict)

    def take(self, tweet: dict[str, Any], users: Mapping[str, dict[str, Any]]) -> int:
        """Keeps the replies to each post; the reply's id, 0 when unreadable."""
        parent, external_id = referenced(tweet, "replied_to"), str(tweet.get("id"))
        if parent is None or not external_id.isdigit():
            return 0
        author = str(as_dict(users.get(str(tweet.get("author_id")))).get("username") or self.accounts[0])
        seen = SeenReply(external_id, posted_at(int(external_id)), author, post_url(author, external_id))
        self.found.setdefault(parent, {})[external_id] = seen
        return int(external_id)

    def forget(self, before: int) -> None:
        kept = {parent: {id: r for id, r in seen.items() if int(id) >= before} for parent, seen in self.found.items()}
        self.found = {parent: seen for parent, seen in kept.items() if seen}


def _operand(term: str) -> str:
    """A word, @handle or #tag as it is, anything else as a phrase."""
    if re.fullmatch(r"[@#]?\w+", term) and term not in ("AND", "OR", "NOT"):
        return term
    return '"' + " ".join(term.replace('"', " ").split()) + '"'


def _rules(name: str, options: X.Options, terms: tuple[str, ...]) -> list[str]:
    """The rules of the stream that bring what is polled."""
    key, suffix = f"sources.{name}.queries", " -is:retweet"
    own = [f"@{options.account}"] if options.account else []
    if options.queries:
        rules = [*options.queries, *(mention + suffix for mention in own)]
    else:
        rules = _packed([*map(_operand, terms), *own], suffix, RULE_LENGTH, key)
    if too_long := next((rule for rule in rules if _length(rule) > RULE_LENGTH), None):
        raise ConfigurationError(key, f"{too_long[:60]} ... is too long for a rule of the stream ({RULE_LENGTH:,})")
    if len(rules) > MOST_RULES:
        raise ConfigurationError(key, f"{len(rules):,} rules are needed, and a stream has {MOST_RULES:,}")
    return rules


def _packed(operands: list[str], suffix: str, longest: int, key: str) -> list[str]:
    """`operands` joined by OR in as few queries as X's limit of length allows."""
    groups: list[list[str]] = []
    for operand in operands:
        if _length(f"({operand}){suffix}") > longest:
            raise ConfigurationError(key, f"{operand[:60]} ... is too long for a search on X ({longest} characters)")
        if groups and _length(f"({' OR '.join([*groups[-1], operand])}){suffix}") <= longest:
            groups[-1].append(operand)
        else:
            groups.append([operand])
    return [f"({' OR '.join(group)}){suffix}" for group in groups]


def _length(query: str) -> int:
    """As X counts: characters of most scripts beyond the alphabets count twice."""
    return sum(1 if ord(character) <= 0x10FF else 2 for character in query)
