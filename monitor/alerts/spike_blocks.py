"""What a spike looks like in Slack: pure functions, as in blocks.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.alerts.blocks import Block, moment, span
from monitor.alerts.incident_blocks import MOST_BARS, NAMED, bars, section
from monitor.alerts.text import cut, line, link, quote
from monitor.languages import language_name
from monitor.spikes.event import Spike
from monitor.spikes.makeup import Makeup, Part

QUOTED = 260
FEW = 1.0  # usual mentions below which no number is named
_YEAR, _MONTH, _DAY = 8766, 730.5, 24  # hours


def root(
    spike: Spike, made: Makeup, now: datetime, places: Mapping[str, str] | None = None
) -> tuple[str, tuple[Block, ...]]:
    """The message that stands for a spike. `places`: addresses of the desk, by what they are called."""
    shown = [section(f"{heading(spike, now)}\n{standing(spike)}")]
    if len(made.hours) > 1:
        shown.append(section(curve(made)))
    if spike.kind == "hush":
        shown.append(section(why_silent(made, now)))
    elif parts := made_of(spike, made):
        shown.append(section(parts))
    if made.quotes:
        said = [
            f"{quote(each.text, QUOTED, lines=3)}\n>_{link(each.url, line(each.source, 40))}_" for each in made.quotes
        ]
        shown.append(section("\n\n".join(said)))
    elements = [f"Compared with {spike.ground}", *(link(place, name) for name, place in (places or {}).items())]
    shown.append({"type": "context", "elements": [{"type": "mrkdwn", "text": " · ".join(elements), "verbatim": True}]})
    return title(spike, now), tuple(shown)


def title(spike: Spike, now: datetime) -> str:
    """What, whose, how many and since when, as one line of mrkdwn without marks."""
    over = " over" if spike.state == "ended" else ""
    what = f"{'Peak' if spike.kind == 'peak' else 'Hush'}{over}"
    until = f" until {moment(spike.until, now)}" if spike.ended_at else ""
    return f"{what} · {_whose(spike)}: {many(spike.count)} since {moment(spike.began_at, now)}{until}"


def heading(spike: Spike, now: datetime) -> str:
    sign = {"peak": ":chart_with_upwards_trend:", "hush": ":mute:"}[spike.kind]
    return (
        f"{':white_check_mark:' if spike.state == 'ended' else sign} *{title(spike, now)}*, usual: {about(spike.usual)}"
    )


def standing(spike: Spike) -> str:
    """How unusual it is."""
    rare = "" if spike.kind == "hush" else f" In one such hour more than {spike.most:,} are rare."
    return f"By luck alone such a surprise comes {seldom(spike.chance)}.{rare}"


def seldom(chance: float) -> str:
    """How often something of this chance in one hour comes."""
    hours = 1 / max(chance, 1e-12)
    if hours > 10 * _YEAR:
        return "less than once in 10 years"
    for unit, name, least in ((_YEAR, "year", 2), (_MONTH, "month", 3), (_DAY, "day", 2)):
        if hours >= least * unit:
            return f"about once in {hours / unit:.0f} {name}s"
    return "about once a day"


def curve(made: Makeup) -> str:
    """The hours as bars, in pairs and more where there are many."""
    step = -(-len(made.hours) // MOST_BARS)
    counts = [sum(made.hours[n : n + step]) for n in range(0, len(made.hours), step)]
    return f"`{bars(counts)}` up to {max(counts):,} in {span(3600 * step)}, over {span(3600 * len(made.hours))}"


def made_of(spike: Spike, made: Makeup) -> str:
    """Where, what about, in which mood and language, in which words."""
    languages = [Part(language_name(part.name) or part.name, part.count, part.usual) for part in made.languages]
    rows = [
        ("Where", listed(made.sources)),
        ("About", listed([Part(part.name.replace("_", " "), part.count, part.usual) for part in made.topics])),
        ("Mood", listed(made.moods)),
        ("Language", listed(languages)),
        ("New words", ", ".join(f"“{line(term, 40)}”" for term in spike.terms)),
    ]
    return "\n".join(f"*{name}* {words}" for name, words in rows if words)


def listed(parts: Sequence[Part]) -> str:
    """The greatest parts, each with what is usual of it."""
    named = [
        f"{line(part.name, 40)} {part.count:,}" + (f" (usual: {about(part.usual)})" if part.usual is not None else "")
        for part in parts[:NAMED]
    ]
    rest = sum(part.count for part in parts[NAMED:])
    return ", ".join([*named, f"others {rest:,}"] if rest else named)


def why_silent(made: Makeup, now: datetime) -> str:
    """Whether the sources are read: a dead source, or a real hush."""
    dead = [source for source in made.read if not source.works]
    if not dead:
        read = [f"{line(s.name, 40)} at {moment(s.read_at, now)}" for s in made.read if s.read_at is not None][:NAMED]
        when = f" ({', '.join(read)})" if read else ""
        return (
            f"Every source of it is read without errors{when}. Either it is quiet for once, or a source gives less "
            "than it has: look at the place itself."
        )
    told = []
    for source in dead[:NAMED]:
        since = f" since {moment(source.failing_since, now)}" if source.failing_since else ""
        state = "is stopped" if source.stopped else f"cannot be read{since}"
        told.append(f"*{line(source.name, 40)}* {state}: {line(source.error, 200) or 'no reason given'}")
    return "\n".join([*told, "So this is most likely a dead source, not a quiet day."])


def over(spike: Spike, lasts: bool) -> str:
    """What is said when it has ended; `lasts`: it went on for so long that it is no event any more."""
    lasted = span((spike.until - spike.began_at).total_seconds())
    back = "Mentions come again" if spike.kind == "hush" else "Back to the usual"
    if lasts:
        back = "It goes on, and counts as usual from now on"
    return f":white_check_mark: {back}: {many(spike.count)} in {lasted}, usual: {about(spike.usual)}."


def many(count: int) -> str:
    return "1 mention" if count == 1 else f"{count:,} mentions"


def about(usual: float) -> str:
    return "under 1" if usual < FEW else f"{usual:,.0f}"


def _whose(spike: Spike) -> str:
    whose = line(spike.brand or spike.source, 60) or "all sources"
    kinds = [cut(kind.replace("_", " "), 40) for kind in (spike.sentiment, spike.topic) if kind]
    return f"{whose} · {', '.join(kinds)}" if kinds else whose
