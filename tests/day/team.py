"""Five people who know only what stands in Slack, and act by its buttons and windows, as slack-bolt dispatches them."""

from __future__ import annotations

import heapq
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from day.town import Place, at
from fake_slack import FakeSlack
from office import idle
from slack_bolt import App, BoltRequest

SHIFT_CHANGE = at(14.0)
EACH = timedelta(minutes=2)  # that one case of a storm takes, once it is clear what to say
AGAIN = timedelta(minutes=5)  # until they try again what did not work
SENT = timedelta(seconds=5)  # until a reply shows as sent
WORDS = "We are sorry, and look into it."
PREPARED = "Nobody could log in since 16:00. It works again; we are sorry."


@dataclass(frozen=True)
class Agent:
    """Somebody of the team: how many minutes after they see an alert they do what."""

    name: str
    habit: str
    does: tuple[tuple[int, str], ...]


EARLY = (
    Agent("ann", "takes at once, answers in a quarter of an hour", ((2, "take"), (15, "reply"), (20, "resolve"))),
    Agent("bob", "takes at once and forgets, until it is too late", ((3, "take"), (75, "reply"), (80, "resolve"))),
    Agent("chi", "answers on the source itself, and closes it in Slack later", ((18, "answer"), (30, "resolve"))),
)
LATE = (
    Agent("dee", "snoozes, then answers", ((4, "snooze"), (25, "take"), (40, "reply"), (41, "resolve"))),
    Agent("eve", "comes when those on call are asked", ((47, "take"), (55, "reply"), (90, "resolve"))),
)
Seen = tuple[dict[str, Any], dict[str, Any]]  # a message of Slack, and the row of buttons in it


