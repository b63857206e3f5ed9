"""cases and clock: what the team does, from a terminal."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, moment, opened, print_json
from monitor.errors import ConfigurationError, Refused

if TYPE_CHECKING:
    from monitor.cases import Case, Change

commands = typer.Typer(no_args_is_help=True, help="Cases: list, show, take, reply, resolve, dismiss.")
app.add_typer(commands, name="cases")

CaseId = Annotated[int, typer.Argument(min=1, help="Number of the case.")]
Actor = Annotated[str | None, typer.Option("--as", help="Who does it; default: your user name.")]
SEVERITY_STYLE = {"critical": "bold red", "high": "red", "medium": "yellow", "low": "dim"}


@commands.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    after: Annotated[int, typer.Option(min=0, help="Continue after this case.")] = 0,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Open cases, the most urgent first."""
    with opened(config) as app_:
        now = app_.clock.now()
        with app_.db.read() as session:
            found = app_.cases.open_cases(session, limit, after or None)
    if as_json:
        print_json([asdict(case) for case in found])
        return
    if not found:
        typer.echo("No open cases.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(
        "case", "left", "severity", "state", "owner", "brand", "source", "author", "text", box=None, pad_edge=False
    )
    for case in found:
        table.add_row(
            str(case.id),
            Text(left(case, now), "bold red" if case.due_at and case.due_at < now else ""),
            Text(case.severity, SEVERITY_STYLE.get(case.severity, "")),
            case.state,
            Text(case.owner or ""),
            Text(case.brand),
            Text(case.source),
            Text(plain(case.author or case.author_name or "")),
            Text(plain(case.text), no_wrap=True, overflow="ellipsis"),
        )
    Console(highlight=False).print(table)


@commands.command()
def show(case_id: CaseId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """One case and its history."""
    with opened(config) as app_, app_.db.read() as session:
        now = app_.clock.now()
        case = app_.cases.get(session, case_id)
        history = app_.cases.history(session, case_id)
    if as_json:
        print_json(asdict(case) | {"history": [asdict(event) for event in history]})
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("case", f"{case.id}  {case.state}" + (f", {case.owner}" if case.owner else "")),
        ("clock", left(case, now) or "no clock runs"),
        ("severity", f"{case.severity}, {case.topic.replace('_', ' ')}"),
        ("brand", f"{case.brand} on {case.source}"),
        ("author", case.author or case.author_name or "unknown"),
        ("posted", f"{case.posted_at:%Y-%m-%d %H:%M} UTC"),
        ("link", case.url or ""),
        ("text", case.text),
    ):
        facts.add_row(Text(name, "dim"), Text(plain(value)))
    console = Console(highlight=False)
    console.print(facts)
    console.print()
    table = Table("when (UTC)", "what", "who", "from", "detail", box=None, pad_edge=False)
    for event in history:
        detail = ", ".join(f"{k}: {v}" for k, v in event.detail.items() if v not in (None, ""))
        who = Text(plain(event.actor))
        table.add_row(
            f"{event.at:%m-%d %H:%M:%S}", event.kind.replace("_", " "), who, event.origin, Text(plain(detail))
        )
    console.print(table)


