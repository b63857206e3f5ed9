"""What the sections of the settings are made of: durations, time zones, tables that refuse unknown keys."""

from __future__ import annotations

import re
from datetime import timedelta
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, PlainSerializer

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration(value: Any) -> Any:
    """`"45s"`, `"20m"`, `"1h"`, `"1h30m"`, `"30d"` as a timedelta."""
    if not isinstance(value, str):
        if isinstance(value, timedelta):
            return value
        raise ValueError('a duration is written "45s", "20m", "1h" or "30d"')
    if not re.fullmatch(r"(\d+[smhd])+", value):
        raise ValueError(f'"{value}" is not a duration: write "45s", "20m", "1h" or "30d"')
    return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in re.findall(r"(\d+)([smhd])", value)))


def duration_text(value: timedelta) -> str:
    """The shortest text that `duration` reads back as `value` (whole seconds)."""
    left, parts = int(value.total_seconds()), []
    for unit, seconds in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, left = divmod(left, seconds)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[timedelta, BeforeValidator(duration), PlainSerializer(duration_text)]


def _lasting(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError('at least "1s"')
    return value


Span = Annotated[Duration, AfterValidator(_lasting)]


@cache
def _zones() -> frozenset[str]:
    """Read once: it takes a look into hundreds of files."""
    return frozenset(available_timezones())


def _known_zone(value: str) -> str:
    if value not in _zones():
        near = get_close_matches(value, _zones(), n=1)
        raise ValueError(f'"{value}" is no IANA time zone' + (f', did you mean "{near[0]}"?' if near else ""))
    return value


Zone = Annotated[str, AfterValidator(_known_zone)]


def _known_language(value: str) -> str:
    code = re.split("[-_]", value.strip().lower())[0]
    if not re.fullmatch("[a-z]{2,3}", code):
        raise ValueError(f'"{value}" is no language code: two or three letters, such as "et"')
    return code


Language = Annotated[str, AfterValidator(_known_language)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
