"""Google's APIs, through its own client library: signing in, sending, and what its refusals mean.

The library builds each call from the discovery document that it brings along, so a parameter that does not exist is
refused before anything is sent. What it would send through httplib2 goes through requests here, as for other sources:
one set of timeouts, one reading of refusals, and nothing that is retried or waited for in our thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import requests
from pydantic import SecretStr

from monitor.errors import AuthError, BudgetSpent, ConfigurationError, FirsthourError, RetryLater, Uncertain
from monitor.sources.http import TIMEOUT, USER_AGENT, Adapter, refusal, waiting_time

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
_SPENT = frozenset(("quotaExceeded", "dailyLimitExceeded"))
_SPENT_PAUSE = timedelta(hours=1)  # the day's quota comes back at midnight, Pacific time
_TOO_FAST = frozenset(("rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"))
_SIGN_IN = "make the credential anew, as the page about this source says"
_MENDS = {
    "accessNotConfigured": "enable this API for your project in the Google Cloud console",
    "SERVICE_DISABLED": "enable this API for your project in the Google Cloud console",
    "API_KEY_INVALID": "copy the API key anew from the Google Cloud console",
    "API_KEY_SERVICE_BLOCKED": "allow this API in the restrictions of the key",
    "insufficientPermissions": "get a token with the scope that the page about this source names",
    "ACCESS_TOKEN_SCOPE_INSUFFICIENT": "get a token with the scope that the page about this source names",
    "invalid_grant": "get a new refresh token or key; the tokens of an app that is still in testing end after 7 days",
    "invalid_client": "check client_id and client_secret",
}


class ApiRefusal(FirsthourError):
    """A call that Google refuses, with its reasons, such as commentsDisabled, and its words for people."""

    def __init__(self, status: int, reasons: Collection[str], words: str) -> None:
        super().__init__(f"Google answered {status}: {words}")
        self.status, self.reasons, self.words = status, frozenset(reasons), words


@dataclass(frozen=True, slots=True)
class Refreshable:
    """An account's lasting permission, given to an OAuth client."""

    client_id: str
    client_secret: SecretStr
    refresh_token: SecretStr
    token_url: str = TOKEN_URL


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """The key of a service account: the JSON that Google gives, or the path of a file with it."""

    key: SecretStr
    scope: str


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Calls as nobody in particular, counted on the project of this key."""

    key: SecretStr


class Google:
    """The calls of the source `name` with one credential. Errors: RetryLater; Uncertain for a call that writes;
    AuthError; ConfigurationError without the library; and ApiRefusal for refusals that concern no credential."""

    def __init__(self, name: str, credential: Refreshable | ServiceAccount | ApiKey, base_url: str) -> None:
        self._name, self._credential, self._base_url = name, credential, base_url.rstrip("/")
        self._adapters = (_Calls(name), _Tokens(name))
        self._session: requests.Session | None = None
        self._services: dict[str, Any] = {}

    def service(self, api: str, version: str) -> Any:
        """The library's client of an API, such as `youtube` `v3`."""
        if api not in self._services:
            self._services[api] = self._library("googleapiclient.discovery").build(
                api,
                version,
                http=self,
                client_options={"api_endpoint": f"{self._base_url}/"},
                cache_discovery=False,  # the library's cache wants oauth2client, and says so in the log
                static_discovery=True,
                num_retries=0,
            )
        return self._services[api]

    def call(self, request: Any) -> dict[str, Any]:
        """The answer to a request of the library."""
        return self._read(request.method, request.execute)

    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """As `call`, for an API of which the library has no document."""
        url = f"{self._base_url}/{path}" + (f"?{urlencode(params)}" if params else "")
        sent = None if body is None else json.dumps(body)
        head = {} if body is None else {"Content-Type": "application/json"}
        return self._read(method, lambda: json.loads(self._send(method, url, sent, head).content))

    def _read(self, method: str, ask: Callable[[], Any]) -> dict[str, Any]:
        unreadable = RetryLater if method == "GET" else Uncertain
        try:
            answer = ask()
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise unreadable(f"sources.{self._name}: the answer is not readable: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise unreadable(f"sources.{self._name}: the answer is of another shape")
        return answer

    def unforeseen(self, error: ApiRefusal) -> FirsthourError:
        """What a refusal means to which the source has no answer of its own."""
        if error.status == 403:
            return AuthError(f"sources.{self._name}", str(error), "check what the account or key is allowed to do")
        return RetryLater(f"sources.{self._name}: {error}")

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **_: Any) -> Any:
        """What the library asks of its transport: the answer's head and body."""
        response = self._send(method, uri, body, dict(headers or {}))
        head = {key: value for key, value in response.headers.items() if key.lower() != "status"}
        return self._library("httplib2").Response(head | {"status": response.status_code}), response.content

    def close(self) -> None:
        for adapter in self._adapters:
            adapter.close()

    def _send(self, method: str, url: str, body: Any, headers: dict[str, str]) -> requests.Response:
        key = f"sources.{self._name}"
        headers["User-Agent"] = USER_AGENT
        if isinstance(self._credential, ApiKey):  # in a header, since addresses are written into logs
            headers["X-Goog-Api-Key"] = self._credential.key.get_secret_value()
        session = self._signed_in()
        try:
            response = session.request(method, url, data=body, headers=headers, timeout=TIMEOUT)
        except FirsthourError:
            raise
        except requests.RequestException as error:
            raise (RetryLater if method == "GET" else Uncertain)(f"{key}: {type(error).__name__}: {error}") from error
        except Exception as error:  # google-auth could not read the token, so nothing was sent
            raise RetryLater(f"{key}: Google's token is not readable: {type(error).__name__}") from error
        if response.status_code >= 300:
            raise _refused(key, response)
        return response

    def _signed_in(self) -> requests.Session:
        if self._session is None:
            calls, tokens = self._adapters
            if isinstance(self._credential, ApiKey):
                session = requests.Session()
            else:
                transport = self._library("google.auth.transport.requests")
                asking = _mounted(requests.Session(), tokens)
                session = transport.AuthorizedSession(self._credentials(), auth_request=transport.Request(asking))
            self._session = _mounted(session, calls)
        return self._session

    def _credentials(self) -> Any:
        given = self._credential
        if isinstance(given, Refreshable):
            return self._library("google.oauth2.credentials").Credentials(
                token=None,
                refresh_token=given.refresh_token.get_secret_value(),
                token_uri=given.token_url,
                client_id=given.client_id,
                client_secret=given.client_secret.get_secret_value(),
            )
        assert isinstance(given, ServiceAccount)
        kind = self._library("google.oauth2.service_account").Credentials
        try:
            text = given.key.get_secret_value()
            info = json.loads(text if text.lstrip().startswith("{") else Path(text).read_text(encoding="utf-8"))
            return kind.from_service_account_info(info, scopes=[given.scope])
        except OSError as error:
            problem = f"the file cannot be read: {error.strerror}"
        except (ValueError, TypeError, AttributeError, KeyError):  # whose words may hold a part of the key
            problem = "it is no key of a service account"
        hint = "the JSON that the Google Cloud console gives for a new key, or the path of that file"
        raise ConfigurationError(f"sources.{self._name}.service_account", problem, hint)

    def _library(self, module: str) -> Any:
        try:
            return import_module(module)
        except ImportError:
            hint = "pip install 'firsthour[google]'"
            raise ConfigurationError(f"sources.{self._name}", "Google's client library is missing", hint) from None


