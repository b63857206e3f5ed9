"""App Store Connect: an app's reviews with their responses, for who has a key. See docs/sources/app_store.md.

https://developer.apple.com/documentation/appstoreconnectapi/customer-reviews
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from monitor.clock import Clock, SystemClock, aware
from monitor.errors import AuthError, ConfigurationError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.sources.base import Author, Item, SeenReply
from monitor.sources.http import Http, MissingError
from monitor.sources.one_answer import Answered, owners_answer
from monitor.sources.rejects import UNREADABLE

PAGE = 200  # Apple's most
LONGEST = 5_970  # characters of a response
_TOKEN_LIFE = timedelta(minutes=10)  # Apple allows 20
_OWNER = "the developer"


@dataclass(frozen=True, slots=True)
class Key:
    """A key of App Store Connect; without an issuer it is the key of one person."""

    id: str
    issuer: str | None
    private: SecretStr


class Connect:
    """The calls about one app. Errors: RetryLater, Uncertain, AuthError, Refused, MissingError."""

    def __init__(self, name: str, base_url: str, app_id: str, key: Key) -> None:
        self._name, self._app_id, self._key = name, app_id, key
        self._clock: Clock = SystemClock()
        self._http = _Http(name, base_url, public=False)

    def reviews(self, token: Mapping[str, str] | None = None, limit: int = PAGE) -> tuple[dict[str, Any], Any]:
        """A page of reviews, the newest at its top, with their responses; and the token of the next."""
        params = {"sort": "-createdDate", "limit": str(limit), "include": "response"} | dict(token or {})
        page = self._get(f"/v1/apps/{self._app_id}/customerReviews", params)
        if not isinstance(page.get("data"), list):
            raise RetryLater(f"sources.{self._name}: the answer is no list of reviews")
        links = page.get("links")
        following = links.get("next") if isinstance(links, dict) else None
        # only what it asks for is taken from the address: the key goes nowhere else
        return page, dict(parse_qsl(urlsplit(following).query)) if isinstance(following, str) else None

    def pages(self, most: int) -> Iterator[dict[str, Any]]:
        token: Any = None
        for _ in range(most):
            page, token = self.reviews(token)
            yield page
            if token is None:
                return

    def review(self, external_id: str) -> dict[str, Any] | None:
        try:
            return _data(self._get(f"/v1/customerReviews/{external_id}"), self._name)
        except MissingError:
            return None

    def response(self, external_id: str) -> SeenReply | None:
        """The response to a review."""
        try:
            return answer(external_id, _data(self._get(f"/v1/customerReviews/{external_id}/response"), self._name))
        except MissingError:
            return None

    def respond(self, external_id: str, text: str, now: datetime) -> SeenReply:
        """Respond to a review, in place of the response that there may be."""
        review = {"data": {"type": "customerReviews", "id": external_id}}
        data = {
            "type": "customerReviewResponses",
            "attributes": {"responseBody": text},
            "relationships": {"review": review},
        }
        found = self._http.post("/v1/customerReviewResponses", json={"data": data}, headers=self._signed())
        said = found.get("data") if isinstance(found, dict) else None
        if not isinstance(said, dict):
            raise Uncertain(f"sources.{self._name}: the answer to a response holds no response")
        return answer(external_id, said) or owners_answer(external_id, text, now, _OWNER)

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        found = self._http.json(path, params, self._signed())
        if not isinstance(found, dict):
            raise RetryLater(f"sources.{self._name}: the answer is of another shape")
        return found

    def _signed(self) -> dict[str, str]:
        import jwt  # with cryptography, which most sources can do without

        now = self._clock.now()
        who = {"iss": self._key.issuer} if self._key.issuer else {"sub": "user"}
        claims = who | {"aud": "appstoreconnect-v1", "iat": now, "exp": now + _TOKEN_LIFE}
        try:
            token = jwt.encode(claims, self._key.private.get_secret_value(), "ES256", {"kid": self._key.id})
        except (ValueError, TypeError, jwt.PyJWTError):  # whose words may hold a part of the key
            hint = "the whole text of the .p8 file, by FIRSTHOUR_SOURCES__NAME__PRIVATE_KEY_FILE"
            raise ConfigurationError(f"sources.{self._name}.private_key", "it is no private key", hint) from None
        return {"Authorization": f"Bearer {token}"}


class _Http(Http):
    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        key, words = f"sources.{self._name}", _words(body)
        if status == 401:
            hint = "check key_id, issuer_id and private_key, and the clock of this machine"
            return AuthError(key, f"Apple does not take the key{words}", hint)
        if status == 403:
            return AuthError(
                key, f"Apple answered 403{words}", "give the key the role Customer Support, or a higher one"
            )
        if status == 404 and words:
            return Refused(f"Apple does not take it{words}") if method == "POST" else MissingError(f"Apple{words}")
        if method == "POST" and status in (400, 409, 422):
            return Refused(f"Apple does not take it{words}")
        return super().refused(method, status, headers, body)


def item(review: dict[str, Any], app_id: str) -> Item:
    about = review["attributes"]
    rating, nickname = about["rating"], about.get("reviewerNickname") or None
    if not isinstance(rating, int) or not 1 <= rating <= 5:
        raise ValueError(f"a rating of {rating!r}")
    external_id = review["id"]
    if not isinstance(external_id, str) or not external_id:
        raise TypeError(f"the id is {external_id!r}")
    return Item(
        external_id=external_id,
        text="\n\n".join(part for each in ("title", "body") if (part := (about.get(each) or "").strip())),
        posted_at=_moment(about["createdDate"]),
        url=f"https://apps.apple.com/app/id{app_id}?see-all=reviews",
        author=Author(nickname, nickname),
        rating=float(rating),
    )


def answer(external_id: str, response: Any) -> SeenReply | None:
    """Of a customerReviewResponse, published or on its way."""
    try:
        about = response["attributes"]
        return owners_answer(external_id, about["responseBody"], _moment(about["lastModifiedDate"]), _OWNER)
    except UNREADABLE:
        return None


def answered(page: dict[str, Any]) -> list[Answered]:
    """The reviews of a page that have a response."""
    included = page.get("included")
    listed = included if isinstance(included, list) else []
    responses = {each.get("id"): each for each in listed if isinstance(each, dict)}
    found = []
    for review in page["data"]:
        try:
            response = responses.get(review["relationships"]["response"]["data"]["id"])
            written_at = _moment(review["attributes"]["createdDate"])
            found.append(Answered(review["id"], written_at, answer(review["id"], response)))
        except UNREADABLE:
            continue
    return found


def _data(found: dict[str, Any], name: str) -> dict[str, Any]:
    data = found.get("data")
    if not isinstance(data, dict):
        raise RetryLater(f"sources.{name}: the answer is of another shape")
    return data


def _moment(value: Any) -> datetime:
    return aware(datetime.fromisoformat(value)).astimezone(UTC)


def _words(body: str) -> str:
    """Apple's own words for people, where there are any."""
    try:
        errors = json.loads(body)["errors"]
        return f": {'; '.join(str(each.get('detail') or each['title']) for each in errors)[:300]}"
    except (*UNREADABLE, RecursionError):
        return ""
