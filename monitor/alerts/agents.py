"""Who may act on cases from Slack: everybody, or those whom `[slack] agents` names."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from slack_sdk import WebClient

from monitor.clock import Clock
from monitor.errors import Refused

FRESH = timedelta(minutes=5)  # how long a user group is believed to be as it was
_GROUP = re.compile(r"S[A-Z0-9]{2,}")

log = structlog.get_logger(__name__)


class Agents:
    def __init__(self, named: Sequence[str], client: WebClient, clock: Clock) -> None:
        """`named` are users (U..., W...) and user groups (S...); none: everybody may act."""
        self._users = frozenset(name for name in named if not _GROUP.fullmatch(name))
        self._groups = tuple(name for name in named if _GROUP.fullmatch(name))
        self._client, self._clock = client, clock
        self._members: dict[str, tuple[datetime, frozenset[str]]] = {}
        self._lock = threading.Lock()

    @property
    def everybody(self) -> bool:
        return not self._users and not self._groups

    def check(self, user: str, whose: str = "You are") -> None:
        """Raises Refused, with the mend, where `user` may not act."""
        if self.everybody or user in self._users:
            return
        unread = []
        for group in self._groups:
            members = self._of(group)
            if members is None:
                unread.append(group)
            elif user in members:
                return
        if unread:
            raise Refused(
                f"Slack does not say who is in <!subteam^{unread[0]}>, so nobody of it can act just now. The app needs "
                "the scope usergroups:read; the service's log has the reason."
            )
        raise Refused(
            f"{whose} not among those who may act on cases. Whoever runs firsthour can add people and user groups "
            "under [slack] agents."
        )

    def _of(self, group: str) -> frozenset[str] | None:
        """The group's members, as of at most `FRESH` ago; older where Slack does not answer; None if never known."""
        now = self._clock.now()
        with self._lock:
            known = self._members.get(group)
        if known is not None and now - known[0] < FRESH:
            return known[1]
        try:
            answer = self._client.usergroups_users_list(usergroup=group)
        except Exception as error:
            log.warning("a user group could not be read", group=group, reason=str(error))
            return known[1] if known else None
        members = frozenset(str(user) for user in answer.get("users") or ())
        with self._lock:
            self._members[group] = (now, members)
        return members
