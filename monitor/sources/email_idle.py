"""Mail as it arrives: the server says so while we idle (RFC 2177)."""

from __future__ import annotations

import time
from collections.abc import Callable

from imap_tools import BaseMailBox, MailMessage

from monitor.sources.base import Item, Reject
from monitor.sources.email_imap import hang_up, mails, translated
from monitor.sources.streaming import News

ASKED_AFTER = 240.0  # seconds without a word, until the server is asked whether it is still there; 29 min at most


class MailStream:
    """One folder. `box` has it selected, and everything up to the UID `last` is left to the polls."""

    def __init__(
        self, name: str, box: BaseMailBox, last: int, read: Callable[[MailMessage], Item | Reject | None]
    ) -> None:
        self._name, self._box, self._last, self._read = name, box, last, read
        self._idle = False
        self._heard = time.monotonic()

    def hear(self, within: float) -> News:
        with translated(self._name):
            if not self._idle:
                news = self._new()
                if news.items or news.rejects:
                    return news
                self._box.idle.start()  # type: ignore[no-untyped-call]
                self._idle, self._heard = True, time.monotonic()
            began = time.monotonic()
            said = self._box.idle.poll(timeout=within)
            now = time.monotonic()
            # nothing, too soon: the connection ended, which imap_tools does not tell
            if not said and now - began >= within * 0.9 and now - self._heard < ASKED_AFTER:
                return News()
            self._idle = False
            # an answer that does not come ends the connection
            self._box.idle.stop()  # type: ignore[no-untyped-call]
            return self._new()

    def _new(self) -> News:
        self._box.client.noop()  # servers search among the mails that they have told us of
        uids = sorted(uid for uid in map(int, self._box.uids(f"UID {self._last + 1}:*")) if uid > self._last)
        read = [self._read(mail) for mail in mails(self._box, [str(uid) for uid in uids])]
        self._last = max([self._last, *uids])
        items = tuple(found for found in read if isinstance(found, Item))
        return News(items, tuple(found for found in read if isinstance(found, Reject)))

    def close(self) -> None:
        hang_up(self._box)
