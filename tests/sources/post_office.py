"""A mailbox on Dovecot and a server that takes mail, as customers and the contract suite see them."""

from __future__ import annotations

import imaplib
import itertools
import uuid
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session
from imap_tools import MailMessage

from monitor.clock import ManualClock
from monitor.sources.base import Source
from monitor.sources.contract import NOW, Answer, FakeService
from monitor.sources.email import Email
from tests.sources.dovecot import PASSWORD, Dovecot, free_port
from tests.sources.gate import Gate

ADDRESS = "Acme Help <help@acme.example>"


class PostOffice(FakeService):
    """One mailbox of its own. Mail that was taken for sending is kept in `sent`, and in the folder as Gmail does it."""

    page_size = 20

    def __init__(self, dovecot: Dovecot) -> None:
        self.user = uuid.uuid4().hex
        self.gate = Gate(dovecot.port)
        self.clock = ManualClock(NOW + timedelta(minutes=5))
        self.sent: list[MailMessage] = []
        self.code = ""  # what the server says to every recipient, in trouble
        self.breaks = ""  # what it breaks off at, once: data, answer
        self._behind = dovecot.port
        self._locked: set[str] = set()
        self._numbers = itertools.count(1)
        self._sources: list[Email] = []
        self._box: imaplib.IMAP4 | None = None
        self.smtp_port = free_port()
        self._smtp = Controller(_Handler(self), hostname="127.0.0.1", port=self.smtp_port)
        self._smtp.start()

    def close(self) -> None:
        for source in self._sources:
            source.close()
        self._smtp.stop()
        if self._box is not None:
            self._box.logout()
        self.gate.close()

    def source(self, **more: Any) -> Source:
        given = {"host": "127.0.0.1", "port": self.gate.port, "security": "none", "username": self.user}
        given |= {"password": PASSWORD, "lookback": "30d", "save_sent": False, "address": ADDRESS}
        given |= {"smtp_host": "127.0.0.1", "smtp_port": self.smtp_port, "smtp_security": "none"}
        source = Email("mail", Email.Options(**(given | more)), (), self.clock)
        self._sources.append(source)
        return source

    # what customers and colleagues do

    def mail(self, text: str, at: datetime, author: str = "ann", **headers: str) -> EmailMessage:
        mail = EmailMessage(policy=SMTP)
        mail["Message-ID"] = f"<{next(self._numbers)}.{self.user}@customers.example>"
        mail["From"] = author if author == "acmehelp" else f"{author} <{author}@customers.example>"
        mail["To"] = ADDRESS
        mail["Date"] = format_datetime(at)
        mail["Subject"] = "A word"
        for name, value in headers.items():
            name = name.replace("_", "-")
            del mail[name]
            mail[name] = value
        mail.set_content(text)
        return mail

    def put(self, mail: EmailMessage | bytes, folder: str = "INBOX") -> None:
        raw = mail if isinstance(mail, bytes) else bytes(mail)
        said, why = self.box.append(folder, "", "", raw)
        assert said == "OK", why

    @property
    def box(self) -> imaplib.IMAP4:
        """Straight to the server, past the gate."""
        if self._box is None:
            self._box = imaplib.IMAP4("127.0.0.1", self._behind)
            self._box.login(self.user, PASSWORD)
        return self._box

    def post(self, text: str, at: datetime, author: str = "ann") -> str:
        mail = self.mail(text, at, author)
        self.put(mail)
        return str(mail["Message-ID"]).strip("<>")

    def garble(self, at: datetime) -> None:
        self.put(b"\xff\xfe\r\n\r\n")

    def reply(self, external_id: str, account: str, at: datetime) -> None:
        self.put(self.mail("we are sorry", at, account, In_Reply_To=f"<{external_id}>"), "Sent")

    def answer(self, answer: Answer | None) -> None:
        self.gate.says = answer.body if answer is not None and answer.status not in (401, 403) else None
        self.gate.refuses = answer is not None and answer.status in (401, 403)
        self.gate.break_off()

    def cut(self) -> None:
        self.gate.break_off()

    def double(self) -> None:
        """A mailbox tells of each mail once."""

    def noise(self) -> None:
        self.garble(NOW)

    def hush(self) -> None:
        self.gate.silent = True

    def replies(self, external_id: str) -> list[str]:
        return [mail.text.strip() for mail in self.sent if mail.obj["In-Reply-To"] == f"<{external_id}>"]

    def lock(self, external_id: str) -> None:
        self.code = "550 5.1.1 no such user"

    def lose_answer(self) -> None:
        self.breaks = "answer"


class _Handler:
    def __init__(self, office: PostOffice) -> None:
        self._office = office

    async def handle_RCPT(  # noqa: N802
        self, server: smtp.SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._office.code:
            return self._office.code
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        breaks, self._office.breaks = self._office.breaks, ""
        if breaks != "data":
            raw = bytes(envelope.content or b"")
            self._office.sent.append(MailMessage.from_bytes(raw))
            self._office.put(raw, "Sent")
        if breaks and server.transport is not None:
            server.transport.abort()
        return "250 OK"
