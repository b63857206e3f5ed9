"""What a digest says, in words: sections of lines, for whoever is to read them. How they look is another matter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.alerts.blocks import permalink, span
from monitor.case_views import Case
from monitor.digest.ahead import STRETCH
from monitor.digest.figures import Digest, Request
from monitor.outcomes import REASONS
from monitor.spikes.event import Spike
from monitor.trend_counts import surprise
from monitor.trends import Change

MOVED = 3.0  # standard deviations by chance: what differs by less has not moved
MANY = 3  # times as many: told so, and not in per cent
NAMES = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a line: words of anybody, plain. With `url` they lead somewhere."""

    text: str
    strong: bool = False
    url: str | None = None


Line = tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Letter:
    """`subject` says whose and what was found; `opening` is the finding in one line; a quiet one has no sections."""

    subject: str
    heading: str
    opening: Line
    sections: tuple[Section, ...]
    closing: Line


def letter(digest: Digest, trends: str | None = None) -> Letter:
    """`trends` is the address of the trends, where the reader can reach them."""
    request, finding = digest.request, found(digest)
    quiet = is_quiet(digest)
    opening = _quietly(digest) if quiet else (Piece(f"{finding}.", strong=True), Piece(f" {_volume(digest)}"))
    order = {
        "team": (response, waiting, best, topics, events, coming),
        "marketing": (mood, topics, voices, events, coming),
        "lead": (response, late, why_late, people, mood, events, coming),
    }[request.audience]
    sections = () if quiet else tuple(Section(*made) for part in order if (made := part(digest)) and made[1])
    closing: Line = (Piece(f"{_dates(request)} ({request.zone.key}), compared with {_compared(request)}."),)
    if trends:
        closing = (*closing, Piece(" "), Piece("See the trends", url=trends))
    return Letter(
        f"{_whose(request)}: {_lower(finding)}", f"{_whose(request)} · {_dates(request)}", opening, sections, closing
    )


def found(digest: Digest) -> str:
    """The digest in one clause: how complaints moved, and by what most."""
    now, before = digest.now.complaints, digest.before.complaints
    if is_quiet(digest):
        return "A quiet week" if digest.request.weekly else "A quiet day"
    if digest.overdue and digest.request.audience != "marketing":
        return f"{_cases(digest.overdue)} overdue"
    if abs(surprise(now, before)) < MOVED:
        if digest.spikes:
            first = max(digest.spikes, key=lambda spike: abs(spike.count - spike.usual))
            more = f", and {_count(len(digest.spikes) - 1, 'more event')}" if len(digest.spikes) > 1 else ""
            told = f"{_count(first.count, 'mention')} where {first.usual:,.0f} are usual"
            return f"{first.kind.capitalize()} of {_about(first, whose=False)}: {told}{more}"
        if digest.response.breached:
            return f"{_cases(digest.response.breached)} not answered in time"
        return f"Complaints as usual: {now:,}"
    most = max(digest.topics, key=lambda topic: abs(topic[1] - topic[2]), default=None)
    about = f", most of it {_spaced(most[0])}" if most and (most[1] - most[2]) * (now - before) > 0 else ""
    if before and now >= MANY * before:
        return f"{now / before:.0f} times as many complaints{about}"
    how = "new" if not before else f"up {now / before - 1:.0%}" if now > before else f"down {1 - now / before:.0%}"
    return f"Complaints {how}{about}"


def is_quiet(digest: Digest) -> bool:
    """Nothing moved beyond chance, no event, nothing late."""
    moved = [(digest.now.complaints, digest.before.complaints), (digest.now.mentions, digest.before.mentions)]
    moved.append((digest.now.negative, digest.before.negative))
    still = all(abs(surprise(*each)) < MOVED for each in moved)
    return still and not (digest.spikes or digest.overdue or digest.response.breached)


def _quietly(digest: Digest) -> Line:
    of = digest.response
    answered = f"all {of.answered} cases answered in time" if of.cases and of.answered == of.cases else ""
    if of.cases and not answered:
        answered = f"{of.answered} of {of.cases} cases answered, none late"
    told = [_volume(digest).rstrip("."), answered, "nothing unusual"]
    return (Piece("Quiet: ", strong=True), Piece("; ".join(filter(None, told)) + "."))


