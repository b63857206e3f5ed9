"""A review as Trustpilot shows it, in its lists and in the calls of its webhooks."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from monitor.errors import AuthError, FirsthourError, Refused
from monitor.sources.base import Author, Item, Reject, SeenReply, engagement, gone
from monitor.sources.hooks import Call, CallRefused, Heard
from monitor.sources.http import Http, MissingError
from monitor.sources.one_answer import owners_answer
from monitor.sources.rejects import UNREADABLE

_SITE = "https://www.trustpilot.com"
_REPEATS = timedelta(days=1)  # for so long a call is not taken a second time
_EVENTS = {"service-review-created": False, "service-review-updated": False, "service-review-deleted": True}


class Trust(Http):
    """Calls to Trustpilot. Where a reply is refused: Refused, in its own words."""

    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        words = _words(body)
        if method == "POST" and status in (400, 404, 409, 422):
            return Refused(f"Trustpilot does not take it: {words or f'status {status}'}")
        if status in (404, 410) and words:  # said by Trustpilot itself, and not by something before it
            return MissingError(f"sources.{self._name}: {words}")
        error = super().refused(method, status, headers, body)
        if isinstance(error, AuthError):
            hint = "is business_user allowed to reply?" if method == "POST" else "is the key that of this business?"
            return AuthError(f"{error.key}.api_key", error.message, hint)
        return error


def _words(body: str) -> str:
    try:
        said = json.loads(body)
        return str(said.get("message") or said.get("details") or said.get("errorCode") or "")[:300]
    except (ValueError, AttributeError, RecursionError):
        return ""


def is_id(business: str) -> bool:
    return re.fullmatch("[0-9a-f]{24}", business) is not None


def item(review: Mapping[str, Any]) -> Item:
    """Raises KeyError, TypeError or ValueError for what is no review."""
    external_id, stars = str(review["id"]), review["stars"]
    if not isinstance(stars, int) or not 1 <= stars <= 5:
        raise ValueError(f"a rating of {stars!r}")
    title, text = (str(review.get(key) or "").strip() for key in ("title", "text"))
    if text.startswith(title.rstrip(".… ")):  # who gives no title gets the beginning of the text for one
        title = ""
    consumer = review.get("consumer")
    consumer = consumer if isinstance(consumer, dict) else {}
    name = str(consumer.get("displayName") or consumer.get("name") or "") or None
    writer = consumer.get("id")
    language = str(review.get("language") or "")
    return Item(
        external_id=external_id,
        text="\n\n".join(part for part in (title, text) if part),
        posted_at=_moment(review["createdAt"]),
        url=address(external_id),
        author=Author(None, name, f"{_SITE}/users/{writer}" if isinstance(writer, str) and writer else None),
        rating=float(stars),
        engagement=engagement(review.get("numberOfLikes")),
        language=language if re.fullmatch("[a-z]{2}", language) else None,
    )


def answer_of(review: Mapping[str, Any], business: str) -> SeenReply | None:
    """What the business answered, if it did."""
    answer = review.get("companyReply")
    if not isinstance(answer, dict):
        return None
    try:
        external_id, at = str(review["id"]), _moment(answer.get("updatedAt") or answer["createdAt"])
        return owners_answer(external_id, str(answer["text"]), at, business, address(external_id))
    except UNREADABLE:
        return None


def changed_at(review: Mapping[str, Any]) -> datetime | None:
    """When the customer wrote the words that stand there now, where it can be read."""
    try:
        return _moment(review.get("updatedAt") or review["createdAt"])
    except UNREADABLE:
        return None


def address(external_id: str) -> str:
    return f"{_SITE}/reviews/{external_id}"


def _moment(value: Any) -> datetime:
    """Trustpilot's times are UTC, with or without a Z."""
    moment = datetime.fromisoformat(value)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def hear(call: Call, now: datetime, secret: SecretStr | None) -> Heard:
    """A call of Trustpilot's webhooks. They are not signed, so who knows the address is believed."""
    given = call.query.get("key", "")
    if secret is None or not hmac.compare_digest(given.encode(), secret.get_secret_value().encode()):
        raise CallRefused(401, "the address of the webhook has to end in ?key= and the hook_secret of the source")
    if call.method != "POST":
        raise CallRefused(405, "Trustpilot calls with POST")
    try:
        events = json.loads(call.body)["events"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CallRefused(422, 'the body is no list of "events", as Trustpilot sends them') from None
    items, rejects = [], []
    for event in events if isinstance(events, list) else ():
        try:
            removed = _EVENTS.get(event["eventName"])
            if removed is not None:
                review = event["eventData"]
                items.append(gone(str(review["id"])) if removed else item(review))
        except UNREADABLE as error:
            rejects.append(Reject(f"{type(error).__name__}: {error}", str(event)[:2_000]))
    return Heard(tuple(items), tuple(rejects), hashlib.sha256(call.body).hexdigest(), now + _REPEATS)
