"""An account on Bluesky: signing in, and calls by XRPC.

Our own few lines rather than the `atproto` package, which brings 60 MB and a second HTTP client, takes seconds to
import, and refuses a whole page where one post on it does not fit its models.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from monitor.errors import AuthError, FirsthourError, Refused, RetryLater, Uncertain
from monitor.sources.http import Http, MissingError

_TOKEN_ERRORS = ("ExpiredToken", "InvalidToken", "AuthMissing", "AuthenticationRequired")
_MISSING = ("RecordNotFound", "NotFound", "UnknownList", "AccountTakedown", "RepoNotFound", "AccountDeactivated")
_AT_ONCE = 25  # posts or profiles of one call
_FOLLOWERS = 5_000  # accounts of which they are remembered


class Account:
    def __init__(self, name: str, base_url: str, identifier: str, password: str) -> None:
        self._name = name
        self._credentials = {"identifier": identifier, "password": password}
        self._http = _Xrpc(name, base_url, public=False)
        self._lock = threading.RLock()  # polls, replies and streams ask in threads of their own
        self._session: dict[str, Any] | None = None
        self._followers: dict[str, int] = {}

    @property
    def did(self) -> str:
        return str(self._signed_in()["did"])

    @property
    def handle(self) -> str:
        return str(self._signed_in()["handle"])

    def ask(self, method: str, **given: Any) -> dict[str, Any]:
        """Errors: RetryLater, AuthError, MissingError."""
        params = {key: value for key, value in given.items() if value is not None}
        return self._twice(lambda headers: self._http.json(f"/xrpc/{method}", params, headers), RetryLater)

    def put(self, method: str, **given: Any) -> dict[str, Any]:
        """Errors: RetryLater, Uncertain, Refused, AuthError."""
        return self._twice(lambda headers: self._http.post(f"/xrpc/{method}", json=given, headers=headers), Uncertain)

    def listed(self, method: str, key: str, **given: Any) -> tuple[list[Any], str | None]:
        """A page of a list, and the token of the page behind it."""
        answer = self.ask(method, **given)
        found, token = answer.get(key), answer.get("cursor")
        if not isinstance(found, list):
            raise RetryLater(f"sources.{self._name}: the answer of {method} has no {key}")
        return found, token if isinstance(token, str) and token else None

    def posts(self, uris: list[str]) -> list[Any]:
        """The views of those posts that there are."""
        found: list[Any] = []
        for at in range(0, len(uris), _AT_ONCE):
            found += self.listed("app.bsky.feed.getPosts", "posts", uris=uris[at : at + _AT_ONCE])[0]
        return found

    def followers(self, views: list[Any]) -> Mapping[str, int]:
        """How many follow the authors of `views`; asked for once for each author."""
        authors = (view.get("author") for view in views if isinstance(view, dict))
        dids = [who["did"] for who in authors if isinstance(who, dict) and isinstance(who.get("did"), str)]
        new = [did for did in dict.fromkeys(dids) if did not in self._followers]
        for at in range(0, len(new), _AT_ONCE):
            profiles, _ = self.listed("app.bsky.actor.getProfiles", "profiles", actors=new[at : at + _AT_ONCE])
            for profile in profiles:
                if isinstance(profile, dict) and isinstance(profile.get("followersCount"), int):
                    self._followers[str(profile.get("did"))] = profile["followersCount"]
        while len(self._followers) > _FOLLOWERS:
            del self._followers[next(iter(self._followers))]
        return dict(self._followers)

    def identity(self, handle: str) -> str | None:
        try:
            found = self.ask("com.atproto.identity.resolveHandle", handle=handle).get("did")
        except MissingError:
            return None
        return found if isinstance(found, str) else None

    def _twice(self, call: Any, unlike: type[RetryLater]) -> dict[str, Any]:
        """`call` with a token; once more with a new one if that was refused, which says that it has run out."""
        token = self._signed_in()["accessJwt"]
        try:
            answer = call(_bearer(token))
        except _TokenRefusedError:
            answer = self._with_new_token(call, token)
        if not isinstance(answer, dict):
            raise unlike(f"sources.{self._name}: the answer is of another shape")
        return answer

    def _with_new_token(self, call: Any, refused: str) -> Any:
        with self._lock:
            if self._session is not None and self._session["accessJwt"] == refused:
                self._renew()
        try:
            return call(_bearer(self._signed_in()["accessJwt"]))
        except _TokenRefusedError as error:
            with self._lock:
                self._session = None
            raise AuthError(f"sources.{self._name}", f"Bluesky refuses every token: {error}", _MEND) from error

    def _signed_in(self) -> dict[str, Any]:
        with self._lock:
            if self._session is None:
                try:
                    answer = self._http.post("/xrpc/com.atproto.server.createSession", json=self._credentials)
                except (_TokenRefusedError, MissingError, Refused) as error:
                    raise AuthError(f"sources.{self._name}", f"Bluesky does not let us in: {error}", _MEND) from error
                self._session = self._session_of(answer)
            return self._session

    def _renew(self) -> None:
        """A new token for the old one, which costs nothing of the few sign-ins that Bluesky allows."""
        headers = _bearer(str((self._session or {}).get("refreshJwt")))
        try:
            self._session = self._session_of(
                self._http.post("/xrpc/com.atproto.server.refreshSession", headers=headers)
            )
        except (_TokenRefusedError, MissingError, Refused):
            self._session = None

    def _session_of(self, answer: Any) -> dict[str, Any]:
        if isinstance(answer, dict) and all(
            isinstance(answer.get(key), str) for key in ("accessJwt", "refreshJwt", "did", "handle")
        ):
            return answer
        raise RetryLater(f"sources.{self._name}: the answer to the sign-in has no token")

    def close(self) -> None:
        self._http.close()


_MEND = "use the handle and an app password of Settings, Privacy and security, App passwords"


class _TokenRefusedError(FirsthourError):
    pass


class _Xrpc(Http):
    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        if status < 400 or status == 429 or status >= 500:
            return super().refused(method, status, headers, body)
        name, words = _said(body)
        if status == 401 or (status == 403 and not name) or name in _TOKEN_ERRORS:
            return _TokenRefusedError(words or str(status))
        if name in _MISSING or status == 404 or "not found" in words.lower():
            return MissingError(words or str(status))
        if method == "POST":
            return Refused(f"Bluesky does not take it: {words or name or f'status {status}'}")
        if name == "InvalidRequest":  # such as an account that does not exist, or a token of a page that is too old
            return MissingError(words)
        return super().refused(method, status, headers, body)


def _said(body: str) -> tuple[str, str]:
    """Name and words of an error."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(said, dict):
        return "", ""
    return str(said.get("error") or "")[:100], str(said.get("message") or "")[:300]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
