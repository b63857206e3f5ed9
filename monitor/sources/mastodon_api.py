"""One instance of Mastodon, asked through Mastodon.py."""

from __future__ import annotations

import threading
from typing import Any

import mastodon
import requests

from monitor.errors import FirsthourError, RetryLater, Uncertain
from monitor.sources.http import TIMEOUT, USER_AGENT, Adapter, MissingError
from monitor.sources.mastodon_posts import reply_refused

_COUNTED = ("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")
_LONGEST = 500  # characters of a post, unless the instance says otherwise


class Instance:
    def __init__(self, name: str, base_url: str, token: str | None) -> None:
        self._name = name
        self._signed = token is not None
        self._session = requests.Session()
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, _Adapter(name))
        self._session.max_redirects = 0
        self._client = _Client(
            access_token=token,
            api_base_url=base_url,
            ratelimit_method="throw",
            request_timeout=TIMEOUT,
            session=self._session,
            user_agent=USER_AGENT,
        )
        self._lock = threading.Lock()  # polls, replies and streams ask in threads of their own
        self._about: dict[str, Any] | None = None
        self._own: dict[str, Any] | None = None
        self._ids: dict[str, str | None] = {}
        self.longest = _LONGEST

    def ask(self, method: str, *args: Any, **given: Any) -> Any:
        """What the library's `method` reads. Errors: RetryLater, AuthError, MissingError."""
        return self._call(RetryLater, method, *args, **{k: v for k, v in given.items() if v is not None})

    def post(self, text: str, **given: Any) -> Any:
        """Errors: RetryLater, Uncertain, Refused, AuthError."""
        return self._call(Uncertain, "status_post", text, **given)

    def _call(self, unreadable: type[RetryLater], method: str, *args: Any, **given: Any) -> Any:
        try:
            with self._lock:
                return getattr(self._client, method)(*args, **given)
        except FirsthourError:
            raise
        except Exception as error:  # the library wraps whatever happens below it, and trips over what it cannot read
            raise _ours(error) or unreadable(f"sources.{self._name}: not readable: {error!s:.200}") from error

    def about(self) -> dict[str, Any]:
        """What the instance says of itself, asked once."""
        if self._about is None:
            found = self.ask("instance_v2")
            if not isinstance(found, dict) or not found.get("domain"):
                raise RetryLater(f"sources.{self._name}: the instance says nothing of itself: is base_url right?")
            self._about = dict(found)
            longest = _at(self._about, "configuration", "statuses", "max_characters")
            self.longest = longest if isinstance(longest, int) and longest > 0 else _LONGEST
        return self._about

    def learn(self) -> None:
        """The instance's limit of length, if it tells; others than Mastodon may not."""
        try:
            self.about()
        except MissingError:
            self._about = {}

    def streaming(self) -> str:
        """The address of the websocket."""
        self.learn()
        url = _at(self._about, "configuration", "urls", "streaming")
        if not isinstance(url, str) or not url.startswith(("ws", "http")):
            raise RetryLater(f"sources.{self._name}: the instance names no address for its stream")
        return f"ws{url.removeprefix('http').removeprefix('ws').rstrip('/')}/api/v1/streaming"

    def check(self) -> str:
        if self._signed:
            self.own_id()
            return f"signed in as @{(self._own or {}).get('acct')} on {self.about().get('domain')}"
        return f"reached {self.about().get('domain')}, without an account"

    def own_id(self) -> str | None:
        if self._own is None:
            found = self.ask("account_verify_credentials")
            if not isinstance(found, dict) or not found.get("id"):
                raise RetryLater(f"sources.{self._name}: the instance does not say whose token it is")
            self._own = dict(found)
        return str(self._own["id"])

    def account_id(self, handle: str) -> str | None:
        if handle not in self._ids:
            try:
                found = self.ask("account_lookup", handle)
            except MissingError:
                found = None
            self._ids[handle] = str(found["id"]) if isinstance(found, dict) and found.get("id") else None
        return self._ids[handle]

    def close(self) -> None:
        self._session.close()


class _Client(mastodon.Mastodon):
    """The library asks what an instance can do before each call; the call's own answer tells as much."""

    def timeline_is_available(self, *args: Any, **given: Any) -> bool:
        return True

    def verify_minimum_version(self, *args: Any, **given: Any) -> bool:
        return True


class _Adapter(Adapter):
    def seen(self, response: requests.Response) -> None:
        if 300 <= response.status_code < 400:  # whoever is sent on would send the token along
            raise RetryLater(f"sources.{self._name}: the instance sends us on to another address: is base_url right?")

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        status, headers = response.status_code, response.headers
        error: FirsthourError | None
        if response.request.method == "POST" and status >= 400:
            error = reply_refused(self._name, status, headers, text)
        elif status in (404, 410) and '"error"' in text:  # the instance's own word, and not that of a proxy before it
            error = MissingError(f"the instance answered {status}")
        else:
            error = super().refused(response, text)
        for header in _COUNTED:  # the library would compute with them, and trip over those of other software
            headers.pop(header, None)
        return error


def _ours(error: BaseException | None) -> FirsthourError | None:
    while error is not None and not isinstance(error, FirsthourError):
        error = error.__cause__ or error.__context__
    return error


def _at(value: Any, *path: str) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value
