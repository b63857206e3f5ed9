from __future__ import annotations

import threading
from contextlib import suppress
from datetime import timedelta

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import RetryLater
from monitor.sources.http import Http
from monitor.sources.rate import hear, listening, rest, waiting_time

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
UNIX = 1_795_176_000  # the same moment


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(UNIX + 90), "Date": DATE}, 90),
        ({"x-rate-limit-remaining": "1", "x-rate-limit-reset": str(UNIX + 90), "Date": DATE}, None),
        ({"X-RateLimit-Remaining": "0.0", "X-RateLimit-Reset": "240"}, 240),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "2026-11-20T12:05:00.000000Z", "Date": DATE}, 300),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": str(UNIX + 7), "Date": DATE}, 7),
        ({"RateLimit-Limit": "100, 100;w=60", "RateLimit-Remaining": "0", "RateLimit-Reset": "50"}, 50),
        ({"RateLimit": "limit=100, remaining=0, reset=5"}, 5),
        ({"RateLimit": "limit=100, remaining=3, reset=5"}, None),
        ({"RateLimit": '"default";r=0;t=30', "RateLimit-Policy": '"default";q=100;w=60'}, 30),
        ({"RateLimit": '"burst";r=0;t=5, "day";r=0;t=900'}, 900),
        ({"RateLimit": '"burst";r=4;t=5, "day";r=0;t=900'}, 900),
        ({"RateLimit": '"default";r=50;t=30'}, None),
        ({"RateLimit": '"default";r=0;t=99999999999999999999'}, 10**8),
        ({"X-RateLimit-Reset": "240"}, None),
        ({"X-RateLimit-Remaining": "none", "X-RateLimit-Reset": "240"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        ({}, None),
    ],
)
def test_a_service_rests_when_its_answer_says_that_nothing_is_left(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert rest(httpx2.Headers(headers)) == (None if seconds is None else timedelta(seconds=seconds))


def test_a_refusal_that_leaves_calls_over_had_another_reason_and_no_reset_is_waited_for() -> None:
    headers = {"x-rate-limit-remaining": "449", "x-rate-limit-reset": str(UNIX + 900), "date": DATE}
    assert waiting_time(headers) is None
    assert waiting_time(headers | {"retry-after": "5"}) == timedelta(seconds=5)
    assert waiting_time(headers | {"x-rate-limit-remaining": "0"}) == timedelta(seconds=900)


def test_every_answer_is_heard_the_good_ones_too(httpserver: HTTPServer) -> None:
    answers = iter([("3", 200), ("0", 200), ("0", 429)])

    def answer(_: object) -> Response:
        left, status = next(answers)
        return Response("{}", status, {"X-RateLimit-Remaining": left, "X-RateLimit-Reset": "77"})

    httpserver.expect_request("/").respond_with_handler(answer)
    http = Http("it", httpserver.url_for("/"))
    heard = []
    for _ in range(3):
        with listening() as ear, suppress(RetryLater):
            http.json("")
        heard.append(ear.rest)
    http.close()
    assert heard == [None, timedelta(seconds=77), timedelta(seconds=77)]


def test_the_longest_rest_counts_and_who_does_not_listen_hears_nothing() -> None:
    def say(seconds: int) -> None:
        hear({"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(seconds)})

    say(1)
    with listening() as outer:
        say(3)
        with listening() as inner:
            say(9)
        say(2)
        other = threading.Thread(target=say, args=(99,))
        other.start()
        other.join()
    assert (outer.rest, inner.rest) == (timedelta(seconds=3), timedelta(seconds=9))
