"""The demo: invented people write about invented brands, in many languages, and the whole loop runs on it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from monitor.clock import SystemClock
from monitor.settings import Settings, duration_text, parse


def settings(database: Path, port: int, speed: float) -> Settings:
    """demo.toml over `database`, with its replay files where they are installed. The environment is left out, so that
    no real workspace hears of invented complaints. Mentions arrive at their pace whatever the `speed` of the clock."""
    import tomllib

    here = files(__package__)
    raw = tomllib.loads(here.joinpath("demo.toml").read_text(encoding="utf-8"))
    for source in raw["sources"]:
        source["path"] = str(here.joinpath(source["path"]))
        source["per_minute"] /= speed
    raw["database"] = {"url": f"sqlite:///{database.absolute()}"}
    raw["web"] = {"bind": f"127.0.0.1:{port}"}
    return parse(raw, {})


def welcome(address: str | None, clock: SystemClock, rules: Settings) -> str:
    """What the person who started the demo reads first."""
    minutes = rules.clock.target.total_seconds() / 60 / clock.speed
    return (
        f"\n  firsthour demo: the desk is at {address}\n"
        f"  The clock runs {clock.speed:g} times faster: {duration_text(rules.clock.target)} to the first reply is "
        f"{minutes:.1f} minutes here.\n"
        "  Mentions, brands and people are invented. Alerts that would go to Slack are printed below. Ctrl-C stops.\n"
    )