@commands.command()
def similar(case_id: CaseId, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Answered cases that are like this one, with what was answered."""
    from monitor.similar import SolvedCases

    with opened(config) as app_, app_.db.read() as session:
        app_.cases.get(session, case_id)
        found = SolvedCases(app_.settings.classifier).like(session, case_id, app_.clock.now())
    if as_json:
        print_json([asdict(each) for each in found])
        return
    if not found:
        typer.echo("No answered case is like it.")
    for each in found:
        rated = f", rated {each.satisfaction} of 5" if each.satisfaction else ""
        typer.echo(f"case {each.id}, {each.posted_at:%Y-%m-%d}, {each.language}, likeness {each.likeness:.2f}{rated}")
        typer.echo(f"  they: {plain(each.text)}\n  we:   {plain(each.answered)}")


@commands.command()
def take(case_id: CaseId, by: Actor = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Own a case. The customer's clock goes on until somebody replies."""
    _act(config, as_json, case_id, "take", by)


@commands.command()
def reply(
    case_id: CaseId,
    text: Annotated[str | None, typer.Option("--text", help="The words for the customer.")] = None,
    at: Annotated[str | None, typer.Option("--at", help="When a reply was posted elsewhere; default: now.")] = None,
    elsewhere: Annotated[bool, typer.Option("--elsewhere", help="Only record it: it was posted already.")] = False,
    by: Actor = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Reply in public on the source, with --text, where the source takes replies. Else, and with --elsewhere or --at,
    record that a person has replied there. Stops the clock."""
    why = None
    if text and not elsewhere and at is None:
        from monitor.cli.replying import send

        with opened(config) as app_:
            why = send(app_, case_id, text, by or getpass.getuser(), as_json)
        if why is None:
            return
    _act(config, as_json, case_id, "reply", by, moment(at, "--at") if at else None, **({"text": text} if text else {}))
    if why is not None:
        typer.echo(f"{why} Recorded as a reply that was given there.", err=True)


@commands.command()
def resolve(case_id: CaseId, by: Actor = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Close a case."""
    _act(config, as_json, case_id, "resolve", by)


@commands.command()
def dismiss(case_id: CaseId, by: Actor = None, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Say that this is not a complaint. The classifier learns from it (`firsthour learn`)."""
    _act(config, as_json, case_id, "dismiss", by)


def _act(
    config: Any, as_json: bool, case_id: int, event: str, by: str | None, at: datetime | None = None, **detail: Any
) -> None:
    with opened(config) as app_:
        now = app_.clock.now()
        if at is not None and at > now:
            raise Refused(f"--at: {at.isoformat()} is in the future")
        change: Change = app_.cases.act(case_id, event, by or getpass.getuser(), "cli", at or now, **detail)
    if as_json:
        print_json(asdict(change))
    else:
        owner = f", owned by {change.case.owner}" if change.case.owner else ""
        typer.echo(f"Case {case_id} is {change.case.state} now{owner}.")


def left(case: Case, now: datetime) -> str:
    """The time left on a case's clock, as people say it."""
    if case.clock == "paused":
        return "paused"
    if case.due_at is None or case.clock != "running":
        return ""
    seconds = (case.due_at - now).total_seconds()
    words = _span(timedelta(seconds=abs(seconds)))
    return f"{words} left" if seconds >= 0 else f"{words} late"


def _span(span: timedelta) -> str:
    minutes = int(span.total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes < 48 * 60 else f"{minutes // 1440} days"


def plain(text: str) -> str:
    """Text from outside on one line, with nothing in it that a terminal would obey."""
    return " ".join("".join(c if c.isprintable() or c.isspace() else "\ufffd" for c in text).split())[:1000]


@app.command()
def clock(
    posted: Annotated[str, typer.Option(help="When the customer wrote, such as 2026-11-20T16:45+02:00.")],
    seen: Annotated[str | None, typer.Option(help="When we first saw it; default: at once.")] = None,
    event: Annotated[
        list[str] | None,
        typer.Option(
            "--event",
            help='"TIME KIND", KIND one of take, hand_over, note, auto_ack, reply, '
            "customer_again, snooze, unsnooze, resolve; may be repeated.",
        ),
    ] = None,
    source: Annotated[str | None, typer.Option(help="As a policy's condition.")] = None,
    brand: Annotated[str | None, typer.Option(help="As a policy's condition.")] = None,
    severity: Annotated[str | None, typer.Option(help="low, medium, high or critical.")] = None,
    language: Annotated[str | None, typer.Option(help="As a policy's condition.")] = None,
    rating: Annotated[float | None, typer.Option(help="As a policy's condition.")] = None,
    followers: Annotated[int | None, typer.Option(help="As a policy's condition.")] = None,
    now: Annotated[str | None, typer.Option(help="Tell it as at this time; default: the present.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Explain a clock: which policy, when it is due, when each step comes, and how it ended."""
    from monitor.classify.verdict import SEVERITIES
    from monitor.clock import SystemClock
    from monitor.explain import explain, parse_event
    from monitor.sla import Subject

    settings = load_settings(config)
    if severity is not None and severity not in SEVERITIES:
        raise ConfigurationError("--severity", f'"{severity}" is none', "one of " + ", ".join(SEVERITIES))
    try:
        events = [parse_event(text) for text in event or ()]
    except ValueError as error:
        raise ConfigurationError("--event", str(error)) from None
    try:
        told = explain(
            settings.clock,
            Subject(source, brand, severity, language, rating, followers),
            moment(posted, "--posted"),
            moment(seen, "--seen") if seen else None,
            events,
            moment(now, "--now") if now else None,
            today=SystemClock().now(),
        )
    except OverflowError:
        raise ConfigurationError("--posted", "too near the end of the calendar for a clock") from None
    if as_json:
        print_json(told)
    else:
        _print_clock(told)


def _print_clock(told: dict[str, Any], title: str = "first response") -> None:
    from rich.console import Console
    from rich.table import Table

    ended = {True: "met", False: "breached", None: "open"}[told["met"]]
    table = Table.grid(padding=(0, 2))
    for name, value in (
        (title, ended),
        ("policy", told["policy"] + (f" ({told['why']})" if told["why"] else "")),
        ("starts", told["starts_at"] or "never"),
        ("due", told["due_at"] or "-"),
        *((f"{step['kind']} at {step['after']}", step["at"] or "-") for step in told["steps"]),
        ("answered", told["first_response_at"] or "not yet"),
        (
            "used",
            f"{_seconds(told['calendar_seconds'])} by the calendar, {_seconds(told['business_seconds'])} of business",
        ),
    ):
        table.add_row(name, str(value))
    Console(highlight=False, soft_wrap=True).print(table)
    if told["next"]:
        typer.echo()
        _print_clock(told["next"], "next response")


def _seconds(value: float | None) -> str:
    return "-" if value is None else _exact(timedelta(seconds=value))


def _exact(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
