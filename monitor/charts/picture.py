"""Charts as pictures, for slides and for the digest: drawn by vl-convert, the extra `charts`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from monitor.charts.chart import Chart, Spec
from monitor.charts.theme import LIGHT, config
from monitor.errors import ConfigurationError

VEGA_LITE = "6.4"  # the release that the pages draw with too
WIDTH = 860
NEEDED = "pip install 'firsthour[charts]'"
_LINE = 110  # letters of a title that fit


def available() -> bool:
    """Whether pictures can be made here."""
    return find_spec("vl_convert") is not None


def png(chart: Chart, width: int = WIDTH, scale: float = 2.0) -> bytes:
    """The chart with its title, on white. Raises ConfigurationError without the extra."""
    try:
        import vl_convert
    except ImportError:
        raise ConfigurationError("charts", "pictures need vl-convert", NEEDED) from None
    # no address is allowed: a spec has its data in it, and must not make this process fetch anything
    made: bytes = vl_convert.vegalite_to_png(
        titled(chart, width), vl_version=VEGA_LITE, scale=scale, config=_on_white(), allowed_base_urls=[]
    )
    return made


def titled(chart: Chart, width: int = WIDTH) -> Spec:
    """The spec as it is drawn outside of a page, where nothing else says what it shows."""
    beneath = [f"{chart.measure} · {chart.scope}", *([chart.note] if chart.note else [])]
    title = {"text": _wrapped(chart.title), "subtitle": [line for text in beneath for line in _wrapped(text)]}
    return {"title": title, "width": width, **chart.spec}


def _on_white() -> dict[str, Any]:
    return config(LIGHT) | {"background": LIGHT.ground, "padding": 16}


def _wrapped(text: str) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines
