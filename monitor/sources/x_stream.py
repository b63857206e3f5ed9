"""X's filtered stream: https://docs.x.com/x-api/posts/filtered-stream/introduction, as of November 2026.

tweepy keeps the rules; the connection is held here. tweepy's own loop connects again by itself, sleeps where we have
to answer, and swallows what went wrong.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import requests
import tweepy

from monitor.errors import AuthError, BudgetSpent, ConfigurationError, FirsthourError, RetryLater
from monitor.sources.base import Reject
from monitor.sources.http import TIMEOUT, USER_AGENT, Adapter
from monitor.sources.live_line import latest
from monitor.sources.streaming import News
from monitor.sources.x_posts import SHOWN, as_list, batch

SILENCE = 21.0  # seconds: X gives a sign of life every 20
RULE_LENGTH = 1_024  # characters, under the pay-per-use plan
MOST_RULES = 1_000
_HOST = "https://api.twitter.com"  # tweepy knows no other
_PATH = "/2/tweets/search/stream"
_AHEAD = 50  # posts that wait here at most; then the connection is read no further
_BUSY = timedelta(minutes=1)  # X asks for it after a 429 that names no time


class FilteredStream:
    """The posts that match `rules`. Connects. Errors: as `Source.fetch`."""

    def __init__(
        self,
        name: str,
        base_url: str,
        bearer_token: str,
        rules: Iterable[str],
        silence: float,
        spend: Callable[[dict[str, Any]], None],
        solvent: Callable[[], object],
    ) -> None:
        """`silence`: seconds without a sign of life after which nobody is there. `spend` counts what an event cost,
        `solvent` raises BudgetSpent when there is not enough left to go on."""
        self._name, self._spend, self._solvent = name, spend, solvent
        client = tweepy.StreamingClient(bearer_token, return_type=dict)
        client.user_agent = USER_AGENT
        client.session.max_redirects = 0
        client.session.mount(_HOST, _Adapter(name, base_url, silence))
        try:
            self._rules = _synchronised(client, name, tuple(dict.fromkeys(rules)))
            self._line = _Line(name, client.session, bearer_token)
        except (ValueError, RecursionError, requests.RequestException) as error:
            client.session.close()
            raise RetryLater(f"sources.{name}: the answer is not readable: {type(error).__name__}") from error
        except FirsthourError:
            client.session.close()
            raise

    def hear(self, within: float) -> News:
        events, rejects = [], list[Reject]()
        for line in self._line.read(within):
            try:
                event = json.loads(line)
                said = as_list(event.get("errors"))
            except (ValueError, RecursionError, AttributeError) as error:
                rejects.append(Reject(f"no event but {type(error).__name__}", line[:2_000].decode("utf-8", "replace")))
                continue
            if "data" in event:
                self._spend(event)
                events.append(event)
            elif said:  # X says why before it hangs up
                why = said[0].get("detail") or said[0].get("title")
                self._line.end(RetryLater(f"sources.{self._name}: X ended the stream: {why}"))
        try:
            self._solvent()
        except BudgetSpent as spent:
            self._line.end(spent)
        read = [batch({**event, "data": [event["data"]]}) for event in events if self._ours(event)]
        unread = [reject for each in read for reject in each.rejects]
        return News(latest([item for each in read for item in each.items]), (*rejects, *unread))

    def _ours(self, event: dict[str, Any]) -> bool:
        """Everything that uses the app has the same stream, other programs' rules included."""
        return any(str(rule.get("id")) in self._rules for rule in as_list(event.get("matching_rules")))

    def close(self) -> None:
        self._line.end(RetryLater(f"sources.{self._name}: the stream was closed"))


def _synchronised(client: tweepy.StreamingClient, name: str, wanted: tuple[str, ...]) -> frozenset[str]:
    """Make our rules, told by their tag, the `wanted` ones; the ids of the rules that bring what is wanted."""
    tag = f"firsthour:{name}"
    there = {rule.get("value"): str(rule.get("id")) for rule in _of(client.get_rules(), name) if rule.get("tag") == tag}
    if old := [there.pop(value) for value in there.keys() - set(wanted)]:
        client.delete_rules(old)
    if new := [tweepy.StreamRule(value, tag) for value in wanted if value not in there]:
        there |= {rule.get("value"): str(rule.get("id")) for rule in _of(client.add_rules(new), name)}
    return frozenset(there.values())