def mood(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    now, before = digest.now.net_sentiment, digest.before.net_sentiment
    if now is None:
        return "Sentiment", ()
    was = f" ({_points(before)} {_then(digest.request)})" if before is not None else ""
    parts = f"{digest.now.negative:,} negative, {digest.now.neutral:,} neutral, {digest.now.positive:,} positive"
    lines: list[Line] = [(Piece("Net sentiment "), Piece(_points(now), strong=True), Piece(f"{was}: {parts}."))]
    moved = [change for change in digest.why if abs(change.surprise) >= MOVED][:NAMES]
    if moved:
        told = "; ".join(_moved(change) for change in moved)
        lines.append((Piece(f"Why: negative mentions {told}."),))
    else:
        lines.append((Piece("No topic, source or language moved beyond chance."),))
    return "Sentiment", tuple(lines)


def _moved(change: Change) -> str:
    where = {"topic": "about", "source": "on", "language": "in"}[change.by]
    return f"{where} {_spaced(change.name)} {change.now.mentions:,} ({change.before.mentions:,})"


def topics(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines = []
    for name, now, before in digest.topics:
        moved = abs(surprise(now, before)) >= MOVED
        lines.append((Piece(_spaced(name).capitalize()), Piece(f" {now:,}", strong=moved), Piece(f" ({before:,})")))
    return "What complaints are about", tuple(lines)


def voices(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines = []
    for share in digest.voices if digest.request.weekly else ():
        rate, net = share.counts.complaint_rate, share.counts.net_sentiment
        told = f" {share.voice or 0:.0%} of what is said" + (
            f", {rate:.0%} of it complaints" if rate is not None else ""
        )
        told += f", net sentiment {_points(net)}" if net is not None else ""
        lines.append((Piece(share.name, strong=share.name in digest.request.brands), Piece(told)))
    return "Against competitors", tuple(lines)


def response(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    now, before = digest.response, digest.response_before
    if not now.cases:
        return "Response", ()
    first: list[Piece] = [Piece(f"{now.answered} of {_cases(now.cases)} answered")]
    if now.median_seconds is not None:
        was = f" ({span(before.median_seconds)} {_then(digest.request)})" if before.median_seconds is not None else ""
        first += [Piece(", half of them within "), Piece(span(now.median_seconds), strong=True), Piece(was)]
    first.append(Piece("."))
    second = f"Within 20 minutes {_share(now.within_20)}, within the hour {_share(now.within_60)}"
    if before.cases:
        second += f" ({_share(before.within_20)} and {_share(before.within_60)})"
    lines: list[Line] = [tuple(first), (Piece(f"{second}."),)]
    if now.breached:
        lines.append((Piece(f"{now.breached} not answered by the time due", strong=True), Piece(".")))
    if now.rated and now.satisfaction is not None:
        lines.append((Piece(f"Customers say {now.satisfaction:.1f} of 5 ({_count(now.rated, 'answer')})."),))
    return "Response", tuple(lines)


def waiting(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    if not digest.waiting:
        return "Now", ((Piece("Nobody waits for an answer."),),)
    late = f", {digest.overdue} of them overdue" if digest.overdue else ""
    line: list[Piece] = [Piece(f"{_cases(digest.waiting)} wait for an answer{late}.", strong=bool(digest.overdue))]
    return "Now", (tuple(line), *(_case(case, digest.request.zone) for case in digest.late[:NAMES]))


def late(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines = [_case(case, digest.request.zone) for case in digest.late]
    if digest.overdue > len(lines):
        lines.append((Piece(f"and {digest.overdue - len(lines)} more"),))
    return f"Overdue now: {digest.overdue}", tuple(lines)


def _case(case: Case, zone: ZoneInfo) -> Line:
    due = f", due {_time(case.due_at.astimezone(zone))}" if case.due_at else ""
    who = f", {case.owner} has it" if case.owner else ", nobody has it"
    what = f"{case.severity.capitalize()} · {_spaced(case.topic)} on {case.source}"
    return (Piece(what, url=permalink(case.slack_channel, case.slack_ts, case.slack_thread)), Piece(f"{due}{who}"))


def why_late(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    return "Why cases were late", tuple((Piece(f"{REASONS[reason][0]}: {count}"),) for reason, count in digest.reasons)


def people(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines: list[Line] = []
    for name, of in digest.people:
        middle = f", half of them within {span(of.median_seconds)}" if of.median_seconds is not None else ""
        lines.append((Piece(name), Piece(f": {of.answered} of {of.cases} answered{middle}")))
    return "Who answered", tuple(lines)


def best(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines: list[Line] = []
    for answer in digest.answers:
        case = answer.case
        place = permalink(case.slack_channel, case.slack_ts, case.slack_thread)
        told = f" answered after {span(answer.seconds)}, and the customer says {answer.satisfaction} of 5: "
        lines.append(
            (
                Piece(answer.person, strong=True),
                Piece(told),
                Piece(f"{_spaced(case.topic)} on {case.source}", url=place),
            )
        )
    return "Best answers", tuple(lines)


def events(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines: list[Line] = []
    for spike in digest.spikes:
        began = spike.began_at.astimezone(digest.request.zone)
        words = f" New words: {', '.join(spike.terms[:NAMES])}." if spike.terms else ""
        told = f"{spike.count:,} mentions from {_time(began)}, usual: {spike.usual:,.0f}.{words}"
        place = permalink(spike.slack_channel, spike.slack_ts)
        lines.append((Piece(f"{spike.kind.capitalize()} · {_about(spike)}", url=place), Piece(f": {told}")))
    return "Unusual hours", tuple(lines)


def coming(digest: Digest) -> tuple[str, tuple[Line, ...]]:
    lines: list[Line] = []
    for each in digest.ahead:
        start = each.start.astimezone(digest.request.zone)
        end = start + timedelta(hours=STRETCH)
        told = f": about {each.mean:,.0f} complaints, seldom more than {each.most:,}"
        lines.append((Piece(f"{_time(start)}–{end:%H:%M}", strong=True), Piece(told)))
    return "Busiest hours ahead", tuple(lines)


def _volume(digest: Digest) -> str:
    now, before = digest.now, digest.before
    return (
        f"{_count(now.mentions, 'mention')} ({before.mentions:,} {_then(digest.request)}), "
        f"{_count(now.complaints, 'complaint')} ({before.complaints:,})."
    )


def _whose(request: Request) -> str:
    names = ", ".join(request.brands[:NAMES])
    return f"{names} and {len(request.brands) - NAMES} more" if len(request.brands) > NAMES else names


def _dates(request: Request) -> str:
    """The days in words, as those have them who read it."""
    first, last = request.since.astimezone(request.zone), request.until.astimezone(request.zone)
    if request.days <= 1.05:
        return _day(last)
    return f"{_day(first)} to {_day(last)}"


def _day(moment: datetime) -> str:
    return f"{moment:%a} {moment.day} {moment:%b}"


def _time(moment: datetime) -> str:
    return f"{_day(moment)}, {moment:%H:%M}"


def _then(request: Request) -> str:
    return "the week before" if request.weekly else "a week ago"


def _compared(request: Request) -> str:
    return (
        "the week before" if 6 < request.days < 8 else "the same time a week earlier" if request.days < 8 else "before"
    )


def _about(spike: Spike, whose: bool = True) -> str:
    kinds = [_spaced(kind) for kind in (spike.sentiment, spike.topic) if kind]
    if not whose and kinds:
        return " ".join(kinds)
    return ", ".join([spike.brand or spike.source or "all sources", *kinds])


def _points(net: float | None) -> str:
    """-1 to 1 as -100 to +100, with a minus that is one."""
    return "–" if net is None else f"{100 * net:+.0f}".replace("-", "−").replace("+0", "0").replace("−0", "0")


def _share(part: float | None) -> str:
    return "–" if part is None else f"{part:.0%}"


def _cases(count: int) -> str:
    return _count(count, "case")


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _spaced(key: str) -> str:
    return key.replace("_", " ")


def _lower(finding: str) -> str:
    return finding[:1].lower() + finding[1:]
