"""Calls of Meta's webhooks: the question at the subscription, and the signature of each call after it."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from monitor.sources.base import Item, Reject
from monitor.sources.graph import GraphOptions, signature
from monitor.sources.hooks import Call, CallRefused, Heard
from monitor.sources.rejects import UNREADABLE

_REPEATS = timedelta(days=2)  # Meta calls again for 36 hours where it gets no answer

Change = Callable[[str, dict[str, Any], datetime], Iterable[Item]]
"""What one change of a field means: (field, value, time of the call's entry)."""


def hear(call: Call, now: datetime, options: GraphOptions, kind: str, account: str, read: Change) -> Heard:
    """`kind` is what the app is subscribed to ("page", "instagram"), `account` the id whose changes are ours."""
    if options.verify_token is None or options.app_secret is None:
        raise CallRefused(404, "this source hears no calls: set verify_token and app_secret")
    if call.method == "GET":
        word = call.query.get("hub.verify_token", "").encode()
        if not hmac.compare_digest(word, options.verify_token.get_secret_value().encode()):
            raise CallRefused(401, "the verify token is not the verify_token of this source")
        return Heard(answer=call.query.get("hub.challenge", ""))
    given = call.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(given.encode(), f"sha256={signature(options.app_secret, call.body)}".encode()):
        raise CallRefused(401, "X-Hub-Signature-256 does not fit: is app_secret that of the app which calls?")
    try:
        body = json.loads(call.body)
        entries = [entry for entry in body["entry"] if str(entry["id"]) == account]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CallRefused(422, "the body has no entries, as Meta sends them") from None
    if body.get("object") != kind:
        raise CallRefused(422, f'the call is about "{str(body.get("object"))[:40]}": subscribe to "{kind}"')
    items: list[Item] = []
    rejects: list[Reject] = []
    for entry in entries:
        for change in entry.get("changes") or ():
            try:
                at = datetime.fromtimestamp(float(entry.get("time") or now.timestamp()), UTC)
                items += read(change["field"], change["value"], at)
            except UNREADABLE as error:
                rejects.append(Reject(f"{type(error).__name__}: {error}", str(change)[:2_000]))
    return Heard(tuple(items), tuple(rejects), given, now + _REPEATS)
