"""Replying from Slack: the window in which a reply is written, and the question for a second pair of eyes.

What stands in a case's thread never goes to the customer by itself; only what is sent from this window does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from slack_bolt import Ack, App
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from monitor.alerts import modals, reply_answered, reply_modal
from monitor.alerts.blocks import Block
from monitor.alerts.live_views import LiveViews
from monitor.alerts.reply_modal import Window
from monitor.alerts.slack_acts import FAILED, Acts
from monitor.alerts.text import line, quote
from monitor.alerts.whispers import Person, Whispers
from monitor.cases import Case
from monitor.composing import begun, hints_in, offered, with_template
from monitor.customer import conversation, earlier_cases
from monitor.errors import Refused
from monitor.outgoing import Outgoing, Replies
from monitor.similar import Similar, SolvedCases
from monitor.transitions import CLOSED_STATES

_TOO_LATE = ("expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "trigger_exchanged")

log = structlog.get_logger(__name__)


class ReplyWindow:
    def __init__(
        self,
        acts: Acts,
        replies: Replies,
        solved: SolvedCases,
        client: WebClient,
        whispers: Whispers,
        changed: Callable[[], None],
    ) -> None:
        self._acts, self._replies, self._solved, self._client = acts, replies, solved, client
        self._whispers, self._changed = whispers, changed
        self._live = LiveViews(client)

    def register(self, app: App) -> None:
        app.action(reply_modal.TYPED)(self.type)
        app.action(reply_modal.PICKED)(self.pick)
        app.action(reply_answered.USED)(self.use)
        app.action(reply_modal.ELSEWHERE)(self.elsewhere)
        app.view(reply_modal.REPLY)(self.submit)
        app.view_closed(reply_modal.REPLY)(self.close)
        app.action(reply_modal.APPROVE)(self.approve)
        app.action(reply_modal.DECLINE)(self.ask_why)
        app.view(reply_modal.GIVE_BACK)(self.give_back)

    def open(self, body: Mapping[str, Any], case_id: int) -> None:
        """Open the window for a case. Raises Refused with words for the person."""
        person, now = Person.of(body), self._acts.clock.now()
        self._acts.agents.check(person.id)
        case = self._acts.case(case_id)
        if case.state in CLOSED_STATES:
            raise Refused(f"Case {case.id} is {case.state} already. Reopen it if there is more to do.")
        view = reply_modal.window(self._window(case, person, (body.get("channel") or {}).get("id")), now)
        try:
            opened = self._client.views_open(trigger_id=body["trigger_id"], view=view)["view"]
        except SlackApiError as error:
            reason = str(error.response.get("error"))
            if reason in _TOO_LATE:
                raise Refused("That took too long for Slack. Please press again.") from None
            raise Refused(f"Slack would not open the window ({reason}).") from None
        self._replies.compose(case.id, person.name, now, person.id)
        if answered := reply_answered.answered_blocks(self._like(case), case.brand, now):
            # below the field, and once the window is open: Slack waits for that no longer than three seconds
            self._live.offer(opened, "", lambda shown: reply_modal.redrawn(shown, answered=answered))

    def type(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        """A character was typed: count, and say what to think over."""
        ack()
        view, text, person = body["view"], str(action.get("value") or ""), Person.of(body)
        case = self._case(view)
        if case is None:
            return
        route = self._replies.route(case)

        def draw(shown: Mapping[str, Any]) -> dict[str, Any]:
            return reply_modal.redrawn(shown, reply_modal.hints_block(text, route, hints_in(text, case)))

        self._keep(case, person, text)
        self._live.offer(view, str(action.get("action_ts") or ""), draw)

    def pick(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        """A template was chosen. It takes the place of another template, and stands above what was written by hand."""
        ack()
        view, person = body["view"], Person.of(body)
        case = self._case(view)
        if case is None:
            return
        texts = [text for _, text in offered(self._replies, case, person.name)]
        before, _ = reply_modal.typed(view)
        text = with_template(texts[int(action["selected_option"]["value"])], before, texts, reply_modal.LONGEST)
        self._fill(view, action, case, person, text)

    def use(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        """The words of an answered case were chosen. They take the place of those of another, and stand above what was
        written by hand. If it is gone meanwhile, it goes from the window too."""
        ack()
        view, person = body["view"], Person.of(body)
        case = self._case(view)
        if case is None:
            return
        like, (text, _) = self._like(case), reply_modal.typed(view)
        words = {each.id: each.words for each in like}
        if chosen := words.get(int(action["value"])):
            text = with_template(chosen, text, list(words.values()), reply_modal.LONGEST)
        answered = reply_answered.answered_blocks(like, case.brand, self._acts.clock.now())
        self._fill(view, action, case, person, text, answered)

    def _fill(
        self,
        view: Mapping[str, Any],
        action: Mapping[str, Any],
        case: Case,
        person: Person,
        text: str,
        answered: Sequence[Block] | None = None,
    ) -> None:
        """Put `text` into the field, which takes a new name: under the old one Slack would keep what stands there."""
        number, route = int(reply_modal.typed(view)[1].partition(":")[2] or 0) + 1, self._replies.route(case)

        def draw(shown: Mapping[str, Any]) -> dict[str, Any]:
            hints = reply_modal.hints_block(text, route, hints_in(text, case))
            return reply_modal.redrawn(shown, hints, reply_modal.input_block(text, number), number, answered)

        self._keep(case, person, text)
        self._live.offer(view, str(action.get("action_ts") or ""), draw)

    def submit(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Store it before the window closes; what cannot go out stays in the window, with the reason."""
        person, case_id = Person.of(body), int(modals.where(view)["case"])
        text, field = reply_modal.typed(view)
        key = "slack:" + uuid.uuid5(uuid.NAMESPACE_OID, f"{view['id']} {person.id}").hex
        try:
            self._acts.agents.check(person.id)
            case = self._acts.case(case_id)
            if self._replies.route(case).sends:
                self._replies.submit(case_id, text, person.name, "slack", self._acts.clock.now(), key, person.id)
            else:
                self._record(person, case_id, key, text.strip())
        except Refused as refusal:
            ack(response_action="errors", errors={field: line(str(refusal), 300)})
        except Exception:
            log.exception("a reply could not be stored", case=case_id)
            ack(response_action="errors", errors={field: "It could not be stored, so nothing was sent. Try again."})
        else:
            ack()
            self._changed()

    def elsewhere(self, ack: Ack, body: dict[str, Any]) -> None:
        """Somebody has answered on the source already."""
        ack()
        view, person = body["view"], Person.of(body)
        try:
            self._record(person, int(modals.where(view)["case"]), f"slack:elsewhere:{view['id']}:{person.id}", "")
            words = "Recorded: the customer has been answered. You can close this window."
        except Refused as refusal:
            words = str(refusal)
        except Exception:
            log.exception("a reply could not be recorded")
            words = FAILED
        self._changed()
        self._client.views_update(view_id=view["id"], view=modals.notice(words))

    def close(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        ack()
        self._replies.stop_composing(int(modals.where(view)["case"]), Person.of(body).name)

    def approve(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        person = Person.of(body)
        self._decide(body, body, lambda: self._approved(person, int(action["value"])))

    def ask_why(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        ack()
        message = body.get("message") or {}
        where: dict[str, Any] = {"reply": int(action["value"]), "channel": (body.get("channel") or {}).get("id")}
        where |= {"ts": message.get("ts"), "thread": message.get("thread_ts")}
        try:
            self._acts.agents.check(Person.of(body).id)
            with self._acts.db.read() as session:
                reply = self._replies.get(session, where["reply"])
            if reply.state != "awaiting_approval":
                raise Refused("This reply does not wait for anybody any more.")
            self._client.views_open(trigger_id=body["trigger_id"], view=reply_modal.give_back(where, reply.actor))
        except Refused as refusal:
            self._whispers.tell(body, str(refusal))
        except SlackApiError as error:
            self._whispers.tell(body, f"Slack would not open the window ({error.response.get('error')}).")

    def give_back(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        ack()
        person, where = Person.of(body), modals.where(view)
        reason = str((view["state"]["values"].get("reason", {}).get("reason") or {}).get("value") or "").strip()
        message = {"ts": where.get("ts"), "thread_ts": where.get("thread")}
        asked = {"user": body["user"], "channel": {"id": where.get("channel")}, "message": message}
        self._decide(body, asked, lambda: self._declined(person, int(where["reply"]), reason))

    def _approved(self, person: Person, reply_id: int) -> tuple[Outgoing, str]:
        self._acts.agents.check(person.id)
        reply = self._replies.approve(reply_id, person.name, self._acts.clock.now(), person.id)
        return reply, f":thumbsup: Approved by *{line(person.name, 60)}*"

    def _declined(self, person: Person, reply_id: int, reason: str) -> tuple[Outgoing, str]:
        self._acts.agents.check(person.id)
        reply = self._replies.decline(reply_id, person.name, self._acts.clock.now(), person.id, reason)
        return reply, f":leftwards_arrow_with_hook: Given back by *{line(person.name, 60)}*"

    def _decide(
        self, body: Mapping[str, Any], asked: Mapping[str, Any], decide: Callable[[], tuple[Outgoing, str]]
    ) -> None:
        """`asked` says where the question stands; its buttons go once it is answered."""
        try:
            reply, outcome = decide()
        except Refused as refusal:
            self._whispers.tell(asked, str(refusal))
            return
        except Exception:
            log.exception("a reply could not be decided on")
            self._whispers.tell(asked, FAILED)
            return
        self._changed()
        words = f":eyes: A reply by *{line(reply.actor, 60)}*:\n" + quote(reply.text, 800)
        try:
            self._client.chat_update(
                channel=str((asked.get("channel") or {}).get("id")),
                ts=str((asked.get("message") or {}).get("ts")),
                text=f"{words}\n{outcome}",
                blocks=list(reply_modal.decided(words, outcome)),
            )
        except Exception as error:  # the thread says it as well
            log.info("a question for approval was not drawn again", reason=str(error))

    def _window(self, case: Case, person: Person, channel: str | None) -> Window:
        now = self._acts.clock.now()
        with self._acts.db.read() as session:
            begin = begun(session, self._replies, case, person.name, now, person.id)
            said, earlier = conversation(session, case), earlier_cases(session, case)
        return Window(
            case=case,
            route=self._replies.route(case),
            said=said,
            earlier=earlier,
            templates=[name for name, _ in offered(self._replies, case, person.name)],
            text=begin.text,
            trouble=begin.trouble,
            busy=begin.busy,
            hints=hints_in(begin.text, case),
            where={"case": case.id, "channel": channel, "n": 0},
        )

    def _like(self, case: Case) -> list[Similar]:
        try:
            with self._acts.db.read() as session:
                return self._solved.like(session, case.id, self._acts.clock.now())
        except Exception:  # the reply can be written without them
            log.exception("no answered cases could be looked up", case=case.id)
            return []

    def _case(self, view: Mapping[str, Any]) -> Case | None:
        try:
            return self._acts.case(int(modals.where(view)["case"]))
        except (Refused, KeyError, ValueError):
            return None

    def _keep(self, case: Case, person: Person, text: str) -> None:
        """A draft, and the sign that somebody is writing. What is typed is not lost if that fails: Slack has it."""
        try:
            self._replies.compose(case.id, person.name, self._acts.clock.now(), person.id, text)
        except Exception as error:
            log.warning("a draft was not kept", case=case.id, reason=f"{type(error).__name__}: {error}")

    def _record(self, person: Person, case_id: int, key: str, text: str) -> None:
        self._acts.act(person, case_id, "reply", key, **({"text": text} if text else {}))
        self._replies.stop_composing(case_id, person.name)
