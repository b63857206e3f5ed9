"""Replies by mail: written into the thread, sent by SMTP, and found again in the folder of sent mail.

The Message-ID of a reply is made from its key. So when an answer of the server is lost and nothing is found in the
folder, the reply that goes out again is the same mail, which most mailboxes show once.
"""

from __future__ import annotations

import hashlib
import smtplib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses, parseaddr

from imap_tools import BaseMailBox, MailMessage

from monitor.errors import AuthError, Refused, RetryLater, Uncertain
from monitor.sources.base import Reply, SeenReply
from monitor.sources.email_imap import Credential, Security, since
from monitor.sources.email_message import posted, sender, thread
from monitor.sources.http import TIMEOUT, certificates

LOOKED_BACK = timedelta(days=7)  # how far replies by people are looked for
_MOST_REFERENCES = 20
_PLAIN = SMTP.clone(cte_type="7bit")  # every server takes it


def message_id(key: str, address: str) -> str:
    domain = parseaddr(address)[1].rpartition("@")[2] or "localhost"
    return f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.firsthour@{domain}"


def composed(reply: Reply, original: MailMessage, address: str, now: datetime) -> EmailMessage:
    """The mail to send. Raises Refused where the original gives nobody to write to."""
    stands = thread(original)
    asked = original.obj.get_all("reply-to", []) or original.obj.get_all("from", [])
    to = next((each for each in getaddresses(list(map(str, asked))) if "@" in each[1] and each[1].isascii()), None)
    if to is None:
        raise Refused("this mail names nobody who could be answered")
    subject = " ".join(original.subject.split())[:200] or "Your message"
    mail = EmailMessage(policy=_PLAIN)
    mail["Message-ID"] = f"<{message_id(reply.key, address)}>"
    mail["Date"] = format_datetime(now)
    mail["From"] = address
    mail["To"] = to[1]
    mail["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    if reply.automatic:
        mail["Auto-Submitted"] = "auto-replied"  # RFC 3834: so that no answering machine answers it
    mail["In-Reply-To"] = f"<{reply.to}>"
    earlier = [*stands.references, reply.to]
    mail["References"] = " ".join(f"<{id}>" for id in dict.fromkeys([earlier[0], *earlier[-_MOST_REFERENCES:]]))
    mail.set_content(reply.text)
    return mail


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The server that takes mail; `key` is where it is configured, such as `sources.mail`."""

    key: str
    host: str
    port: int | None
    security: Security
    credential: Credential

    def send(self, mail: EmailMessage) -> None:
        """Hand the mail over, once. Raises RetryLater (surely not taken), Uncertain (perhaps taken), Refused,
        AuthError."""
        with self._signed_in() as server:
            _taken(self.key, *server.mail(parseaddr(str(mail["From"]))[1]))
            _taken(self.key, *server.rcpt(parseaddr(str(mail["To"]))[1]))
            try:
                code, said = server.data(bytes(mail))
            except smtplib.SMTPDataError as error:
                code, said = error.smtp_code, _bytes(error.smtp_error)
            except (smtplib.SMTPException, OSError) as error:
                raise Uncertain(f"{self.key}: the answer was lost: {type(error).__name__}") from error
            _taken(self.key, code, said)

    def check(self) -> None:
        with self._signed_in() as server, _translated(self.key):
            server.noop()

    @contextmanager
    def _signed_in(self) -> Iterator[smtplib.SMTP]:
        secret = self.credential.secret()
        with _translated(self.key):
            if self.security == "tls":
                server: smtplib.SMTP = smtplib.SMTP_SSL(
                    self.host, self.port or 465, timeout=TIMEOUT, context=certificates()
                )
            else:
                server = smtplib.SMTP(self.host, self.port or 587, timeout=TIMEOUT)
            try:
                if self.security == "starttls":
                    server.starttls(context=certificates())
                server.ehlo_or_helo_if_needed()
                if self.credential.oauth:
                    said = f"user={self.credential.user}\1auth=Bearer {secret}\1\1"
                    server.auth("XOAUTH2", lambda challenge=None: said if challenge is None else "")
                elif self.credential.user and server.has_extn("auth"):
                    server.login(self.credential.user, secret)
                yield server
            finally:
                server.close()


def _taken(key: str, code: int, said: bytes) -> None:
    words = " ".join(said.decode("utf-8", "replace").split())[:300]
    if 400 <= code < 500 or code in (-1, 421):
        raise RetryLater(f"{key}: the mail server answered {code} {words}")
    if code >= 500:
        raise Refused(f"the mail server does not take it: {words} ({code})")


@contextmanager
def _translated(key: str) -> Iterator[None]:
    """Errors while nothing has gone out yet."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        said = " ".join(_bytes(error.smtp_error).decode("utf-8", "replace").split())[:200]
        raise AuthError(f"{key}.password", f"the mail server refuses to let us in: {said}") from None
    except (smtplib.SMTPException, OSError) as error:
        raise RetryLater(f"{key}: {type(error).__name__}: {' '.join(str(error).split())[:200]}") from error


def _bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()


@dataclass
class SentFolder:
    """The replies in the folder of sent mail, read once each; what is kept here is a cache."""

    folder: str
    validity: int = 0
    read: int = 0  # the highest UID
    answers: dict[str, list[SeenReply]] = field(default_factory=dict)  # by the id of what they answer

    def refresh(self, box: BaseMailBox, now: datetime) -> None:
        """`box` has the folder selected."""
        state = box.folder.status(self.folder, ["UIDVALIDITY", "UIDNEXT"])
        if state["UIDVALIDITY"] != self.validity:
            self.validity, self.read, self.answers = state["UIDVALIDITY"], 0, {}
        if self.read + 1 >= state["UIDNEXT"] and self.read:
            return
        wanted = f"UID {self.read + 1}:*" if self.read else since(now - LOOKED_BACK)
        new = [uid for uid in box.uids(wanted) if int(uid) > self.read]
        for mail in box.fetch(uid_list=new, headers_only=True, mark_seen=False, bulk=100) if new else ():
            self._take(mail, now)
        self.read = max(state["UIDNEXT"] - 1, *map(int, new)) if new else state["UIDNEXT"] - 1

    def _take(self, mail: MailMessage, now: datetime) -> None:
        stands = thread(mail)
        if stands.parent is not None and stands.id is not None:
            self.answers.setdefault(stands.parent, []).append(seen(mail, now))

    def to(self, id: str, accounts: Collection[str]) -> list[SeenReply]:
        return [reply for reply in self.answers.get(id, ()) if reply.author in accounts]


def seen(mail: MailMessage, now: datetime) -> SeenReply:
    """A mail of ours. `now` is its time where it tells none."""
    return SeenReply(thread(mail).id or "", (posted(mail) or now).astimezone(UTC), sender(mail))
