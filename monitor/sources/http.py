"""Calls over HTTP: which answer means what to do next, the same for every source."""

from __future__ import annotations

import functools
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import httpx2
import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NameResolutionError, NewConnectionError

from monitor.errors import AuthError, FirsthourError, GiveUp, RetryLater, Uncertain
from monitor.sources.rate import hear
from monitor.sources.rate import waiting_time as waiting_time

TIMEOUT = 20.0  # seconds for connecting, and for each silence while reading
LARGEST = 32_000_000  # bytes of one answer; the services' own pages stay below 2 MB
USER_AGENT = "firsthour (+https://pypi.org/project/firsthour/)"


class MissingError(GiveUp):
    """What was asked for by its id is not there, or no longer."""


@functools.cache
def certificates() -> ssl.SSLContext:
    """The trusted certificates, read once: for each client anew they cost 60 ms, so 100 feeds would start 6 s later."""
    return httpx2.create_ssl_context()


def refusal(
    name: str, status: int, headers: Mapping[str, str], body: str, public: bool = False
) -> FirsthourError | None:
    """What an answer of this status means for the source `name`; None when it is no refusal.

    A `public` service knows no credentials: its 403 is a passing block of our address, which no change of the
    configuration would mend. An unexpected 4xx is tried again too: it may be the service's own fault, and a person
    is told when it lasts.
    """
    if status < 400:
        return None
    said = f"the service answered {status}{_excerpt(body)}"
    if status == 401 or (status == 403 and not public):
        return AuthError(f"sources.{name}", said, "check the credentials and what they are allowed to do")
    return RetryLater(f"sources.{name}: {said}", waiting_time(headers))


def _excerpt(body: str) -> str:
    """The service's own words, where they are words and not a page."""
    text = " ".join(body[:2_000].split())
    return f": {text[:200]}" if text and not text.startswith("<") else ""


def parse_json(name: str, body: bytes | str, unlike: type[RetryLater] = RetryLater) -> Any:
    """The JSON value in `body`, else `unlike`: a proxy's page or half an answer says nothing of the service."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        start = body[:60].decode("utf-8", "replace") if isinstance(body, bytes) else body[:60]
        raise unlike(f"sources.{name}: the answer is not JSON; it begins with {start!r}") from None


class Http:
    """A client for services that answer with JSON. Errors: RetryLater, AuthError; of a post also Uncertain.

    `headers` go with every request and may hold credentials, so only a `public` client, which has none, follows a
    service to another address. Services with refusals of their own override `refused`, and `seen` to read headers.
    """

    def __init__(
        self, name: str, base_url: str, headers: Mapping[str, str] | None = None, *, public: bool = True
    ) -> None:
        self._name = name
        self._public = public
        self._client = httpx2.Client(
            base_url=base_url,
            verify=certificates(),
            timeout=TIMEOUT,
            follow_redirects=public,
            headers={"User-Agent": USER_AGENT, **(headers or {})},
        )

    def json(
        self,
        path: str,
        params: Mapping[str, str | int | Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        return self._ask("GET", path, headers, params=dict(params or {}))

    def post(
        self,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer to a call that changes something: made once, never repeated here. Raises RetryLater when it
        surely changed nothing, Uncertain when it may have. None for an answer without content."""
        return self._ask("POST", path, headers, json=json, data=form)

    def _ask(self, method: str, path: str, headers: Mapping[str, str] | None, **sent: Any) -> Any:
        lost = RetryLater if method == "GET" else Uncertain
        try:
            with self._client.stream(method, path, headers=dict(headers or {}), **sent) as response:
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise lost(f"sources.{self._name}: the answer is larger than {LARGEST:,} bytes")
            hear(response.headers)
            self.seen(response.headers)
            text = body.decode("utf-8", "replace") if response.status_code >= 300 else ""
            if error_ := self.refused(method, response.status_code, response.headers, text):
                raise error_
            return None if method == "POST" and not body else parse_json(self._name, bytes(body), lost)
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            message = f"sources.{self._name}: {type(error).__name__}: {error}"
            never_left = isinstance(error, (httpx2.ConnectError, httpx2.ConnectTimeout))
            raise (RetryLater if never_left else lost)(message) from error

    def seen(self, headers: Mapping[str, str]) -> None:
        """For sources that keep count of what the service still allows."""

    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        """What an answer means that is none of the service's goods; None when it is one."""
        if 300 <= status < 400:
            where = urlsplit(headers.get("location", "")).hostname or "another address"
            return RetryLater(f"sources.{self._name}: the service sends us on to {where}: is base_url right?")
        error = refusal(self._name, status, headers, body, self._public)
        return Uncertain(str(error)) if method == "POST" and status >= 500 else error

    def close(self) -> None:
        self._client.close()


class Adapter(HTTPAdapter):
    """Lies under a client library that is built on requests. It sends what is meant for the library's fixed host to
    `base_url`, never waits for ever, and turns refusals into our errors before the library can retry or sleep."""

    def __init__(self, name: str, base_url: str | None = None) -> None:
        super().__init__()
        self._name = name
        self._base_url = base_url.rstrip("/") if base_url else None

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._base_url:
            request.url = self._base_url + request.path_url
        kwargs["timeout"] = kwargs.get("timeout") or TIMEOUT
        try:
            response = super().send(request, *args, **kwargs)
            streamed = kwargs.get("stream") and response.status_code < 400
            content = b"" if streamed else response.content
        except requests.RequestException as error:
            message = f"sources.{self._name}: {type(error).__name__}: {error}"
            if request.method == "GET" or _never_left(error):
                raise RetryLater(message) from error
            raise Uncertain(message) from error
        hear(response.headers)
        self.seen(response)
        text = content.decode("utf-8", "replace") if response.status_code >= 400 else ""
        if error_ := self.refused(response, text):
            raise error_
        return response

    def seen(self, response: requests.Response) -> None:
        """For sources that keep count of what the service still allows."""

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        error = refusal(self._name, response.status_code, response.headers, text)
        if response.status_code >= 500 and response.request.method != "GET":
            return Uncertain(str(error))
        return error


def _never_left(error: requests.RequestException) -> bool:
    """Whether the request surely did not reach the service: no connection came about."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError)):
        return True
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, (NewConnectionError, NameResolutionError))