class Team:
    """Each alert has one who minds it, by the number of the case and by who is there when it shows. In a storm
    everybody who is there takes the next case, and the next."""

    def __init__(self, app: App, slack: FakeSlack, places: Mapping[str, Place]) -> None:
        self._app, self._slack, self._places = app, slack, places
        self._plans: list[tuple[datetime, int, str, str, int]] = []
        self._read = 0
        self._numbers = itertools.count(1)
        self.refusals: list[str] = []

    @property
    def next_at(self) -> datetime | None:
        return self._plans[0][0] if self._plans else None

    def read(self, now: datetime) -> None:
        """See what is new in the channel."""
        fresh = self._slack.posted()[self._read :]
        self._read += len(fresh)
        there = EARLY if now < SHIFT_CHANGE else LATE
        for message in fresh:
            about = message["metadata"]["event_payload"]
            if failed := re.match(r":warning: <@U0(\w+)> Your reply did not go out", message["text"]):
                self._plan(now + AGAIN, failed.group(1).lower(), "reply", about["case_id"])
            elif message["posted_as"] == "alert":
                agent = there[about["case_id"] % len(there)]
                for minutes, what in agent.does:
                    self._plan(now + timedelta(minutes=minutes), agent.name, what, about["case_id"])
            elif message["posted_as"] == "incident" and "thread_ts" not in message:
                self._plan(now + EACH, there[-1].name, "prepare", 0)
                for agent in there:
                    self._plan(now + 2 * EACH, agent.name, "next", 0)

    def act(self, now: datetime) -> None:
        """Do all that is due."""
        while self._plans and self._plans[0][0] <= now:
            _, _, name, what, case_id = heapq.heappop(self._plans)
            getattr(self, f"_{what}")(name, case_id, now)

    def put_off(self, until: datetime) -> None:
        """Slack is away: whatever is planned waits."""
        self._plans = [(max(when, until), *rest) for when, *rest in self._plans]  # type: ignore[misc]
        heapq.heapify(self._plans)

    def _plan(self, when: datetime, name: str, what: str, case_id: int) -> None:
        heapq.heappush(self._plans, (when, next(self._numbers), name, what, case_id))

    def _take(self, name: str, case_id: int, now: datetime) -> None:
        self._press(name, f"case:{case_id}", "take")

    def _resolve(self, name: str, case_id: int, now: datetime) -> None:
        found = self._row(f"case:{case_id}", "resolve")
        if found is not None and "Answered" in _above(*found):
            self._press(name, f"case:{case_id}", "resolve")
        elif found is not None:
            self._plan(now + AGAIN, name, "resolve", case_id)

    def _snooze(self, name: str, case_id: int, now: datetime) -> None:
        if self._press(name, f"case:{case_id}", "more", "snooze"):
            self._send(self._slack.submit(self._slack.open_view(), name))  # for a quarter of an hour, as is proposed

    def _reply(self, name: str, case_id: int, now: datetime) -> None:
        if self._press(name, f"case:{case_id}", "reply"):
            view = self._slack.open_view()
            field = next(block for block in view["blocks"] if block["type"] == "input")
            words = {"value": field["element"].get("initial_value", WORDS)}
            self._send(self._slack.submit(view, name, **{field["block_id"]: words}))

    def _answer(self, name: str, case_id: int, now: datetime) -> None:
        """On the source itself, where the alert's link leads."""
        found = self._row(f"case:{case_id}", "open")
        if found is None or self._has_another(name, found):
            return
        post = next(e["url"] for e in found[1]["elements"] if e["action_id"] == "open").rpartition("/")[2]
        place = next(place for place in self._places.values() if place.shows(post))
        if place.is_away(now):
            self._plan(now + AGAIN, name, "answer", case_id)
        elif not place.answers(post):
            place.answer(post, WORDS, now)

    def _prepare(self, name: str, case_id: int, now: datetime) -> None:
        if self._press(name, self._storm(), "incident_answer"):
            self._send(self._slack.submit(self._slack.open_view(), name, answer={"value": PREPARED}))

    def _next(self, name: str, case_id: int, now: datetime) -> None:
        """Take the next case of the storm, answer it, close it, and so on until there is none."""
        if self._press(name, self._storm(), "incident_take"):
            mine = re.search(r"\|(customer\d+)>", self._slack.whispers[-1]["text"])
            if mine is not None:
                case_id, done = self._case_of(mine.group(1)), now + EACH
                self._plan(done, name, "reply", case_id)
                self._plan(done + SENT, name, "resolve", case_id)
                self._plan(done + SENT, name, "next", 0)
                return
        if self._row(self._storm(), "incident_end"):  # there may be more to come
            self._plan(now + EACH, name, "next", 0)

    def _press(self, name: str, row: str, action: str, value: str = "") -> bool:
        """Press what is there to be pressed. False where there is no such button any more, or a colleague has it."""
        found = self._row(row, action)
        if found is None or self._has_another(name, found):
            return False
        message, buttons = found
        stamp, told = f"1795000000.{next(self._numbers):06d}", len(self._slack.whispers)
        self._send(self._slack.press({**message, "blocks": [buttons]}, action, name, stamp, value))
        self.refusals += [w["text"] for w in self._slack.whispers[told:] if "You have this one now" not in w["text"]]
        return True

    def _send(self, payload: dict[str, Any]) -> None:
        response = self._app.dispatch(BoltRequest(mode="socket_mode", body=payload))
        assert (response.status, response.body) == (200, ""), response.body
        idle(self._app)

    def _rows(self) -> Iterator[Seen]:
        for message in self._slack.posted():
            for block in message["blocks"]:
                if block["type"] == "actions":
                    yield message, block

    def _row(self, block_id: str, action: str) -> Seen | None:
        wanted = (seen for seen in self._rows() if seen[1]["block_id"] == block_id)
        return next((s for s in wanted if any(e["action_id"] == action for e in s[1]["elements"])), None)

    def _has_another(self, name: str, seen: Seen) -> bool:
        return re.search(rf"<@(?!U0{name.upper()}>)\w+>\* has it", _above(*seen)) is not None

    def _storm(self) -> str:
        return next((b["block_id"] for _, b in self._rows() if b["block_id"].startswith("incident:")), "")

    def _case_of(self, author: str) -> int:
        """The case whose buttons stand below the words of this author."""
        below = (row for message, row in self._rows() if f"|{author}>" in _above(message, row))
        return int(next(below)["block_id"].split(":")[1])


def _above(message: dict[str, Any], row: dict[str, Any]) -> str:
    """What stands between a row of buttons and the one before."""
    before = message["blocks"][: message["blocks"].index(row)]
    return str(list(itertools.takewhile(lambda block: block["type"] != "actions", reversed(before))))
