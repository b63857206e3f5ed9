from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta

import httpx2
import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Response

from monitor.errors import AuthError, RetryLater, Uncertain
from monitor.sources import http as http_
from monitor.sources.http import LARGEST, Adapter, Http, parse_json, refusal, waiting_time

DATE = "Fri, 20 Nov 2026 12:00:00 GMT"
UNIX = 1_795_176_000  # the same moment


@pytest.fixture
def http(httpserver: HTTPServer) -> Iterator[Http]:
    http = Http("it", httpserver.url_for("/api"))
    yield http
    http.close()


@pytest.fixture
def silent() -> Iterator[str]:
    """A service that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "30"}, 30),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "Fri, 20 Nov 2026 12:02:00 GMT", "Date": DATE}, 120),
        ({"Retry-After": "Fri, 20 Nov 2026 12:02:00 GMT"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e400"}, None),
        ({"x-rate-limit-reset": str(UNIX + 90), "Date": DATE}, 90),
        ({"x-rate-limit-reset": str(UNIX - 90), "Date": DATE}, 0),
        ({"x-ratelimit-reset": "239"}, 239),
        ({"RateLimit-Reset": str(UNIX + 90), "Date": DATE}, 90),
        ({"x-ratelimit-reset": "2026-11-20T12:05:00.000000Z", "Date": DATE}, 300),
        ({"Retry-After": "5", "x-ratelimit-reset": "239"}, 5),
        ({}, None),
    ],
)
def test_the_waiting_time_is_what_the_service_says_by_its_own_clock(
    headers: dict[str, str], seconds: float | None
) -> None:
    expected = None if seconds is None else timedelta(seconds=seconds)
    assert waiting_time(httpx2.Headers(headers)) == expected


@pytest.mark.parametrize("status", [400, 404, 408, 418, 429, 500, 503, 520, 599])
def test_whatever_may_pass_is_tried_again(status: int) -> None:
    assert isinstance(refusal("it", status, {}, "words"), RetryLater)


def test_a_refusal_quotes_the_services_words_but_no_page() -> None:
    assert str(refusal("it", 500, {}, "out of\n order")).endswith("500: out of order")
    assert str(refusal("it", 500, {}, "<html>x</html>")).endswith("answered 500")
    assert refusal("it", 302, {}, "") is None


def test_403_means_credentials_only_where_there_are_any() -> None:
    assert isinstance(refusal("it", 403, {}, ""), AuthError)
    assert isinstance(refusal("it", 403, {}, "", public=True), RetryLater)
    assert isinstance(refusal("it", 401, {}, "", public=True), AuthError)


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"a": ', b"\xff\xfe\x00", b"[" * 200_000])
def test_what_is_not_json_is_tried_again(body: bytes) -> None:
    with pytest.raises(RetryLater, match="not JSON"):
        parse_json("it", body)


def test_an_answer_without_end_is_given_up(httpserver: HTTPServer, http: Http) -> None:
    endless = (b" " * 1_000_000 for _ in range(LARGEST // 1_000_000 + 2))
    httpserver.expect_request("/api/x").respond_with_handler(lambda _: Response(endless))
    with pytest.raises(RetryLater, match="larger than"):
        http.json("/x")


def test_a_service_out_of_reach_is_tried_again(httpserver: HTTPServer) -> None:
    http = Http("it", "http://127.0.0.1:1")
    with pytest.raises(RetryLater, match=r"sources\.it: ConnectError"):
        http.json("/x")
    http.close()


def test_redirects_are_followed(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/api/old").respond_with_data(status=301, headers={"Location": "/api/new"})
    httpserver.expect_request("/api/new").respond_with_json({"found": True})
    assert http.json("/old") == {"found": True}


def test_a_client_with_credentials_takes_them_to_no_other_address(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/api/old").respond_with_data(status=301, headers={"Location": "http://evil.example/x"})
    http = Http("it", httpserver.url_for("/api"), {"Api-Key": "hush-hush"}, public=False)
    with pytest.raises(RetryLater, match=r"sends us on to evil\.example: is base_url right\?"):
        http.json("/old")
    http.close()


def test_a_post_says_whether_it_may_have_changed_something(httpserver: HTTPServer, http: Http) -> None:
    httpserver.expect_request("/api/good", method="POST", data="a=1").respond_with_json({"id": 1})
    assert http.post("/good", form={"a": 1}) == {"id": 1}
    httpserver.expect_request("/api/empty", method="POST", json={"a": 1}).respond_with_data(b"", 201)
    assert http.post("/empty", json={"a": 1}) is None
    for status, body in ((500, b""), (502, b"<html>"), (200, b"<html>"), (200, b'{"id"')):
        httpserver.expect_oneshot_request("/api/bad", method="POST").respond_with_data(body, status)
        with pytest.raises(Uncertain):
            http.post("/bad", json={})
    httpserver.expect_request("/api/busy", method="POST").respond_with_data(b"", 429, {"Retry-After": "7"})
    with pytest.raises(RetryLater) as caught:
        http.post("/busy", json={})
    assert not isinstance(caught.value, Uncertain)
    assert caught.value.after == timedelta(seconds=7)
    nowhere = Http("it", "http://127.0.0.1:1")
    with pytest.raises(RetryLater) as caught:
        nowhere.post("/x")
    assert not isinstance(caught.value, Uncertain)
    nowhere.close()


def test_silence_is_not_waited_for_without_end(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_, "TIMEOUT", 0.05)
    http = Http("it", silent)
    with pytest.raises(RetryLater, match="ReadTimeout"):
        http.json("/x")
    http.close()
    with requests.Session() as session:
        session.mount("http://", Adapter("it"))
        with pytest.raises(RetryLater, match="ReadTimeout"):
            session.get(silent)


def test_a_library_with_a_fixed_host_is_led_to_the_configured_one(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/proxy/2/posts", query_string="a=1").respond_with_json({"found": True})
    with requests.Session() as session:
        session.mount("https://api.example.com", Adapter("it", httpserver.url_for("/proxy/")))
        assert session.get("https://api.example.com/2/posts", params={"a": 1}).json() == {"found": True}
