"""Who is asking, and what they may do: the only place of the desk that decides it.

Every address is closed unless it is opened here: reading takes a viewer, changing something an agent; a token of a
program takes the scope `read`, `act`, or `export` for what ends like a file. A page that takes more, or that wants to
know who is there, says so:

    def users(request: Request, who: Annotated[Visitor, Depends(needs(Role.ADMIN))]) -> Response: ...

What a visitor may not see of customers is masked where a page is drawn; the interface asks `monitor/web/masking.py`.
Templates have `visitor` (`visitor.name`, `visitor.acts`, `visitor.manages`, `visitor.personal`) and put
`{{ csrf_field }}` into each form that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from fastapi import Request
from markupsafe import Markup
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool

from monitor.access.audit import By, record
from monitor.access.roles import Role
from monitor.access.sessions import Sessions, WebSession, csrf_of
from monitor.access.tokens import Token, Tokens
from monitor.clock import Clock
from monitor.database import Database
from monitor.settings import Settings
from monitor.web import words
from monitor.web.guard import HOOKS, PUBLIC

ME = "firsthour_me"
NAME_LENGTH = 60
READS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN = (PUBLIC, HOOKS, "/login", "/signed-out", "/healthz", "/readyz")  # to everybody
OWN = ("/account", "/logout")  # where whoever is signed in changes what is theirs
BY_ITSELF = ("/parts/", "/events")  # what an open page asks for without anybody doing anything
EXPORTS = (".csv", ".jsonl", ".parquet")  # whole tables; the audit log says who took them
FOR_PROGRAMS = ("/api/", "/metrics", "/readyz")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `name` is how colleagues know them, None where nobody has said; `role` is None for a stranger. `login`
    is false where the desk asks nobody who they are. `session` may have grown old: then the role is None."""

    name: str | None
    role: Role | None
    login: bool = False
    csrf: str | None = None
    session: WebSession | None = None
    token: Token | None = None

    @property
    def acts(self) -> bool:
        return self.may(Role.AGENT)

    @property
    def manages(self) -> bool:
        return self.may(Role.ADMIN)

    @property
    def personal(self) -> bool:
        """Whether they may see whom a case is about; else it is masked."""
        return "personal" in self.token.scopes if self.token is not None else self.may(Role.AGENT)

    def may(self, role: Role) -> bool:
        return self.role is not None and self.role >= role

    @property
    def csrf_field(self) -> Markup:
        if self.csrf is None:
            return Markup()
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)


class Closed(Exception):
    """The request is not let in."""


class SignInFirst(Closed):
    """Nobody is signed in, or the session grew old."""


class UnknownToken(Closed):
    """The token is not one of ours, or not valid any more."""


class ForeignForm(Closed):
    """The form was not made for this person."""


class NoAccess(Closed):
    """The visitor is known, and their role does not suffice."""

    def __init__(self, needed: Role) -> None:
        super().__init__(f"this needs the role {needed.word}")
        self.needed = needed


class LacksScope(Closed):
    """The token is valid, and was not made for this."""

    def __init__(self, scope: str, token: Token) -> None:
        has = ", ".join(sorted(token.scopes))
        super().__init__(f"this needs the scope {scope}, and the token {token.name} has {has}")
        self.scope = scope


