"""How the desk says things: times left, headlines, names of languages, and text from outside made harmless."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import regex
from markupsafe import Markup

from monitor.charts.chart import Table
from monitor.source_words import span as rounded
from monitor.trend_findings import signed
from monitor.web.languages import NAMES

SOON = timedelta(minutes=20)
STARS = 5
# Controls, and characters that change the direction of what follows them or cannot be seen.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_GRAPHEME = regex.compile(r"\X")
_MARKS = regex.compile(r"(\p{M}{3})\p{M}+")


def language(code: str) -> str:
    """The English name of an ISO 639 code; the code itself when it has none here."""
    return NAMES.get(code, code)


def spoken(name: str) -> str:
    """A key such as `product_quality` as a person writes it."""
    return name.replace("_", " ")


def harmless(text: str | None) -> str:
    """Text from outside without unseen and direction-changing characters and without towers of accents. It is not
    escaped here: the templates do that."""
    if text and text.isascii() and text.isprintable():
        return text
    return _MARKS.sub(r"\1", _UNSEEN.sub("", (text or "").replace("\r\n", "\n")))


def shortened(text: str | None, graphemes: int) -> str:
    """`text` made harmless and cut after so many graphemes, with an ellipsis where something is missing."""
    # A grapheme may hold many characters; ten for each is more than any script needs, and keeps 1 MB cheap.
    seen = harmless((text or "")[: graphemes * 10 + 10])
    end = 0
    for count, match in enumerate(_GRAPHEME.finditer(seen)):
        if count == graphemes:
            return seen[:end].rstrip() + "…"
        end = match.end()
    return seen + ("…" if len(text or "") > graphemes * 10 + 10 else "")


def web_address(url: str | None) -> str | None:
    """`url` if it leads to a web page; None for `javascript:` and everything else."""
    try:
        parts = urlsplit((url or "").strip())
    except ValueError:
        return None
    return parts.geturl() if parts.scheme in ("http", "https") and parts.netloc else None


def span(seconds: float) -> str:
    """A length of time as one short figure: `48s`, `19m`, `3h`, `2d`; rounded down, never up."""
    seconds = abs(seconds)
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size * (2 if unit == "h" else 1):
            return f"{int(seconds // size)}{unit}"
    return f"{int(seconds)}s"


def long_span(seconds: float) -> str:
    """A length of time in words: `19 minutes`."""
    figure = span(seconds)
    unit = {"s": "second", "m": "minute", "h": "hour", "d": "day"}[figure[-1]]
    return f"{figure[:-1]} {unit}" + ("" if figure[:-1] == "1" else "s")


def stars(rating: float | None) -> str:
    if rating is None:
        return ""
    full = max(0, min(STARS, round(rating)))
    return "★" * full + "☆" * (STARS - full)


def ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def people(count: int) -> str:
    return (
        f"{count:,}".replace(",", " ")
        if count < 10_000
        else f"{count // 1000}k"
        if count < 1_000_000
        else f"{count / 1e6:.1f}M"
    )


_BROWSERS = {"Edg": "Edge", "OPR": "Opera", "Firefox": "Firefox", "Chrome": "Chrome", "Safari": "Safari"}
_SYSTEMS = {
    "iPhone": "an iPhone",
    "iPad": "an iPad",
    "Android": "Android",
    "Mac OS": "a Mac",
    "Windows": "Windows",
    "Linux": "Linux",
}


def browser(agent: str | None) -> str:
    """What a browser says it is, as people call it."""
    agent = agent or ""
    name = next((name for sign, name in _BROWSERS.items() if f"{sign}/" in agent), None)
    system = next((name for sign, name in _SYSTEMS.items() if sign in agent), None)
    if name is None or system is None:
        return shortened(agent, 60) or "unknown"
    return f"{name} on {system}"


def initials(name: str) -> str:
    """Up to two letters that stand for a person."""
    words = [w for w in re.split(r"[\s._@-]+", name) if w]
    return "".join(w[0] for w in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def headline(waiting: int, late: int, soon: int) -> str:
    """How it stands, in words. `late` are past their time, `soon` have less than SOON left, both among `waiting`."""
    minutes = int(SOON.total_seconds() // 60)
    if not waiting:
        return "Nobody is waiting for an answer"
    if late and soon:
        return f"{late} {_be(late)} late, {soon} more {_need(soon)} an answer within {minutes} minutes"
    if late:
        return (
            f"{_waiting(waiting)}, {late} of them late"
            if waiting > late
            else f"{late} {_be(late)} late, answer {'it' if late == 1 else 'them'} now"
        )
    if soon:
        return f"{soon} {_need(soon)} an answer within {minutes} minutes"
    return (
        f"{_waiting(waiting)}, all with more than {minutes} minutes left"
        if waiting > 1
        else f"{_waiting(waiting)}, with more than {minutes} minutes left"
    )


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _need(count: int) -> str:
    return "needs" if count == 1 else "need"


def _waiting(count: int) -> str:
    return f"{count} {'person is' if count == 1 else 'people are'} waiting"


def iso(moment: datetime | None, precision: str = "seconds") -> str:
    return moment.isoformat(timespec=precision).replace("+00:00", "Z") if moment else ""


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def lasting(seconds: float | None) -> str:
    """A length of time, rounded: below two hours to a tenth of a minute, `18.5 min`, then `3 h 05 min`, `2 d 4 h`."""
    if seconds is None:
        return "–"
    if seconds < 7200:
        return f"{seconds / 60:.1f}".removesuffix(".0") + " min"
    minutes, hours = round(seconds / 60), round(seconds / 3600)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes < 48 * 60 else f"{hours // 24} d {hours % 24} h"


def share(part: float | None) -> str:
    """A share as a whole percentage; 0 and 100 only where it is exactly nothing or all."""
    if part is None:
        return "–"
    return f"{round(100 * part) if part in (0, 1) else min(99, max(1, round(100 * part)))} %"


def points(part: float | None) -> str:
    """A figure of -1 to 1 as -100 to 100, with its sign."""
    return "–" if part is None else signed(100 * part)


def cell(value: Any, kind: str) -> str:
    """A figure in a table; `kind` is that of its column (monitor/charts/chart.py)."""
    if value is None:
        return "–"
    if kind == "moment":
        return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M}</time>').format(iso(value), value)
    if kind == "text":
        return Markup("<bdi>{}</bdi>").format(shortened(value, 80))
    figures: dict[str, Callable[[Any], str]] = {"share": share, "points": points, "number": "{:,.1f}".format}
    figures["seconds"] = rounded
    return figures.get(kind, "{:,}".format)(value)


def rows(table: Table, first: int) -> Markup:
    """The rows of a table from the first of them on, each led to what is behind it. Not by a template: a page has
    thousands of cells."""
    kinds = [column.kind for column in table.columns]
    lines = []
    for n, row in enumerate(table.rows[first:], first):
        head, *cells = (cell(value, kind) for value, kind in zip(row, kinds, strict=True))
        link = table.links[n] if table.links else ""
        said = Markup('<a href="{}">{}</a>').format(harmless(link), head) if link else head
        lines.append(f'<tr><th scope="row">{said}</th>{"".join(f"<td>{each}</td>" for each in cells)}</tr>')
    return Markup("\n".join(lines))  # noqa: S704 - cells are figures, or Markup


FILTERS = {
    f.__name__: f
    for f in (
        *(language, spoken, shortened, long_span, stars, ordinal, people, initials, iso, web_address, percent),
        *(lasting, share, points, cell, rows, browser),
    )
}