def _of(answer: Any, name: str) -> list[dict[str, Any]]:
    """The rules in an answer about rules, with those that were there already under somebody else's tag."""
    if not isinstance(answer, dict) or not isinstance(answer.get("meta"), dict):
        raise RetryLater(f"sources.{name}: the answer about the stream's rules holds none")
    rules = as_list(answer.get("data"))
    for error in as_list(answer.get("errors")):
        if error.get("title") != "DuplicateRule":
            raise _bad_rule(name, str(as_list(error.get("details"), str) or error.get("detail") or error.get("title")))
        rules.append(error)
    return rules


def _bad_rule(name: str, said: str) -> ConfigurationError:
    return ConfigurationError(f"sources.{name}.queries", f"X takes no such rule for its stream: {said[:300]}")


class _Line:
    """The lines of one connection, read ahead by a thread: a read that gives up halfway would lose what it had."""

    def __init__(self, name: str, session: requests.Session, bearer_token: str) -> None:
        self._name = name
        self._lines: deque[bytes] = deque()
        self._ended: FirsthourError | None = None
        self._changed = threading.Condition()
        params = {key.replace("_", "."): ",".join(fields) for key, fields in SHOWN.items()}
        headers = {"Authorization": f"Bearer {bearer_token}", "User-Agent": USER_AGENT}
        self._session = session
        self._response = session.get(_HOST + _PATH, params=params, headers=headers, stream=True)
        threading.Thread(target=self._follow, name=f"firsthour-x-{name}", daemon=True).start()

    def _follow(self) -> None:
        try:
            for line in filter(None, self._response.iter_lines(512)):  # an empty one is a sign of life
                with self._changed:
                    self._changed.wait_for(lambda: len(self._lines) < _AHEAD or self._ended)
                    if self._ended:
                        return
                    self._lines.append(line)
                    self._changed.notify_all()
            self._end(RetryLater(f"sources.{self._name}: X closed the stream"))
        except Exception as error:  # whatever it is, who listens has to hear of it
            self._end(RetryLater(f"sources.{self._name}: the stream broke off: {type(error).__name__}"))
        finally:
            self._response.close()
            self._session.close()

    def read(self, within: float) -> list[bytes]:
        """What has come, after waiting up to `within` seconds. After the last line it raises why there are no more."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._ended, within)
            if self._ended and not self._lines:
                raise self._ended
            lines = list(self._lines)
            self._lines.clear()
            self._changed.notify_all()
            return lines

    def end(self, why: FirsthourError) -> None:
        """Hang up."""
        self._end(why)
        with suppress(OSError, ValueError, RuntimeError):  # it is closed already
            self._response.raw.shutdown()

    def _end(self, why: FirsthourError) -> None:
        with self._changed:
            self._ended = self._ended or why
            self._changed.notify_all()


class _Adapter(Adapter):
    def __init__(self, name: str, base_url: str, silence: float) -> None:
        super().__init__(name, base_url)
        self._silence = silence

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("stream"):
            kwargs["timeout"] = (TIMEOUT, self._silence)
        return super().send(request, *args, **kwargs)

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        if response.status_code == 400 and response.request.method == "POST":
            return _bad_rule(self._name, text)
        if "html" in response.headers.get("content-type", ""):
            return RetryLater(f"sources.{self._name}: the answer is a page and no stream")
        error = super().refused(response, text)
        if isinstance(error, AuthError):
            scope = "the app needs access to the filtered stream"
            return AuthError(f"{error.key}.bearer_token", error.message, scope)
        if response.status_code == 429 and isinstance(error, RetryLater) and error.after is None:
            return RetryLater(str(error), _BUSY)
        return error
