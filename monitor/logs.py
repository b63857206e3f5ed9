"""One log for everything, on stderr: lines for people or JSON for machines. Secrets never show in it."""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any, TextIO

import structlog
from pydantic import BaseModel, SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

from monitor.settings import Settings

HIDDEN = "[hidden]"
_SECRET_KEY = re.compile(r"token|secret|passw|api_?key|credential|authorization|signature", re.IGNORECASE)
_SECRET_TEXT = re.compile(
    r"\bx(?:ox[a-z]|app)-[\w-]{6,}"  # Slack's tokens
    r"|\bfh_[0-9a-f]{6}_[\w-]{8,}"  # our own tokens
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in an address
    r"|(?<=[Bb]earer )[\w.~+/=-]{8,}"
)
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LONGEST = 2_000


def secrets(settings: Settings) -> frozenset[str]:
    """Every secret value in `settings`, so that it can be hidden wherever it turns up."""
    return frozenset(value for value in _secrets(settings, "") if len(value) >= 4)


def _secrets(value: Any, key: str) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name), name)
        yield from _secrets(value.__pydantic_extra__ or {}, key)
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _secrets(inner, str(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _secrets(inner, key)
    elif isinstance(value, str) and _SECRET_KEY.search(key):
        yield value


class Redactor:
    """Hides known secrets, and what looks like one, in any text."""

    def __init__(self, known: Collection[str] = ()) -> None:
        self._known = tuple(sorted(known, key=len, reverse=True))

    def text(self, text: str) -> str:
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        return _SECRET_TEXT.sub(HIDDEN, text)

    def value(self, value: Any, key: str = "") -> Any:
        if isinstance(value, SecretStr) or (isinstance(value, str) and value and _SECRET_KEY.search(key)):
            return HIDDEN
        if isinstance(value, Mapping):
            return {name: self.value(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(inner, key) for inner in value]
        if value is None or isinstance(value, (bool, int, float)):
            return value
        return self.text(str(value))

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {name: value if name.startswith("_") else self.value(value, name) for name, value in event.items()}


def _tame(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Text from outside can neither move a terminal's cursor nor fill the log."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            value = _CONTROL.sub("\ufffd", value).encode("utf-8", "replace").decode("utf-8")
            event[name] = value if len(value) <= _LONGEST else value[:_LONGEST] + " ..."
    return event


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Route structlog and the standard library's logging (ours and the libraries') to one stream."""
    out = stream or sys.stderr
    level = getattr(logging, settings.log.level.upper())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redactor(secrets(settings)),
        _tame,
    ]
    last: list[Processor] = (
        [structlog.processors.JSONRenderer(ensure_ascii=False)]
        if settings.log.format == "json"
        else [structlog.dev.ConsoleRenderer(colors=out.isatty(), pad_event_to=0)]
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)
    for chatty in (
        "apprise",
        "slack_bolt",
        "slack_sdk",
        "uvicorn",
        "httpx2",
        "httpcore2",
        "alembic",
        "prawcore",
        "tweepy",
    ):
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING) if level > logging.DEBUG else level)
    # it warns of each run that is left out; the scheduler does so once
    logging.getLogger("apscheduler").setLevel(max(level, logging.ERROR) if level > logging.DEBUG else level)
