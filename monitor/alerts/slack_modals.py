"""Modals about one case: snooze, hand over, history. They are opened at once, since Slack's permission to open one runs
out after three seconds, and answered at once; what was asked for is done after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, time, timedelta
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from sqlalchemy import select

from monitor.alerts import case_history, modals
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.slack_home import Home
from monitor.alerts.whispers import Person, Whispers
from monitor.cases import Case
from monitor.errors import Refused
from monitor.models import MentionRow

OPENED = ("snooze", "hand_over", "history")  # options of the menu under a case that open a modal
MORNING = time(9)  # where there are no business hours
_TOO_LATE = "That took too long for Slack. Please press again."

log = structlog.get_logger(__name__)


class CaseModals:
    def __init__(
        self, acts: Acts, client: WebClient, whispers: Whispers, changed: Callable[[], None], home: Home
    ) -> None:
        self._acts, self._client, self._whispers = acts, client, whispers
        self._changed, self._home = changed, home

    def register(self, app: App) -> None:
        app.view(modals.SNOOZE)(self.snooze)
        app.view(modals.HAND_OVER)(self.hand_over)
        app.action("history_earlier")(self.turn_page)
        app.action("history_later")(self.turn_page)

    def open(self, body: Mapping[str, Any], wanted: str, case_id: int) -> None:
        """Raises Refused."""
        case = self._acts.case(case_id)
        now = self._acts.clock.now()
        if wanted == "history":
            view = self._history(case, 0)
        else:
            self._acts.agents.check(Person.of(body).id)
            if case.state in ("resolved", "dismissed"):
                raise Refused(f"Case {case.id} is {case.state} already. Reopen it if there is more to do.")
            channel = (body.get("channel") or {}).get("id")
            if wanted == "snooze":
                view = modals.snooze(case, now, self._opens(case, now), self._zone(case), {"channel": channel})
            else:
                view = modals.hand_over(case, now, {"channel": channel})
        open_window(self._client, body, view)

    def snooze(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        chosen = modals.rest(view["state"]["values"], self._acts.clock.now())
        if isinstance(chosen, dict):
            ack(response_action="errors", errors=chosen)
            return
        ack()
        event, detail = chosen
        self._act(body, view, event, **detail)

    def hand_over(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        chosen = modals.handed_over(view["state"]["values"])
        if isinstance(chosen, dict):
            ack(response_action="errors", errors=chosen)
            return
        ack()
        user, note = chosen
        said = {"text": note} if note else {}
        if user is None:
            self._act(body, view, "release", **said)
            return
        try:
            new = self._colleague(user)
        except Refused as refusal:
            self._tell(body, view, str(refusal))
            return
        self._act(body, view, "hand_over", to=new.name, slack_to=new.id, **said)

    def turn_page(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        wanted = case_history.turned_to(action.get("value"))
        try:
            if wanted is None:
                raise Refused("This window does not say which case it shows. Please open it again.")
            view = self._history(self._acts.case(wanted[0]), wanted[1])
        except Refused as refusal:
            view = modals.notice(str(refusal))
        self._client.views_update(view_id=body["view"]["id"], view=view)

    def _act(self, body: Mapping[str, Any], view: Mapping[str, Any], event: str, **detail: Any) -> None:
        person, where = Person.of(body), modals.where(view)
        key = f"slack:{event}:{view.get('id')}:{view.get('hash', '')}:{person.id}"
        try:
            self._acts.act(person, int(where["case"]), event, key, **detail)
        except Refused as refusal:
            self._tell(body, view, str(refusal))
        except Exception:
            log.exception("a modal in Slack failed", action=event, case=where.get("case"))
            self._tell(body, view, FAILED)
        else:
            self._changed()
            self._home.after(body)

    def _tell(self, body: Mapping[str, Any], view: Mapping[str, Any], words: str) -> None:
        self._whispers.tell_user(Person.of(body).id, words, modals.where(view).get("channel"))

    def _colleague(self, user: str) -> Person:
        """Raises Refused for whom a case cannot be handed to."""
        try:
            found: Mapping[str, Any] = self._client.users_info(user=user)["user"]
        except SlackApiError as error:
            log.warning("a user could not be looked up", reason=str(error.response.get("error")))
            raise Refused(
                f"Slack does not say who <@{user}> is ({error.response.get('error')}), so nothing was changed. The app "
                "needs the scope users:read."
            ) from None
        if found.get("is_bot") or found.get("deleted"):
            why = "an app" if found.get("is_bot") else "not in this workspace any more"
            raise Refused(f"<@{user}> is {why} and cannot have a case. Nothing was changed.")
        self._acts.agents.check(user, f"Nothing was changed: <@{user}> is")
        return Person(user, str(found.get("name") or user))

    def _history(self, case: Case, page: int) -> dict[str, Any]:
        with self._acts.db.read() as session:
            events = self._acts.cases.history(session, case.id)
            rows = session.execute(
                select(MentionRow.id, MentionRow.text).where(
                    MentionRow.case_id == case.id, MentionRow.removed_at.is_(None)
                )
            )
            said = {id: text for id, text in rows}  # noqa: C416
        return case_history.view(case, events, said, page, self._acts.clock.now())

    def _zone(self, case: Case) -> Any:
        return self._acts.cases.policies.named(case.policy).hours.zone

    def _opens(self, case: Case, now: datetime) -> datetime | None:
        """When business opens next; where it is always open, tomorrow's morning."""
        hours = self._acts.cases.policies.named(case.policy).hours
        if hours.windows:
            return hours.opens_after(now)
        local = now.astimezone(hours.zone)
        return datetime.combine(local.date() + timedelta(days=1), MORNING, hours.zone)


def open_window(client: WebClient, body: Mapping[str, Any], view: dict[str, Any]) -> None:
    """Answer a press with a modal. Raises Refused."""
    try:
        client.views_open(trigger_id=body["trigger_id"], view=view)
    except SlackApiError as error:
        reason = str(error.response.get("error"))
        if reason in ("expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged"):
            raise Refused(_TOO_LATE) from None
        raise Refused(f"Slack would not open the window ({reason}).") from None
