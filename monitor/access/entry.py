"""Who may enter by an identity provider, as whom, and in which role."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from monitor.access.audit import By
from monitor.access.identity import Identity
from monitor.access.roles import ROLES
from monitor.access.rows import UserRow
from monitor.access.users import NAME_LENGTH, User, add_in, change_role, taken, user_of
from monitor.database import Database
from monitor.errors import Refused
from monitor.login_settings import LoginSettings

SETTINGS = "the settings"
ASK = "Ask an admin of the desk."


def admit(db: Database, settings: LoginSettings, identity: Identity, address: str | None, now: datetime) -> User:
    """The person of `identity`, made at their first sign-in. Raises Refused, in words for the person."""
    _check(settings, identity)
    role = settings.roles.get(identity.email) if identity.email is not None else None
    with db.write() as session:
        row = _known(session, identity)
        if row is None and db.dialect == "postgresql":
            # two browsers of the same person at once: one makes them, the other finds them
            session.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
            row = _known(session, identity)
        if row is None:
            given = role or settings.default_role
            if given == "none":
                raise Refused(f"{identity.email or identity.name} is not among those who may enter. {ASK}")
            name = _free(session, identity)
            row = add_in(
                session, name, ROLES[given], By(name, address), now, email=identity.email, subject=identity.subject
            )
        elif row.disabled_at is not None:
            raise Refused(f"{row.name} is shut out. {ASK}")
        elif role is not None:
            change_role(session, row, ROLES[role], By(SETTINGS), now)
        return user_of(row)


def _check(settings: LoginSettings, identity: Identity) -> None:
    """Raises Refused for those of other workspaces and domains."""
    if identity.subject.startswith("slack ") and identity.workspace not in settings.slack_workspaces:
        raise Refused("That Slack workspace is not one that may enter: choose the other one when Slack asks.")
    if identity.email is not None and identity.email in settings.roles:
        return
    slack = identity.subject.startswith("slack ")
    if "*" in settings.domains or (slack and not settings.domains):
        return
    if identity.email is None:
        raise Refused(f"The provider names no e-mail address of yours that it has verified. {ASK}")
    if identity.email.rpartition("@")[2] not in settings.domains:
        raise Refused(f"{identity.email} is not among those who may enter. {ASK}")


def _known(session: Session, identity: Identity) -> UserRow | None:
    """Whoever signed in as this before, or was made with this address."""
    row = session.scalar(select(UserRow).where(UserRow.subject == identity.subject).with_for_update())
    if row is not None or identity.email is None:
        return row
    row = session.scalar(select(UserRow).where(UserRow.email == identity.email).with_for_update())
    if row is None:
        return None
    if row.subject is None:
        row.subject = identity.subject
    elif row.subject.partition(" ")[0] == identity.subject.partition(" ")[0]:
        # the provider gave the address to somebody else since
        raise Refused(f"{identity.email} belongs to another account here. {ASK}")
    return row


def _free(session: Session, identity: Identity) -> str:
    """A name that nobody has yet."""
    given = (identity.name or identity.email or "").partition("@")[0]
    plain = "".join(c if c.isprintable() else " " for c in given)
    name = " ".join(plain.split())[:NAME_LENGTH] or "Somebody"
    number, free = 1, name
    while taken(session, free):
        number += 1
        free = f"{name[: NAME_LENGTH - 5]} {number}"
    return free
