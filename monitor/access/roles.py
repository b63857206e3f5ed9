"""What a person may do (roles), and what a program may do (scopes)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Role(IntEnum):
    """Each may do what those below it may.

    - viewer: reads the desk and the trends, with personal data masked
    - agent: sees whom a case is about, and acts on cases
    - admin: also sees people, tokens and the audit log, and changes roles
    """

    VIEWER = 1
    AGENT = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


ROLES: Final = {role.word: role for role in Role}

SCOPES: Final = {
    "read": "cases, mentions and figures, with personal data masked",
    "personal": "names, handles, links and words of customers, unmasked",
    "export": "whole tables as files (CSV)",
    "act": "changes, such as taking a case",
}