class _Calls(Adapter):
    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        """Only what Google does not explain in its JSON. A 401 first makes the session ask for another token."""
        explained = 400 <= response.status_code < 500 and response.status_code != 429
        return None if explained else super().refused(response, text)


class _Tokens(Adapter):
    """Asks for tokens: whatever goes wrong here, the call that needs the token was not made."""

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        try:
            return super().send(request, *args, **kwargs)
        except Uncertain as error:
            raise RetryLater(str(error), error.after) from error

    def refused(self, response: requests.Response, text: str) -> FirsthourError | None:
        if response.status_code not in (400, 401, 403):
            return super().refused(response, text)
        said = _json(text)
        reason = str(said.get("error") or response.status_code)
        words = said.get("error_description")
        return AuthError(
            f"sources.{self._name}",
            f"Google gives no token: {reason}" + (f", {words}" if isinstance(words, str) else ""),
            _MENDS.get(reason, _SIGN_IN),
        )


def _mounted(session: requests.Session, adapter: Adapter) -> requests.Session:
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _refused(key: str, response: requests.Response) -> FirsthourError:
    """What a 4xx means, by the reasons in its JSON."""
    status, headers = response.status_code, response.headers
    error = _json(response.content).get("error")
    if not isinstance(error, dict):
        unexplained = refusal(key.removeprefix("sources."), status, headers, response.text)
        return unexplained or RetryLater(f"{key}: the service answered {status}")
    listed = [*_list(error.get("errors")), *_list(error.get("details"))]
    reasons = list(dict.fromkeys(str(each["reason"]) for each in listed if "reason" in each))
    words = " ".join(str(error.get("message") or error.get("status") or status).split())[:300]
    if _SPENT.intersection(reasons):
        return BudgetSpent(f"{key}: the day's quota is spent: {words}", waiting_time(headers) or _SPENT_PAUSE)
    if _TOO_FAST.intersection(reasons):
        return RetryLater(f"{key}: too many calls: {words}", waiting_time(headers))
    mend = next((_MENDS[reason] for reason in reasons if reason in _MENDS), None)
    if status == 401 or mend:
        return AuthError(key, f"Google answered {status}: {words}", mend or _SIGN_IN)
    return ApiRefusal(status, reasons, words)


def _json(body: bytes | str) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
