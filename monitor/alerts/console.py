"""The console as a transport: where alerts go while no Slack is configured."""

from __future__ import annotations

import re
from collections.abc import Callable

from monitor.alerts.outbox import Message, Receipt
from monitor.errors import GiveUp

_DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
_LINK = re.compile(r"<(https?://[^|>]*)\|([^>]*)>")
_BOLD = re.compile(r"(?<![\w*])\*([^*\n]+)\*(?![\w*])")
_EMOJI = re.compile(r":[a-z0-9_]+: ")


class ConsoleTransport:
    """`show` takes one message as plain text, such as `print`."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show

    def send(self, message: Message) -> Receipt:
        rows = [block["text"]["text"] for block in message.blocks if block["type"] == "section"] or [message.text]
        words = "\n".join(_plain(row) for row in rows)
        case = f"[case {message.case_id}] " if message.case_id is not None else ""
        self._show(f"{case}{'(perhaps again) ' if message.repeat else ''}{words}")
        return Receipt("-")

    def find(self, message: Message) -> Receipt | None:
        raise GiveUp("a console does not tell what was printed")

    def check(self) -> str:
        return "prints to this console"


def _plain(words: str) -> str:
    words = _LINK.sub(r"\2 (\1)", _DATE.sub(r"\1", words))
    words = _EMOJI.sub("", _BOLD.sub(r"\1", words))
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
