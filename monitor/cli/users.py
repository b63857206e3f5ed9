"""users, tokens, audit: who may use the desk and the interface, and who did what."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, opened, print_json
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.access.audit import By
    from monitor.access.roles import Role
    from monitor.access.users import User, Users
    from monitor.app import App

user_commands = typer.Typer(no_args_is_help=True, help="People of the desk: add, list, role, disable, password.")
token_commands = typer.Typer(no_args_is_help=True, help="Tokens of programs: add, list, revoke.")
app.add_typer(user_commands, name="users")
app.add_typer(token_commands, name="tokens")

Name = Annotated[str, typer.Argument(help="As colleagues know the person.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", help="File with the password; none: it is asked for.")
]


@user_commands.command("add")
def add_user(
    name: Name,
    role: Annotated[str, typer.Option(help="viewer, agent or admin")] = "agent",
    email: Annotated[str | None, typer.Option(help="Also signs in by it, and is known by it to a provider.")] = None,
    password_file: PasswordFile = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Signs in through Slack or the provider, with this --email.")
    ] = False,
    config: ConfigFile = None,
) -> None:
    """Make a person, who signs in with a password."""
    chosen = _role(role)
    if no_password and email is None:
        raise ConfigurationError("--email", "is missing", "by it the provider knows the person")
    password = None if no_password else _password(password_file)
    with opened(config, create=True) as app_:
        made = _users(app_).add(name, chosen, os_user(), app_.clock.now(), email=email, password=password)
        if not app_.settings.login.on:
            typer.echo("The desk asks for no login yet: set `local = true` in [login].", err=True)
    typer.echo(f"{made.name}: {made.role.word}")


@user_commands.command("list")
def list_users(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Who there is, and in which role."""
    with opened(config) as app_:
        found = [_plain(user) for user in _users(app_).all()]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("nobody yet: firsthour users add NAME --role admin")
    else:
        _table(found, "name", "role", "email", "signs_in", "last_seen", "disabled")


@user_commands.command("role")
def set_role(
    name: Name, role: Annotated[str, typer.Argument(help="viewer, agent or admin")], config: ConfigFile = None
) -> None:
    """Give a person another role; it counts from their next click."""
    chosen = _role(role)
    with opened(config) as app_:
        changed = _users(app_).set_role(name, chosen, os_user(), app_.clock.now())
    typer.echo(f"{changed.name}: {changed.role.word}")


@user_commands.command("disable")
def disable_user(
    name: Name,
    undo: Annotated[bool, typer.Option("--undo", help="Let the person in again.")] = False,
    config: ConfigFile = None,
) -> None:
    """Shut a person out and end their sessions. Their name stays with what they did."""
    with opened(config) as app_:
        users = _users(app_)
        changed = (users.enable if undo else users.disable)(name, os_user(), app_.clock.now())
    typer.echo(f"{changed.name}: {'may sign in again' if undo else 'is shut out'}")


@user_commands.command("password")
def set_password(name: Name, password_file: PasswordFile = None, config: ConfigFile = None) -> None:
    """Set a person's password; their sessions end."""
    password = _password(password_file)
    with opened(config) as app_:
        changed = _users(app_).set_password(name, password, os_user(), app_.clock.now())
    typer.echo(f"{changed.name}: new password, signed out everywhere")


