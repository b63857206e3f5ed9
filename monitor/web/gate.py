"""Who is asking, and what they may do: the only place of the desk that decides it.

Every address is closed unless it is opened here: reading takes a viewer, changing something an agent. A page that takes
more, or that wants to know who is there, says so in its signature:

    def users(request: Request, who: Annotated[Visitor, Depends(needs(Role.ADMIN))]) -> Response: ...

Templates have `visitor` (`visitor.name`, `visitor.acts`, `visitor.manages`, `visitor.personal`) and put
`{{ csrf_field }}` into each form that changes something.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from fastapi import Request
from markupsafe import Markup

from monitor.access.roles import Role
from monitor.web import words

ME = "firsthour_me"
NAME_LENGTH = 60
READS = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. `name` is how colleagues know them, None where nobody has said; `role` is None for a stranger.
    `csrf` is what their forms have to carry, None where the desk knows no logins."""

    name: str | None
    role: Role | None
    csrf: str | None = None

    @property
    def acts(self) -> bool:
        return self.may(Role.AGENT)

    @property
    def manages(self) -> bool:
        return self.may(Role.ADMIN)

    @property
    def personal(self) -> bool:
        """Whether they may see whom a case is about; else it is masked."""
        return self.may(Role.AGENT)

    def may(self, role: Role) -> bool:
        return self.role is not None and self.role >= role

    @property
    def csrf_field(self) -> Markup:
        if self.csrf is None:
            return Markup()
        return Markup('<input type="hidden" name="csrf" value="{}">').format(self.csrf)


class NoAccess(Exception):
    """The visitor is known, and their role does not suffice."""

    def __init__(self, needed: Role) -> None:
        super().__init__(f"this needs the role {needed.word}")
        self.needed = needed


class Gate:
    """Lets requests in, as a dependency of the whole application."""

    async def __call__(self, request: Request) -> None:
        who = Visitor(clean_name(unquote(request.cookies.get(ME, ""))), Role.ADMIN)
        request.state.visitor = who
        needed = Role.VIEWER if request.method in READS else Role.AGENT
        if not who.may(needed):
            raise NoAccess(needed)


def visitor(request: Request) -> Visitor:
    """Who asks, also where nobody was let in (the pages that say so)."""
    found = getattr(request.state, "visitor", None)
    return found if isinstance(found, Visitor) else Visitor(None, None)


def needs(role: Role) -> Callable[[Request], Visitor]:
    """A dependency that gives who asks, if they have this role at least."""

    def dependency(request: Request) -> Visitor:
        who = visitor(request)
        if not who.may(role):
            raise NoAccess(role)
        return who

    return dependency


def me(request: Request) -> str | None:
    """The visitor's name, fit to be shown and stored."""
    return visitor(request).name


def clean_name(name: str) -> str | None:
    return " ".join(words.harmless(name).split())[:NAME_LENGTH] or None