class Gate:
    """Lets requests in, as a dependency of the whole application."""

    def __init__(self, db: Database, settings: Settings, sessions: Sessions, tokens: Tokens, clock: Clock) -> None:
        self._login, self._own = settings.login.on, urlsplit(settings.web.url or "")
        self._db, self._sessions, self._tokens, self._clock = db, sessions, tokens, clock

    async def __call__(self, request: Request) -> None:
        path, reads = request.url.path, request.method in READS
        who = await run_in_threadpool(self.identify, request)
        request.state.visitor = who
        if path.startswith(OPEN):
            return
        if who.token is not None:
            scope = "act" if not reads else "export" if path.endswith(EXPORTS) else "read"
            if scope not in who.token.scopes:
                raise LacksScope(scope, who.token)
        if who.role is None:
            raise SignInFirst
        needed = Role.VIEWER if reads or path.startswith(OWN) else Role.AGENT
        if not who.may(needed):
            raise NoAccess(needed)
        if path.endswith(EXPORTS):
            await run_in_threadpool(self._exported, request)
        if not reads and not await run_in_threadpool(self.form_fits, who, await form_token(request)):
            raise ForeignForm

    def identify(self, request: Request) -> Visitor:
        """Who asks. Raises UnknownToken for a token that is none."""
        now = self._clock.now()
        kind, _, secret = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and request.url.path.startswith(FOR_PROGRAMS):
            token = self._tokens.find(secret.strip(), now)
            if token is None:
                raise UnknownToken
            role = Role.AGENT if "act" in token.scopes else Role.VIEWER
            return Visitor(token.name, role, login=self._login, token=token)
        if not self._login:
            return Visitor(clean_name(unquote(request.cookies.get(ME, ""))), Role.ADMIN)
        shown = request.cookies.get(self.cookie(request))
        found = self._sessions.find(shown, now) if shown else None
        if shown is None or found is None:
            return Visitor(None, None, login=True)
        if not found.live:
            return Visitor(None, None, login=True, csrf=csrf_of(shown), session=found)
        if not request.url.path.startswith(BY_ITSELF):
            with suppress(OperationalError):  # a busy database is no reason to show nothing
                self._sessions.used(found, now)
        return Visitor(found.user.name, found.user.role, login=True, csrf=csrf_of(shown), session=found)

    def _exported(self, request: Request) -> None:
        asked = {"path": request.url.path, "query": request.url.query or None}
        with self._db.write() as session:
            record(session, "exported", by(request), self._clock.now(), **asked)

    def form_fits(self, who: Visitor, given: str) -> bool:
        return who.session is None or self._sessions.knows_form(who.session, given)

    def encrypted(self, request: Request) -> bool:
        """Whether the browser speaks https, to us or to the proxy in front."""
        own = self._own.scheme == "https" and request.url.hostname == self._own.hostname
        return own or request.url.scheme == "https"

    def cookie(self, request: Request) -> str:
        """The name of the session's cookie; with https one that no other host can have set."""
        return "__Host-firsthour" if self.encrypted(request) else "firsthour_session"


async def form_token(request: Request) -> str:
    """What the form carries, or htmx in its place."""
    given = request.headers.get("x-csrf") or (await request.form()).get("csrf")
    return given if isinstance(given, str) else ""


def visitor(request: Request) -> Visitor:
    """Who asks, also where nobody was let in (the pages that say so)."""
    found = getattr(request.state, "visitor", None)
    return found if isinstance(found, Visitor) else Visitor(None, None, login=True)


def needs(role: Role) -> Callable[[Request], Visitor]:
    """A dependency that gives who asks, if they have this role at least."""

    def dependency(request: Request) -> Visitor:
        who = visitor(request)
        if not who.may(role):
            raise NoAccess(role)
        return who

    return dependency


def by(request: Request) -> By:
    """Who does something, for the audit log."""
    who = visitor(request)
    name = f"token {who.token.name}" if who.token is not None else who.name
    return By(name or "somebody at the desk", address_of(request))


def address_of(request: Request) -> str | None:
    return request.client.host[:45] if request.client is not None else None


def me(request: Request) -> str | None:
    """The visitor's name, fit to be shown and stored."""
    return visitor(request).name


def clean_name(name: str) -> str | None:
    return " ".join(words.harmless(name).split())[:NAME_LENGTH] or None


def local_path(back: str) -> str:
    """An address of ours to go back to; `/` for everything else."""
    plain = back.isprintable() and back.startswith("/") and not back.startswith(("//", "/\\"))
    return back if plain and not back.startswith((*OPEN, *BY_ITSELF, "/api/")) else "/"
