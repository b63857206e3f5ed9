from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import httpx2
import pytest
import structlog
from pytest_httpserver import HTTPServer

from monitor.logs import HIDDEN, Redactor, configure, secrets
from monitor.settings import Settings

TOKEN = "xoxb-1234567890-abcdef"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, ours = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**ours)


def configured(
    make_settings: Callable[..., Settings], format: str = "json", **more: object
) -> tuple[Settings, io.StringIO]:
    settings = make_settings(
        log={"format": format, "level": "info"},
        slack={"channel": "C1", "bot_token": TOKEN},
        sources=[{"name": "r", "type": "reddit", "client_secret": "hunter22", "password": "open sesame"}],
    )
    stream = io.StringIO()
    configure(settings, stream)
    return settings, stream


@pytest.mark.parametrize("format", ["json", "console"])
def test_no_secret_reaches_the_log_whichever_way_it_comes(make_settings: Callable[..., Settings], format: str) -> None:
    settings, stream = configured(make_settings, format)
    assert secrets(settings) == {TOKEN, "hunter22", "open sesame"}
    log = structlog.stdlib.get_logger("monitor.test")
    log.info("calling with hunter22", url="https://me:pass1234@example.com/x", api_key="abc", token=TOKEN)
    log.info("nested", request={"headers": {"Authorization": "Bearer abcdefgh12345"}, "list": ["open sesame"]})
    logging.getLogger("some.library").warning("sending %s to %s", TOKEN, "https://u:geheim99@example.com")
    try:
        raise ValueError(f"refused {TOKEN}")
    except ValueError:
        log.exception("failed", settings=settings.slack)
    text = stream.getvalue()
    for secret in (TOKEN, "hunter22", "open sesame", "pass1234", "geheim99", "abcdefgh12345", '"abc"'):
        assert secret not in text
    assert text.count(HIDDEN) >= 8
    assert "ValueError" in text


def test_text_from_outside_can_neither_move_the_cursor_nor_add_lines(make_settings: Callable[..., Settings]) -> None:
    _, stream = configured(make_settings, "console")
    structlog.stdlib.get_logger("monitor.test").info(
        "seen", text="\x1b[2J\x1b]0;owned\x07 a\nfake line \u202eevil\ud800", long="x" * 100_000
    )
    text = stream.getvalue()
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "\u202e" not in text
    assert len(text) < 5_000
    assert len(text.strip().splitlines()) == 1


def test_json_lines_are_json_with_level_and_time(make_settings: Callable[..., Settings]) -> None:
    _, stream = configured(make_settings)
    structlog.stdlib.get_logger("monitor.test").warning("odd", source="news", count=3)
    logging.getLogger("library").warning("plain %d", 5)
    ours, theirs = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert ours["event"] == "odd"
    assert ours["level"] == "warning"
    assert (ours["source"], ours["count"]) == ("news", 3)
    assert ours["timestamp"].endswith("Z")
    assert theirs["event"] == "plain 5"


def test_no_line_for_each_request_of_each_poll(make_settings: Callable[..., Settings], httpserver: HTTPServer) -> None:
    _, stream = configured(make_settings)
    httpserver.expect_request("/feed").respond_with_data("")
    httpx2.get(httpserver.url_for("/feed"))
    assert "HTTP Request" not in stream.getvalue()


def test_configuring_twice_does_not_double_the_lines(make_settings: Callable[..., Settings]) -> None:
    configured(make_settings)
    _, stream = configured(make_settings)
    structlog.stdlib.get_logger("monitor.test").info("once")
    assert len(stream.getvalue().splitlines()) == 1


def test_a_redactor_hides_longer_secrets_before_the_shorter_ones_inside_them() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("x abcdefgh y") == f"x {HIDDEN} y"
