"""Passwords: argon2id, with the least cost that OWASP's Password Storage Cheat Sheet recommends (19 MiB, 2 rounds).

An unknown person's password takes as long to refuse as a known one's.
"""

from __future__ import annotations

import threading
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING

from monitor.errors import Refused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST, LONGEST = 12, 500  # characters
AT_ONCE = 2  # so that a flood of sign-ins takes 40 MiB, not as much as there are threads


class Passwords:
    def __init__(self) -> None:
        self._turn = threading.BoundedSemaphore(AT_ONCE)

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher

        return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash("nobody's password")

    def hash(self, password: str, name: str) -> str:
        """What is stored of the password of `name`. Raises Refused where it is too easy to guess."""
        plain = unicodedata.normalize("NFKC", password)
        if not SHORTEST <= len(plain) <= LONGEST:
            raise Refused(f"a password has {SHORTEST} to {LONGEST} characters, and this one {len(plain)}")
        if len(set(plain)) < 5 or plain.casefold() == name.casefold():
            raise Refused("that password is too easy to guess: take several words that do not belong together")
        with self._turn:
            return self._hasher.hash(plain)

    def fits(self, password: str, stored: str | None) -> bool:
        """Whether it is the stored one. Takes as long where there is none."""
        from argon2.exceptions import VerificationError

        plain = unicodedata.normalize("NFKC", password[: LONGEST + 1])
        with self._turn:
            try:
                self._hasher.verify(stored or self._nobodys, plain)
            except VerificationError:
                return False
        return stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was stored at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)
