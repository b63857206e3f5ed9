"""What Google's refusals mean, and what happens without its library."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import AuthError, BudgetSpent, ConfigurationError, FirsthourError, RetryLater
from monitor.sources.base import Reply
from monitor.sources.contract import NOW, Answer
from tests.sources.google_fakes import refusal
from tests.sources.test_google_play import Play


@pytest.fixture
def service(httpserver: HTTPServer) -> Iterator[Play]:
    service = Play(httpserver)
    yield service
    service.close()


def refused(service: Play, response: Response) -> FirsthourError:
    source = service.source()
    source.check()
    service.answer(Answer(response.status_code, response.data, dict(response.headers)))
    with pytest.raises(FirsthourError) as caught:
        source.check()
    assert type(caught.value) in (AuthError, RetryLater, BudgetSpent)
    return caught.value


@pytest.mark.parametrize(
    ("response", "kind", "words"),
    [
        (refusal(403, "Daily Limit Exceeded", "dailyLimitExceeded"), BudgetSpent, "the day's quota is spent"),
        (refusal(403, "Slow down", "rateLimitExceeded"), RetryLater, "too many calls"),
        (refusal(403, "It is off", "accessNotConfigured"), AuthError, "enable this API"),
        (refusal(403, "No scope", "insufficientPermissions"), AuthError, "scope"),
        (refusal(403, "The caller does not have permission"), AuthError, "allowed to do"),
        (refusal(400, "API key not valid", "API_KEY_INVALID"), AuthError, "copy the API key anew"),
        (refusal(400, "Precondition check failed.", "failedPrecondition"), RetryLater, "Precondition"),
        (refusal(408, "Slow"), RetryLater, "408"),
        (Response("<html>Forbidden</html>", 403), AuthError, "403"),
        (Response('{"error": "text"}', 409), RetryLater, "409"),
        (Response('{"error": {"errors": 7, "details": [1, {"reason": []}]}}', 418), RetryLater, "418"),
    ],
    ids=lambda given: given if isinstance(given, str) else None,
)
def test_a_refusal_says_what_to_do_next(service: Play, response: Response, kind: type, words: str) -> None:
    error = refused(service, response)
    assert type(error) is kind
    assert words in str(error)


def test_a_spent_quota_is_not_asked_for_again_at_once(service: Play) -> None:
    error = refused(service, refusal(403, "Quota exceeded", "quotaExceeded", "youtube.quota"))
    assert isinstance(error, RetryLater)
    assert error.after == timedelta(hours=1)


@pytest.mark.parametrize(
    ("body", "status", "kind", "words"),
    [
        (b'{"error": "invalid_grant", "error_description": "Token has been revoked."}', 400, AuthError, "revoked"),
        (b"<html>", 401, AuthError, "no token: 401"),
        (b"oops", 500, RetryLater, "500"),
        (b"", 429, RetryLater, "429"),
        (b'{"token_type": "Bearer"}', 200, RetryLater, "not readable"),
        (b"<html>Please log in</html>", 200, RetryLater, "not readable"),
        (b"[1]", 200, RetryLater, "not readable"),
    ],
)
def test_without_a_token_nothing_was_sent(service: Play, body: bytes, status: int, kind: type, words: str) -> None:
    mention = service.post("acme", NOW)
    service.token_refusal = Response(body, status)
    with pytest.raises(FirsthourError, match=words) as caught:
        service.source().reply(Reply(mention, "We are on it", "key", NOW), NOW)
    assert type(caught.value) is kind
    assert service.replies(mention) == []
    assert {request.path for request in service.requests} == {"/token"}


def test_the_missing_library_is_named_with_the_extra_that_brings_it(
    service: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("googleapiclient.discovery", "google.auth.transport.requests"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigurationError, match=r"pip install 'firsthour\[google\]'"):
        service.source().check()


def test_a_parameter_that_google_does_not_know_is_refused_before_anything_is_sent(service: Play) -> None:
    source: Any = service.source()
    with pytest.raises(TypeError, match="orderBy"):
        source._reviews.list(packageName="com.acme.shop", orderBy="newest")
    assert service.requests == []