@token_commands.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scopes: Annotated[str, typer.Option(help="read, personal, export, act; several with commas")] = "read",
    expires: Annotated[str | None, typer.Option(help='After how long, such as "90d"; none: never.')] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for /api/v1. It is shown once and never again."""
    from monitor.access.tokens import Tokens
    from monitor.settings import duration

    try:
        lasts = duration(expires) if expires is not None else None
    except ValueError as error:
        raise ConfigurationError("--expires", str(error)) from None
    chosen = [part.strip() for part in scopes.split(",") if part.strip()]
    with opened(config, create=True) as app_:
        token, secret = Tokens(app_.db).add(name, chosen, os_user(), app_.clock.now(), lasts)
    if as_json:
        row = {"name": token.name, "token": secret, "scopes": token.scopes, "expires_at": token.expires_at}
        print_json(row)
    else:
        typer.echo(secret)
        typer.echo("Keep it now: it is not shown again. Send it as `Authorization: Bearer ...`.", err=True)


@token_commands.command("list")
def list_tokens(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Which tokens there are, with their first letters."""
    from monitor.access.tokens import Tokens

    with opened(config) as app_:
        now = app_.clock.now()
        found: list[dict[str, object]] = [
            {
                "name": token.name,
                "begins": token.prefix,
                "scopes": ", ".join(sorted(token.scopes)),
                "made_by": token.created_by,
                "made": token.created_at,
                "last_used": token.used_at,
                "expires": token.expires_at,
                "state": token.state(now),
            }
            for token in Tokens(app_.db).all()
        ]
    if as_json:
        print_json(found)
    elif not found:
        typer.echo("none: firsthour tokens add NAME --scopes read")
    else:
        _table(found, *found[0])


@token_commands.command("revoke")
def revoke_token(
    name: Annotated[str, typer.Argument(help="Its name, or its first letters.")], config: ConfigFile = None
) -> None:
    """From now on the token opens nothing."""
    from monitor.access.tokens import Tokens

    with opened(config) as app_:
        token = Tokens(app_.db).revoke(name, os_user(), app_.clock.now())
    typer.echo(f"{token.name}: revoked")


@app.command()
def audit(
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many lines.")] = 100,
    actor: Annotated[str | None, typer.Option(help="Only what this person did.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this, such as signed_in or exported.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Who signed in, changed roles and tokens, exported and erased: newest first."""
    from monitor.access.audit import KINDS, entries

    if kind is not None and kind not in KINDS:
        raise ConfigurationError("--kind", f'there is no "{kind}"', "one of " + ", ".join(KINDS))
    with opened(config) as app_, app_.db.read() as session:
        found = entries(session, limit, kind=kind, actor=actor)
    if as_json:
        print_json([{"at": e.at, "actor": e.actor, "kind": e.kind, "address": e.address, **e.detail} for e in found])
        return
    for entry in found:
        more = ", ".join(f"{name}: {value}" for name, value in entry.detail.items())
        where = entry.address or "the command line"
        line = f"{entry.at:%Y-%m-%d %H:%M:%S}  {entry.actor}  {entry.said}  from {where}  {more}"
        typer.echo("".join(c if c.isprintable() else "\ufffd" for c in line.rstrip()))


def os_user() -> By:
    """Whoever runs the command, for the audit log."""
    import getpass

    from monitor.access.audit import By

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        import os

        name = str(os.getuid())
    return By(f"{name} on the server")


def note(app_: App, kind: str, **detail: object) -> None:
    """A line in the audit log about a command."""
    from monitor.access.audit import record

    with app_.db.write() as session:
        record(session, kind, os_user(), app_.clock.now(), **detail)


def _users(app_: App) -> Users:
    from monitor.access.passwords import Passwords
    from monitor.access.users import Users

    return Users(app_.db, Passwords())


def _role(text: str) -> Role:
    from monitor.access.roles import ROLES

    if text not in ROLES:
        raise ConfigurationError("role", f'there is no role "{text}"', "one of " + ", ".join(ROLES))
    return ROLES[text]


def _password(path: Path | None) -> str:
    if path is not None:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    if not sys.stdin.isatty():
        raise ConfigurationError("--password-file", "is missing", "there is no terminal to ask for the password on")
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))


def _plain(user: User) -> dict[str, object]:
    ways = [user.provider, "password" if user.has_password else None]
    return {
        "name": user.name,
        "role": user.role.word,
        "email": user.email,
        "signs_in": ", ".join(way for way in ways if way),
        "last_seen": user.seen_at,
        "disabled": user.disabled_at is not None,
    }


def _table(rows: list[dict[str, object]], *columns: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Text(_cell(row, column)) for column in columns))
    Console(highlight=False).print(table)


def _cell(row: Mapping[str, object], column: str) -> str:
    from datetime import datetime

    value = row[column]
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, bool):
        return "yes" if value else ""
    return "" if value is None else str(value)
