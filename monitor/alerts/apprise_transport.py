"""Apprise as a transport: e-mail, pagers, Teams and a hundred others, for steps that must not depend on Slack."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from typing import Any

from monitor.alerts.outbox import Message, Receipt
from monitor.errors import ConfigurationError, GiveUp, Uncertain


def label(url: str) -> str:
    """What stands for an Apprise URL in the outbox and in logs, since such an address holds passwords."""
    return f"{url.partition('://')[0]}:{hashlib.sha256(url.encode()).hexdigest()[:12]}"


class AppriseTransport:
    """`urls` by label, which is a message's target."""

    def __init__(self, urls: Mapping[str, str]) -> None:
        self._urls = urls

    def send(self, message: Message) -> Receipt:
        url = self._urls.get(message.target)
        if url is None:
            raise GiveUp(f"{message.target} is no longer configured in [[clock.steps]] or [[digests]]")
        title, _, body = message.text.partition("\n")
        if message.repeat:
            title = f"{title} (may be a repeat)"
        if not _service(message.target, url).notify(title=title, body=body.strip() or title):
            raise Uncertain(f"{message.target} did not take it")
        return Receipt(message.target)

    def find(self, message: Message) -> Receipt | None:
        raise GiveUp("Apprise does not tell what was delivered")

    def check(self) -> str:
        for name, url in self._urls.items():
            _service(name, url)
        return f"{len(self._urls)} addresses"


def _service(name: str, url: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of modules that its plug-ins import
        from apprise import Apprise  # heavy, and most services never need it

        service = Apprise()
        if not service.add(url):
            raise ConfigurationError("clock.steps.notify", f"{name} is no address that Apprise knows")
    return service
