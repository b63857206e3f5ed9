"""Mail as a transport, by the server of [mail]. A message that is sent twice has one Message-ID, and most mailboxes
show it once."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr

from monitor.alerts.outbox import Message, Receipt
from monitor.clock import Clock
from monitor.digest_settings import MailSettings
from monitor.errors import GiveUp, Refused
from monitor.sources.email_imap import Password
from monitor.sources.email_sent import Outgoing, message_id

_PLAIN = SMTP.clone(cte_type="7bit")  # every server takes it
_SUBJECT = 200


class MailTransport:
    """A message's target is the address that it goes to; the first line of its text is the subject."""

    def __init__(self, settings: MailSettings, clock: Clock) -> None:
        assert settings.host is not None
        assert settings.address is not None
        self._address, self._clock = settings.address, clock
        password = settings.password.get_secret_value() if settings.password else ""
        signed = Password(settings.username or "", password)
        self._outgoing = Outgoing("mail", settings.host, settings.port, settings.security, signed)

    def send(self, message: Message) -> Receipt:
        mail = self._composed(message)
        try:
            self._outgoing.send(mail)
        except Refused as error:
            raise GiveUp(str(error)) from None
        return Receipt(str(mail["Message-ID"]))

    def find(self, message: Message) -> Receipt | None:
        raise GiveUp("a mail server does not tell what was delivered")

    def check(self) -> str:
        self._outgoing.check()
        return f"as {self._address}"

    def _composed(self, message: Message) -> EmailMessage:
        subject, _, body = message.text.partition("\n")
        mail = EmailMessage(policy=_PLAIN)
        mail["Message-ID"] = f"<{message_id(message.key, self._address)}>"
        mail["Date"] = format_datetime(self._clock.now())
        mail["From"] = self._address
        mail["To"] = message.target
        mail["Subject"] = " ".join(subject.split())[:_SUBJECT]
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: so that no answering machine answers it
        mail.set_content(body.strip() or subject)
        if message.html is not None:
            domain = parseaddr(self._address)[1].rpartition("@")[2]
            page, names = message.html, {each.name: make_msgid(domain=domain) for each in message.pictures}
            for name, cid in names.items():
                page = page.replace(f"cid:{name}'", f"cid:{cid[1:-1]}'")
            mail.add_alternative(page, subtype="html")
            shown = mail.get_payload()[-1]  # type: ignore[index]
            assert isinstance(shown, EmailMessage)
            for each in message.pictures:
                shown.add_related(each.png, "image", "png", cid=names[each.name], filename=f"{each.name}.png")
        return mail
