"""One mail as an item: who wrote it, to which thread it belongs, and whether a person wrote it at all."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parseaddr, parsedate_to_datetime

from imap_tools import MailMessage

from monitor.sources.base import NO_LATER, Author, Item
from monitor.sources.email_history import html_text, written

_ID = re.compile(r"<([^<>\s]{1,380})>")
_REPORT = re.compile(r"[^!\s]+![^!\s]+!\d+!\d+.*\.(?:xml|json|gz|zip)$", re.IGNORECASE)  # RFC 7489, 7.2.1.1
_AUTOMATIC = {
    "auto-submitted": re.compile(r"\s*(?!no\b)\S", re.IGNORECASE),  # RFC 3834
    "precedence": re.compile(r"\s*(?:bulk|junk|list|auto_reply)", re.IGNORECASE),
    "list-id": re.compile(r"\S"),
    "list-unsubscribe": re.compile(r"\S"),
    "return-path": re.compile(r"\s*<\s*>"),
    "x-autoreply": re.compile(r"\s*(?!no\b)\S", re.IGNORECASE),
    "x-autorespond": re.compile(r"\S"),
    "x-failed-recipients": re.compile(r"\S"),
    "content-type": re.compile(r"\s*multipart/report", re.IGNORECASE),
    "from": re.compile(r"(?:.*<)?\s*(?:mailer-daemon|postmaster)@", re.IGNORECASE | re.DOTALL),
}


@dataclass(frozen=True, slots=True)
class Thread:
    """How a mail stands among others; ids are without their angle brackets."""

    id: str | None
    parent: str | None
    references: tuple[str, ...]  # oldest first


def automatic(mail: MailMessage) -> bool:
    """Whether a program sent it: an answering machine, a mailing list, a bounce, a report about mail itself."""
    for name, sign in _AUTOMATIC.items():
        if any(sign.match(str(value)) for value in mail.obj.get_all(name, [])):
            return True
    return any(_REPORT.match(name) for name in _attached(mail.obj))


def thread(mail: MailMessage) -> Thread:
    def ids(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_ID.findall(" ".join(map(str, mail.obj.get_all(name, []))))))

    own, answered, references = ids("message-id"), ids("in-reply-to"), ids("references")
    parent = answered[0] if answered else references[-1] if references else None
    if parent is not None and parent not in references:
        references = (*references, parent)
    return Thread(own[0] if own else None, parent, references)


def read_mail(mail: MailMessage, now: datetime) -> Item:
    """Raises ValueError where there is nothing to read: no author and no words."""
    stands = thread(mail)
    address = sender(mail)
    subject = " ".join(mail.subject.split())
    words = _words(mail)
    text = words if stands.parent and words else "\n\n".join(part for part in (subject, words) if part)
    attached = [f"[{' '.join(name.split())}]" for name in _attached(mail.obj)]
    if not text and not attached:
        raise ValueError("the mail has no words" if address else "this is no mail: it has neither author nor words")
    id = stands.id or hashlib.sha256(bytes(mail.obj)).hexdigest()[:32]
    return Item(
        external_id=id,
        text="\n".join([text, *attached]).strip(),
        posted_at=min(posted(mail) or now, now + NO_LATER),
        author=Author(address or None, (mail.from_values.name if mail.from_values else "") or None),
        conversation=stands.references[0] if stands.references else id,
        parent=stands.parent,
    )


def sender(mail: MailMessage) -> str:
    """The address in lower case, of a mail within one machine the user's name; empty where none is given."""
    return (mail.from_ or parseaddr(str(mail.obj.get("from") or ""))[1]).strip().lower()


def _words(mail: MailMessage) -> str:
    """From the plain text, unless that is a mere stub beside the HTML."""
    text = mail.text.strip()
    if not mail.html:
        return written(text)
    whole, unquoted = html_text(mail.html)
    if len(text) * 3 >= len(unquoted):
        return written(text)
    return written(unquoted or whole)


def _attached(mail: Message) -> list[str]:
    """The names of what is attached."""
    names = []
    for part in mail.walk():
        name = None if part.is_multipart() else part.get_filename()
        if name:
            names.append(str(name)[:200])
    return names[:20]


def posted(mail: MailMessage) -> datetime | None:
    """When it was sent: as it says itself, else as the last server saw it."""
    received = [str(value).rpartition(";")[2] for value in mail.obj.get_all("received", [])]
    for value in [str(mail.obj.get("date") or ""), *received]:
        try:
            date = parsedate_to_datetime(value.strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        found = date.replace(tzinfo=UTC) if date.tzinfo is None else date  # "-0000": in UTC, from nowhere in particular
        if found.year >= 1990:
            return found
    return None
