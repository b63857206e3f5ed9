"""Meta's Graph API, as Facebook and Instagram speak it: its errors, its limits, and the signature of each call."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from monitor.errors import AuthError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources.base import Cursor, Item, Page, Reject
from monitor.sources.http import Http, MissingError
from monitor.sources.recheck import gently, rechecking
from monitor.sources.walk import Batch, walk

_AT_ONCE = 50  # nodes of one request
_AGAIN = 10  # items that are looked at again at each poll
_LIMITS = frozenset((4, 17, 32, 341, 613))  # and those of the business use cases, from 80000 on
_FULL = 95  # per cent of a limit; what is left is for replies
_ROLLING = timedelta(minutes=5)  # Meta counts a rolling hour: a pause of this length gives a twelfth of it back


class GraphOptions(BaseModel):
    """What Facebook and Instagram both need."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    access_token: SecretStr = Field(min_length=1, description="of a Page, FIRSTHOUR_SOURCES__NAME__ACCESS_TOKEN")
    app_secret: SecretStr | None = Field(None, description="of the app: proves each call, and verifies webhooks")
    verify_token: SecretStr | None = Field(None, description="for webhooks: a long word of your own; needs app_secret")
    watch: Duration = Field(timedelta(days=14), description="comments are looked for under what you posted since then")
    lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
    lag: Duration = Field(timedelta(minutes=30), description="read again at each poll: finds what is listed late")
    recheck: Duration = Field(
        timedelta(days=2), description="what was read is asked for again for so long: finds edits and deletions"
    )
    version: str = Field("v26.0", pattern=r"^v\d+\.\d+$", description="of the Graph API")
    base_url: str = Field("https://graph.facebook.com", description="where the API is, without the version")


class LookingBoard(Protocol):
    """What Facebook's and Instagram's sources are to `Graph.fetch`."""

    def read(self, name: str, since: datetime, token: Any, now: datetime) -> Batch:
        """The next page of one of the lists, with what was written since then."""
        ...

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]: ...


class Graph(Http):
    """Calls to the Graph API. `needs` says which permissions the source needs; `place` is whose words a refusal has."""

    pause: timedelta | None = None  # how long nothing should be read, as the last answer said
    _resume_at: datetime | None = None

    def __init__(self, name: str, options: GraphOptions, needs: str, place: str) -> None:
        token = options.access_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"}
        super().__init__(name, f"{options.base_url.rstrip('/')}/{options.version}", headers, public=False)
        self._options, self._needs, self._place = options, needs, place
        self._proof: dict[str, str] = {}
        if options.app_secret:
            self._proof = {"appsecret_proof": signature(options.app_secret, token.encode())}

    def fetch(self, cursor: Cursor | None, now: datetime, lists: Sequence[str], board: LookingBoard) -> Page:
        """The next page of `lists`, or how what was read lately stands now. Raises RetryLater while a limit is used up,
        or nearly; after this it rests for as long as the last answer asked for."""
        if self._resume_at and now < self._resume_at:
            raise RetryLater(f"sources.{self._name}: {self._place}'s limit is used up", self._resume_at - now)

        def read(cursor: Cursor | None) -> Page:
            first = int((now - self._options.lookback).timestamp())
            return walk(cursor, lists, first, int(now.timestamp()), one)

        def one(name: str, mark: int, token: Any) -> Batch:
            return board.read(name, datetime.fromtimestamp(mark, UTC) - self._options.lag, token, now)

        def again(asked: Mapping[str, datetime]) -> tuple[Sequence[Item], Sequence[Reject]]:
            return gently(asked, board.look_up)

        found = rechecking(cursor, now, self._options.recheck, _AGAIN, read, again)
        self._resume_at = now + self.pause if self.pause else None
        return found

    def get(self, path: str, params: Mapping[str, str | int], after: str | None = None) -> dict[str, Any]:
        """What is at `path`; of a list, what lies behind the place `after`."""
        place = {"after": after} if after else {}
        return self._said(self.json(path, {**self._proof, **params, **place}), "GET")

    def each(self, ids: Sequence[str], fields: str) -> dict[str, dict[str, Any] | None]:
        """The nodes with these ids, None for what is not there. One that is gone spoils the answer for all: then they
        are asked for by halves."""
        found: dict[str, dict[str, Any] | None] = {}
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            try:
                answer = self.get("/", {"ids": ",".join(part), "fields": fields})
                found |= {name: node for name, node in answer.items() if name in part and isinstance(node, dict)}
            except MissingError:
                half = len(part) // 2
                found |= self.each(part[:half], fields) | self.each(part[half:], fields) if half else {part[0]: None}
        return found

    def create(self, path: str, **given: str) -> str:
        """Make a new comment by one call; its id."""
        found = self._said(self.post(path, form={**self._proof, **given}), "POST").get("id")
        if not isinstance(found, str):
            raise Uncertain(f"sources.{self._name}: the answer to a comment has no id")
        return found

    def _said(self, answer: Any, method: str) -> dict[str, Any]:
        error = answer.get("error") if isinstance(answer, dict) else None
        if isinstance(error, dict):  # with status 200
            raise self._meaning(method, error)
        if not isinstance(answer, dict):
            lost = Uncertain if method == "POST" else RetryLater
            raise lost(f"sources.{self._name}: the answer is of another shape")
        return answer

    def seen(self, headers: Mapping[str, str]) -> None:
        """Reads how much of the limits is used up."""
        about = [use for uses in _table(headers.get("x-business-use-case-usage")).values() for use in _dicts(uses)]
        minutes = [_number(use.get("estimated_time_to_regain_access")) for use in about]
        shares = [
            _number(use.get(key))
            for use in [*about, _table(headers.get("x-app-usage"))]
            for key in ("call_count", "total_cputime", "total_time")
        ]
        wait = timedelta(minutes=max(minutes, default=0))
        self.pause = wait or (_ROLLING if max(shares, default=0) >= _FULL else None)

    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        error = _table(body).get("error") if status >= 400 else None
        if isinstance(error, dict) and isinstance(error.get("code"), int):
            return self._meaning(method, error)
        return super().refused(method, status, headers, body)

    def _meaning(self, method: str, error: Mapping[str, Any]) -> FirsthourError:
        """What to do about an error, by its code. https://developers.facebook.com/docs/graph-api/guides/error-handling"""
        code, key = _number(error.get("code")), f"sources.{self._name}"
        words = f"{str(error.get('error_user_msg') or error.get('message'))[:300]} (code {code})"
        if code in (102, 190):
            return AuthError(f"{key}.access_token", words, "make a new one")
        if code in _LIMITS or 80_000 <= code < 81_000:
            return RetryLater(f"{key}: {words}", self.pause)
        if code in (3, 10) or 200 <= code < 300:
            return AuthError(f"{key}.access_token", words, f"it needs {self._needs}")
        if code in (1, 2) or error.get("is_transient"):
            return (Uncertain if method == "POST" else RetryLater)(f"{key}: {words}")
        if method == "POST":
            return Refused(f"{self._place} does not take it: {words}")
        if code == 803 or (code == 100 and error.get("error_subcode") == 33):
            return MissingError(f"{key}: {words}")
        return RetryLater(f"{key}: {words}")


def signature(secret: SecretStr, text: bytes) -> str:
    return hmac.new(secret.get_secret_value().encode(), text, hashlib.sha256).hexdigest()


def _table(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _number(value: Any) -> int:
    return int(value) if isinstance(value, int | float) and 0 <= value < 1_000_000 else 0
