"""What a reply begins as, and what to think over in it: the same in Slack's window and on the desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from monitor.cases import Case
from monitor.incidents import answer_for
from monitor.outgoing import Replies, composing
from monitor.reply_settings import TemplateSettings
from monitor.templates import filled, fitting
from monitor.wording import Hint, hints


@dataclass(frozen=True, slots=True)
class Begun:
    """`text` is what `actor` wrote before, else what is prepared for the case; `trouble` what became of it; `busy` a
    colleague who is writing as well."""

    text: str
    trouble: str | None
    busy: str | None


def begun(
    session: Session, replies: Replies, case: Case, actor: str, now: datetime, slack_user: str | None = None
) -> Begun:
    unsent = replies.unsent(session, case.id, actor, slack_user)
    prepared = answer_for(session, case.id)
    text = unsent.text if unsent else ""
    if unsent is None and prepared:
        text = filled(TemplateSettings(name="incident", text=prepared), case, actor, replies.settings)
    trouble = None
    if unsent is not None and unsent.error:
        trouble = f"Not sent: {unsent.error}" if unsent.state == "failed" else unsent.error
    busy = composing(session, case.id, now)
    return Begun(text, trouble, busy if busy != actor else None)


def offered(replies: Replies, case: Case, actor: str) -> list[tuple[str, str]]:
    """The templates that fit the case, the most particular first: name, and text with its names filled in."""
    templates = fitting(replies.settings.templates, case)
    return [(each.name, filled(each, case, actor, replies.settings)) for each in templates]


def with_template(chosen: str, before: str, texts: Sequence[str], most: int) -> str:
    """The reply once a template was chosen: in place of another one of `texts`, else above what was written by hand,
    of which nothing is lost: where both are more than `most` characters, the end of the template is."""
    if not before.strip() or before.strip() in (text[:most].strip() for text in texts):
        return chosen[:most]
    room = most - len(before) - 2
    return f"{chosen[:room]}\n\n{before}" if room > 0 else before


def hints_in(text: str, case: Case) -> list[Hint]:
    return hints(text, case.language, _language) if text.strip() else []


def _language(text: str) -> str | None:
    from monitor.classify.language import UNSURE, language

    code, _ = language(text)
    return None if code == UNSURE else code
