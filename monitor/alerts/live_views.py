"""Drawing a window again while somebody types in it: the newest state wins, and an older one never overwrites it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

_KEPT = 200  # windows remembered

log = structlog.get_logger(__name__)

Draw = Callable[[Mapping[str, Any]], dict[str, Any]]  # the window as it is, to how it is to be


class LiveViews:
    """Slack tells of every keystroke, several a second and not always in order. While one drawing of a window is on its
    way, of those that come meanwhile only the newest is kept. Each drawing names the hash of the one before, so that
    Slack refuses what would undo the work of another process."""

    def __init__(self, client: WebClient) -> None:
        self._client = client
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def offer(self, view: Mapping[str, Any], stamp: str, draw: Draw) -> None:
        """Show what `draw` makes of `view`, or of what was shown there since, if no later `stamp` was. Never raises: a
        hint that does not show is no harm."""
        key = str(view["id"])
        with self._lock:
            window = self._windows.setdefault(key, _Window(view))
            while len(self._windows) > _KEPT:
                del self._windows[next(iter(self._windows))]
            if _later(window.stamp, stamp):
                return
            window.stamp, window.waiting = stamp, draw
            if window.busy:
                return
            window.busy = True
        while (waiting := self._next(window)) is not None:
            self._show(key, window, waiting)

    def _next(self, window: _Window) -> Draw | None:
        with self._lock:
            waiting, window.waiting = window.waiting, None
            window.busy = waiting is not None
            return waiting

    def _show(self, key: str, window: _Window, draw: Draw) -> None:
        try:
            given = {"hash": window.view["hash"]} if window.view.get("hash") else {}
            answer = self._client.views_update(view_id=key, view=draw(window.view), **given)
            window.view = answer["view"]
        except SlackApiError as error:
            if error.response.get("error") == "hash_conflict":  # another process has drawn it: begin with its hash
                with self._lock:
                    self._windows.pop(key, None)
            else:
                log.info("a window was not drawn again", reason=str(error.response.get("error")))
        except Exception as error:
            log.warning("a window was not drawn again", reason=f"{type(error).__name__}: {error}")


class _Window:
    def __init__(self, view: Mapping[str, Any]) -> None:
        self.view, self.stamp = view, ""
        self.waiting: Draw | None = None
        self.busy = False


def _later(one: str, other: str) -> bool:
    """Whether Slack's stamp `one` is later than `other`; both are seconds with a fraction."""
    try:
        return float(one) > float(other)
    except ValueError:
        return False
