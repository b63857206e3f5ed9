"""What a chart of a trend shows, as its title. Says plainly when nothing moved beyond chance."""

from __future__ import annotations

from collections.abc import Sequence

from monitor.trend_counts import Counts, surprise
from monitor.trend_figures import CHANCE, CHANCE_AMONG_MANY, FIGURES
from monitor.trends import Change

UNKNOWN = "nothing is known of the period before"
_MOST = 0.5  # of a change, for one name to be said to be most of it


def moved(what: str, now: int, before: int | None, than: str, mostly: str = "") -> str:
    """`what` is plural ("Complaints"), `than` the period before ("the 28 days before"); `mostly` of what (of_most).
    `before` is None where nothing is known of that period."""
    inside = what[0].lower() + what[1:]
    if before is None:
        return f"{f'{now:,}' if now else 'No'} {inside}; {UNKNOWN}"
    if not now and not before:
        return f"No {inside}, as in {than}"
    if abs(surprise(now, before)) < CHANCE:
        return f"{what} moved within chance: {now:,}, after {before:,} in {than}"
    if not before:
        return f"{now:,} {inside}, after none in {than}{mostly}"
    if not now:
        return f"No {inside}, after {before:,} in {than}"
    return f"{what} {change(now, before)} on {than}{mostly}"


def change(now: int, before: int) -> str:
    """`up 40 %`, `down 12 %`, `4 times as many`."""
    if now >= 3 * before:
        return f"up from {before:,} to {now:,}"
    percent = round(100 * abs(now - before) / before)
    return f"{'up' if now > before else 'down'} {percent or 'under 1'} %"


def of_most(now: int, before: int, found: Sequence[Change], said: dict[str, str]) -> str:
    """Which topic and which source make up most of the change of the whole: `, mostly delivery on x`. `said` is how the
    names of `found` are written."""
    whole = now - before
    words = {"topic": "", "source": ""}
    for each in found:
        share = (each.now.mentions - each.before.mentions) / whole if whole else 0.0
        if each.by in words and not words[each.by] and share >= _MOST:
            words[each.by] = said.get(each.name, each.name)
    topic, source = words["topic"], words["source"]
    if topic:
        return f", mostly {topic}" + (f" on {source}" if source else "")
    return f", mostly on {source}" if source else ""


def figure_moved(name: str, now: Counts, before: Counts | None, than: str, about: str = "") -> str:
    """The same for any of FIGURES; `about` narrows it: " about delivery"."""
    figure = FIGURES[name]
    what = f"{figure.title}{about}"
    if figure.kind == "count":
        counted = [None if of is None else int(figure.value(of) or 0) for of in (now, before)]
        return moved(what, counted[0] or 0, counted[1], than)
    a, b = figure.value(now), figure.value(before) if before else None
    if a is None:
        return f"Nothing to reckon {what[0].lower()}{what[1:]} from"
    if b is None or before is None:
        return f"{what}: {written(name, a)}; {UNKNOWN}"
    if abs(figure.surprise(now, before)) < CHANCE:
        return f"{what} moved within chance: {written(name, a)}, after {written(name, b)} in {than}"
    return f"{what} {'rose' if a > b else 'fell'} from {written(name, b)} to {written(name, a)} on {than}"


def written(name: str, value: float) -> str:
    """A figure as people read it."""
    kind = FIGURES[name].kind
    if kind == "share":
        return f"{100 * value:.0f} %"
    return signed(100 * value) if kind == "points" else f"{value:.1f}" if kind == "number" else f"{value:,.0f}"


def signed(figure: float) -> str:
    """Rounded, with its sign, and nothing without one."""
    whole = round(figure)
    return f"{whole:+}".replace("-", "−") if whole else "0"


def beyond_chance(found: Sequence[Change]) -> list[Change]:
    """Those of many changes that are more than the greatest of so many would be by chance."""
    return [each for each in found if abs(each.surprise) >= CHANCE_AMONG_MANY]
