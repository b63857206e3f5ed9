"""People: who there is, in which role, and how they are made, changed and shut out."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from monitor.access.audit import By, record
from monitor.access.passwords import Passwords
from monitor.access.roles import ROLES, Role
from monitor.access.rows import SessionRow, UserRow
from monitor.database import Database
from monitor.errors import Refused
from monitor.storable import storable

NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class User:
    """`provider` is who vouches for them, None where a password does."""

    id: int
    name: str
    email: str | None
    role: Role
    provider: str | None
    has_password: bool
    created_at: datetime
    seen_at: datetime | None
    disabled_at: datetime | None


class Users:
    def __init__(self, db: Database, passwords: Passwords) -> None:
        self._db, self._passwords = db, passwords

    def add(
        self, name: str, role: Role, by: By, now: datetime, email: str | None = None, password: str | None = None
    ) -> User:
        """A new person. Raises Refused where the name or the address is taken or cannot be one."""
        stored = self._passwords.hash(password, name) if password is not None else None
        with self._db.write() as session:
            return user_of(add_in(session, name, role, by, now, email=email, password=stored))

    def all(self) -> Sequence[User]:
        with self._db.read() as session:
            return [user_of(row) for row in session.scalars(select(UserRow).order_by(UserRow.key))]

    def none(self) -> bool:
        with self._db.read() as session:
            return session.scalar(select(UserRow.id).limit(1)) is None

    def known_as(self, typed: str) -> str | None:
        """The name of whoever has this name or address."""
        with self._db.read() as session:
            return session.scalar(select(UserRow.name).where(_called(typed)))

    def admins(self) -> list[str]:
        """The names of those who can give a role."""
        return [user.name for user in self.all() if user.role is Role.ADMIN and user.disabled_at is None]

    def set_role(self, name: str, role: Role, by: By, now: datetime) -> User:
        """Takes effect with the person's next click. Raises Refused for the last admin."""
        with self._db.write() as session:
            admins, row = _admins(session), _named(session, name)
            if role is not Role.ADMIN:
                _refuse_last(admins, row)
            change_role(session, row, role, by, now)
            return user_of(row)

    def disable(self, name: str, by: By, now: datetime) -> User:
        """Shut the person out: their sessions end at once. Their name stays with what they did."""
        with self._db.write() as session:
            admins, row = _admins(session), _named(session, name)
            if row.disabled_at is None:
                _refuse_last(admins, row)
                row.disabled_at = now
                _end_sessions(session, row, now)
                record(session, "user_disabled", by, now, user=row.name)
            return user_of(row)

    def enable(self, name: str, by: By, now: datetime) -> User:
        with self._db.write() as session:
            row = _named(session, name)
            if row.disabled_at is not None:
                row.disabled_at = None
                record(session, "user_enabled", by, now, user=row.name)
            return user_of(row)

    def set_password(self, name: str, password: str, by: By, now: datetime, keep_session: int | None = None) -> User:
        """A new password. All sessions of the person end but `keep_session`. Raises Refused where it is too easy."""
        stored = self._passwords.hash(password, name)
        with self._db.write() as session:
            row = _named(session, name)
            row.password = stored
            _end_sessions(session, row, now, keep_session)
            record(session, "password_changed", by, now, user=row.name)
            return user_of(row)

    def check(self, name: str, password: str) -> User | None:
        """The person whose name (or address) and password these are. Takes the same time whoever is named."""
        with self._db.read() as session:
            row = session.scalar(select(UserRow).where(_called(name)))
        usable = row is not None and row.disabled_at is None
        fits = self._passwords.fits(password, row.password if row is not None and usable else None)
        if row is None or not fits:
            return None
        if row.password is not None and self._passwords.outdated(row.password):
            anew = self._passwords.hash(password, row.name)
            with self._db.write() as session:
                session.execute(update(UserRow).where(UserRow.id == row.id).values(password=anew))
        return user_of(row)


def add_in(
    session: Session,
    name: str,
    role: Role,
    by: By,
    now: datetime,
    email: str | None = None,
    password: str | None = None,
    subject: str | None = None,
) -> UserRow:
    """A new person, in the transaction of what makes them. `password` is what is stored of it."""
    shown = " ".join(storable(name).split())
    if not 1 <= len(shown) <= NAME_LENGTH or any(unicodedata.category(c).startswith("C") for c in shown):
        raise Refused(f"a name has 1 to {NAME_LENGTH} characters that can be seen")
    if "@" in shown:  # else one's name could be another's address
        raise Refused("a name has no @ in it: the e-mail address goes beside it")
    address = folded(email) if email else None
    if address is not None and (address.count("@") != 1 or len(address) > 320 or address != "".join(address.split())):
        raise Refused(f"{email} is no e-mail address")
    if taken(session, shown):
        raise Refused(f"there is somebody called {shown} already")
    if address is not None and session.scalar(select(UserRow.id).where(UserRow.email == address)) is not None:
        raise Refused(f"somebody has the address {address} already")
    row = UserRow(
        key=folded(shown),
        name=shown,
        email=address,
        subject=subject,
        password=password,
        role=role.word,
        created_at=now,
    )
    session.add(row)
    session.flush()
    record(session, "user_added", by, now, user=shown, role=role.word, email=address)
    return row


def change_role(session: Session, row: UserRow, role: Role, by: By, now: datetime) -> None:
    if row.role != role.word:
        record(session, "role_changed", by, now, user=row.name, before=row.role, role=role.word)
        row.role = role.word


def taken(session: Session, name: str) -> bool:
    return session.scalar(select(UserRow.id).where(UserRow.key == folded(name))) is not None


def folded(name: str) -> str:
    """A name as it is compared: without regard to case, width and accents' spelling."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", storable(name).strip()).casefold())


def user_of(row: UserRow) -> User:
    return User(
        id=row.id,
        name=row.name,
        email=row.email,
        role=ROLES[row.role],
        provider=row.subject.partition(" ")[0] if row.subject else None,
        has_password=row.password is not None,
        created_at=row.created_at,
        seen_at=row.seen_at,
        disabled_at=row.disabled_at,
    )


def _named(session: Session, name: str) -> UserRow:
    row = session.scalar(select(UserRow).where(UserRow.key == folded(name)).with_for_update())
    if row is None:
        raise Refused(f"there is nobody called {name}")
    return row


def _called(typed: str) -> ColumnElement[bool]:
    return or_(UserRow.key == folded(typed), UserRow.email == folded(typed))


def _admins(session: Session) -> set[int]:
    """Those who may do everything, locked: of two admins who remove each other one comes too late."""
    active = select(UserRow.id).where(UserRow.role == Role.ADMIN.word, UserRow.disabled_at.is_(None))
    return set(session.scalars(active.order_by(UserRow.id).with_for_update()))


def _refuse_last(admins: set[int], row: UserRow) -> None:
    if admins == {row.id}:
        raise Refused(f"{row.name} is the last admin: make somebody else one first")


def _end_sessions(session: Session, row: UserRow, now: datetime, but: int | None = None) -> None:
    theirs = update(SessionRow).where(SessionRow.user_id == row.id, SessionRow.ended_at.is_(None))
    session.execute((theirs if but is None else theirs.where(SessionRow.id != but)).values(ended_at=now))
