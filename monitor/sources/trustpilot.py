"""Trustpilot: the reviews of one business, read from its list and heard as they are written. See
docs/sources/trustpilot.md."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from monitor.errors import AuthError, ConfigurationError, RetryLater, Uncertain
from monitor.settings import Duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reply, SeenReply
from monitor.sources.hooks import Call, Heard
from monitor.sources.http import MissingError
from monitor.sources.one_answer import answer_id, answers, owners_answer
from monitor.sources.recheck import look_up, one_by_one, rechecking
from monitor.sources.rejects import UNREADABLE, read_each
from monitor.sources.trustpilot_reviews import Trust, address, answer_of, changed_at, hear, is_id, item
from monitor.sources.walk import Batch, dated, walk

_PAGE = 100  # reviews of one request, the most that Trustpilot gives
_AGAIN = 5  # reviews that are looked at again at each poll
_LOOK_UP = 20  # reviews that are asked for one by one in one go
_REPLY_PAGES = 3
_TOKEN = "/v1/oauth/oauth-business-users-for-applications/accesstoken"  # noqa: S105


class Trustpilot:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        business: str = Field(min_length=1, description="website as Trustpilot names it, acme.com, or the unit's id")
        api_key: SecretStr = Field(min_length=1, description="API key, FIRSTHOUR_SOURCES__NAME__API_KEY")
        api_secret: SecretStr | None = Field(None, description="for replies: the secret that belongs to the key")
        business_user: str | None = Field(None, description="for replies: the id of the user who replies")
        hook_secret: SecretStr | None = Field(
            None, description="for webhooks: a long word of your own, at the end of their address"
        )
        base_url: str = Field("https://api.trustpilot.com", description="where the API is")
        lookback: Duration = Field(timedelta(days=7), description="how far back the first poll reads")
        lag: Duration = Field(timedelta(days=1), description="read again at each poll: reviews turn up late")
        recheck: Duration = Field(
            timedelta(days=14), description="what was read is asked for again for so long: finds edits and deletions"
        )

        @model_validator(mode="after")
        def _pair(self) -> Trustpilot.Options:
            if bool(self.api_secret) != bool(self.business_user):
                raise ValueError("replies need both api_secret and business_user")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...]) -> None:
        self.name = name
        self._options = options
        self._http = Trust(name, options.base_url, {"apikey": options.api_key.get_secret_value()}, public=False)
        self.capabilities = Capabilities(
            reply=options.api_secret is not None,
            place="Trustpilot",
            sees_replies=True,
            one_answer=True,
            hook=options.hook_secret is not None,
            edits=True,
            deletions=True,
            look_up=_LOOK_UP,
        )
        self._unit = options.business if is_id(options.business) else None
        self._token: str | None = None
        self._token_until = 0.0  # of time.monotonic()

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        def read(cursor: Cursor | None) -> Page:
            first = int((now - self._options.lookback).timestamp())
            return walk(cursor, ["reviews"], first, int(now.timestamp()), self._read)

        return rechecking(cursor, now, self._options.recheck, _AGAIN, read, lambda asked: one_by_one(asked, self._one))

    def _read(self, _: str, mark: int, token: Any) -> Batch:
        number = int(token or 1)
        reviews = self._page(number)
        items, rejects = read_each(reviews, item)
        return dated(items, rejects, mark, self._options.lag, number + 1 if len(reviews) >= _PAGE else None)

    def _page(self, number: int) -> list[Any]:
        asked: dict[str, str | int] = {"orderBy": "createdat.desc", "perPage": _PAGE, "page": number}
        answer = self._http.json(f"/v1/business-units/{self._unit_id()}/reviews", asked)
        reviews = answer.get("reviews") if isinstance(answer, dict) else None
        if not isinstance(reviews, list):
            raise RetryLater(f"sources.{self.name}: the answer has no reviews")
        return reviews

    def _unit_id(self) -> str:
        if self._unit is None:
            name = self._options.business
            try:
                found = self._http.json("/v1/business-units/find", {"name": name})
            except MissingError:
                hint = "write it as in the address of its page: acme.com in trustpilot.com/review/acme.com"
                raise ConfigurationError(
                    f"sources.{self.name}.business", f'Trustpilot knows no "{name}"', hint
                ) from None
            unit = found.get("id") if isinstance(found, dict) else None
            if not isinstance(unit, str):
                raise RetryLater(f"sources.{self.name}: the answer has no business unit")
            self._unit = unit
        return self._unit

    def _review(self, external_id: str, private: bool = False) -> dict[str, Any]:
        if private:
            review = self._as_user(lambda user: self._http.json(f"/v1/private/reviews/{external_id}", headers=user))
        else:
            review = self._http.json(f"/v1/reviews/{external_id}")
        if not isinstance(review, dict) or "id" not in review:
            raise RetryLater(f"sources.{self.name}: review {external_id} is not readable")
        return review

    def look_up(self, external_ids: tuple[str, ...]) -> tuple[Item, ...]:
        return look_up(external_ids, self._one)

    def _one(self, external_id: str) -> Item | None:
        try:
            return item(self._review(external_id))
        except MissingError:
            return None
        except UNREADABLE as error:
            raise RetryLater(f"sources.{self.name}: review {external_id} is not readable: {error}") from error

    def check(self) -> str:
        unit = self._http.json(f"/v1/business-units/{self._unit_id()}")
        if not isinstance(unit, dict):
            raise RetryLater(f"sources.{self.name}: the answer has no business unit")
        counted = unit.get("numberOfReviews")
        total = counted.get("total") if isinstance(counted, dict) else None
        if self._options.api_secret:
            self._signed_in()
        return f"{str(unit.get('displayName'))[:60]}: {total if isinstance(total, int) else 'unknown'} reviews"

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Reads the newest pages of the list, which show the answers too, then the older reviews one by one."""
        found: dict[str, SeenReply] = {}
        wanted = set(external_ids)
        for number in range(1, _REPLY_PAGES + 1) if wanted else ():
            reviews = self._page(number)
            for review in reviews:
                self._note(review, wanted, found)
            if not wanted or len(reviews) < _PAGE:
                break
        for external_id in sorted(wanted):
            try:
                self._note(self._review(external_id), wanted, found)
            except MissingError:
                continue
        return {each: reply for each, reply in found.items() if reply.external_id not in besides}

    def _note(self, review: Any, wanted: set[str], found: dict[str, SeenReply]) -> None:
        external_id = str(review.get("id")) if isinstance(review, dict) else ""
        if external_id in wanted:
            wanted.remove(external_id)
            answer = answer_of(review, self._options.business)
            if answer is not None and answers(answer, changed_at(review)):
                found[external_id] = answer

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        body = {"authorBusinessUserId": self._options.business_user, "message": reply.text}
        path = f"/v1/private/reviews/{reply.to}/reply"
        self._as_user(lambda user: self._http.post(path, json=body, headers=user))
        return owners_answer(reply.to, reply.text, now, self._options.business, address(reply.to))

    def find_reply(self, reply: Reply) -> SeenReply | None:
        try:
            answer = answer_of(self._review(reply.to, private=True), self._options.business)
        except MissingError:
            return None
        ours = answer is not None and answer.external_id == answer_id(reply.to, reply.text)
        return answer if ours else None

    def barrier(self, mention: str) -> str | None:
        return None

    def hear(self, call: Call, now: datetime) -> Heard:
        return hear(call, now, self._options.hook_secret)

    def close(self) -> None:
        self._http.close()

    def _as_user(self, call: Callable[[dict[str, str]], Any]) -> Any:
        """A token can be withdrawn before its time: only a new one that is refused means the credentials."""
        known = self._token
        try:
            return call(self._signed_in())
        except AuthError as error:
            again, self._token = self._token == known, None
            if again:
                message = f"sources.{self.name}: the token was refused; asking for a new one"
                raise RetryLater(message, timedelta(0)) from error
            raise

    def _signed_in(self) -> dict[str, str]:
        """The header of who may reply. A token lasts a hundred hours."""
        secret = self._options.api_secret
        assert secret is not None
        if self._token is None or time.monotonic() > self._token_until:
            pair = f"{self._options.api_key.get_secret_value()}:{secret.get_secret_value()}"
            header = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
            try:
                answer = self._http.post(_TOKEN, form={"grant_type": "client_credentials"}, headers=header)
            except Uncertain as error:
                raise RetryLater(str(error)) from error  # nothing was posted yet
            except AuthError as error:
                hint = "does it belong to api_key?"
                raise AuthError(f"sources.{self.name}.api_secret", error.message, hint) from error
            token = answer.get("access_token") if isinstance(answer, dict) else None
            if not isinstance(token, str):
                raise RetryLater(f"sources.{self.name}: the answer has no access token")
            self._token, self._token_until = token, time.monotonic() + _lifetime(answer.get("expires_in"))
        return {"Authorization": f"Bearer {self._token}"}


def _lifetime(seconds: Any) -> float:
    """Of a token, a minute less than Trustpilot says, which it does in a text."""
    return float(seconds) - 60 if str(seconds).isdigit() else 3600.0
