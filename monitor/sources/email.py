"""Mail: the mailboxes to which customers write, and answers in the same thread. See docs/sources/email.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

import structlog
from imap_tools import AND, BaseMailBox, H, MailMessage
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.clock import Clock, SystemClock
from monitor.errors import FirsthourError, Refused, RetryLater
from monitor.section import Duration
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply, first_of
from monitor.sources.email_idle import MailStream
from monitor.sources.email_imap import (
    Credential,
    OAuth,
    Password,
    Security,
    connected,
    hang_up,
    mails,
    select,
    since,
    translated,
)
from monitor.sources.email_message import automatic, read_mail, thread
from monitor.sources.email_sent import Outgoing, SentFolder, composed, message_id, seen

PAGE = 20  # mails
_OVERLAP = timedelta(days=1)  # read again where the server has numbered a folder anew

log = structlog.stdlib.get_logger(__name__)


class Email:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        host: str = Field(min_length=1, description="the IMAP server")
        port: int | None = Field(None, ge=1, le=65535, description="none: 993 with `tls`, else 143")
        security: Security = Field("tls", description="`none` only on this machine: the password goes in the clear")
        username: str = Field(min_length=1, description="how the mailbox is signed in to, often its address")
        password: SecretStr | None = Field(None, description="or an app password; none: OAuth")
        token_url: str | None = Field(None, description="OAuth: where a refresh token is changed for an access token")
        client_id: str | None = Field(None, description="OAuth")
        client_secret: SecretStr | None = Field(None, description="OAuth, where the provider gives one")
        refresh_token: SecretStr | None = Field(None, description="OAuth")
        scope: str | None = Field(None, description="OAuth, where the provider asks for it")
        folders: list[str] = Field(default_factory=lambda: ["INBOX"], min_length=1, description="what is read")
        lookback: Duration = Field(timedelta(days=1), description="how far back the first poll reads")
        stream: bool = Field(True, description="hear of new mail in the first folder as it arrives (IDLE)")
        automatic: bool = Field(False, description="also read what programs sent: newsletters, bounces, reports")
        address: str | None = Field(None, description="who answers, as `Acme Help <help@acme.example>`")
        smtp_host: str | None = Field(None, description="the server that takes replies; none: it takes no replies")
        smtp_port: int | None = Field(None, ge=1, le=65535, description="none: 465 with `tls`, else 587")
        smtp_security: Security = Field("tls", description="as `security`")
        sent_folder: str | None = Field("Sent", description="where replies are looked for; none: nowhere")
        save_sent: bool = Field(True, description="put a copy of replies there; Gmail and Outlook do so themselves")

        @field_validator("address")
        @classmethod
        def _mailbox(cls, value: str | None) -> str | None:
            if value is not None and (not parseaddr(value)[1].isascii() or "@" not in parseaddr(value)[1]):
                raise ValueError('write it as "help@acme.example" or "Acme Help <help@acme.example>"')
            return value

        @model_validator(mode="after")
        def _whole(self) -> Email.Options:
            if self.password is None and not (self.token_url and self.client_id and self.refresh_token):
                raise ValueError("give a password, or token_url, client_id and refresh_token")
            if self.smtp_host and not self.address:
                raise ValueError("replies need an address from which they come")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...] = (), clock: Clock | None = None) -> None:
        self.name = name
        self._options = options
        self._clock = clock or SystemClock()
        self._credential = _credential(name, options, self._clock)
        self._box: BaseMailBox | None = None  # kept while pages follow each other
        self._sent = SentFolder(options.sent_folder or "")
        self._outgoing = (
            Outgoing(f"sources.{name}", options.smtp_host, options.smtp_port, options.smtp_security, self._credential)
            if options.smtp_host
            else None
        )
        self.capabilities = Capabilities(
            reply=self._outgoing is not None,
            place="E-mail",
            sees_replies=options.sent_folder is not None,
            stream=options.stream,
        )

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        kept, self._box = self._box, None
        box = kept or self._connected()
        try:
            with translated(self.name):
                page = self._page(box, cursor or {}, now)
        except FirsthourError as error:
            hang_up(box)
            if kept is not None and isinstance(error, RetryLater):
                return self.fetch(cursor, now)  # it ended since the last page, which says nothing of the server
            raise
        if page.more:
            self._box = box
        else:
            hang_up(box)
        return page

    def listen(self) -> MailStream:
        folder, box = self._options.folders[0], self._connected()
        try:
            with translated(self.name):
                select(box, self.name, folder)
                state = box.folder.status(folder, ["UIDVALIDITY", "UIDNEXT"])
        except FirsthourError:
            hang_up(box)
            raise

        def read(mail: MailMessage) -> Item | Reject | None:
            return self._read(mail, f"{folder}/{state['UIDVALIDITY']}/{mail.uid}", self._clock.now())

        return MailStream(self.name, box, state["UIDNEXT"] - 1, read)

    def _page(self, box: BaseMailBox, cursor: Cursor, now: datetime) -> Page:
        """The next mails of one folder. A folder's place is its UIDVALIDITY and the last UID that was read."""
        folders = self._options.folders
        places: dict[str, Any] = {each: place for each, place in cursor.get("folders", {}).items() if each in folders}
        folder: str = cursor["next"] if cursor.get("next") in folders else folders[0]
        select(box, self.name, folder)
        place = self._place(box, folder, places.get(folder), cursor.get("polled"), now)
        uids = sorted(uid for uid in map(int, box.uids(f"UID {place['uid'] + 1}:*")) if uid > place["uid"])
        items, rejects = [], []
        for mail in mails(box, [str(uid) for uid in uids[:PAGE]]):
            found = self._read(mail, f"{folder}/{place['validity']}/{mail.uid}", now)
            if isinstance(found, Item):
                items.append(found)
            elif found is not None:
                rejects.append(found)
        places[folder] = place | {"uid": uids[:PAGE][-1] if uids else place["uid"]}
        after = folders[folders.index(folder) + 1 :]
        following = folder if len(uids) > PAGE else after[0] if after else None
        reached = {"folders": places, "next": following, "polled": now.isoformat()}
        return Page(tuple(items), reached, more=following is not None, rejects=tuple(rejects))

    def _place(
        self, box: BaseMailBox, folder: str, place: dict[str, int] | None, polled: str | None, now: datetime
    ) -> dict[str, int]:
        """Where reading goes on. A folder that is new, or was numbered anew, is read from a date on: what is known
        there already is known by its Message-ID."""
        state = box.folder.status(folder, ["UIDVALIDITY", "UIDNEXT"])
        if place is not None and place["validity"] == state["UIDVALIDITY"]:
            return place
        first = now - self._options.lookback
        if place is not None and polled:
            first = min(first, datetime.fromisoformat(polled) - _OVERLAP)
        uids = [int(uid) for uid in box.uids(since(first))]
        return {"validity": state["UIDVALIDITY"], "uid": min([*uids, state["UIDNEXT"]]) - 1}

    def _read(self, mail: MailMessage, place: str, now: datetime) -> Item | Reject | None:
        try:
            if automatic(mail) and not self._options.automatic:
                return None
            return read_mail(mail, now)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            return Reject(f"{type(error).__name__}: {error}", str(mail.obj)[:2_000], place)

    def check(self) -> str:
        box = self._connected()
        try:
            with translated(self.name):
                found = []
                for folder in self._options.folders:
                    select(box, self.name, folder)
                    found.append(f"{folder}: {box.folder.status(folder, ['MESSAGES'])['MESSAGES']} mails")
                if self._options.sent_folder:
                    select(box, self.name, self._options.sent_folder)
        finally:
            hang_up(box)
        if self._outgoing is not None:
            self._outgoing.check()
            found.append(f"replies by {self._options.smtp_host}")
        return "reached; " + ", ".join(found)[:180]

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        if not external_ids or not accounts or not self._options.sent_folder:
            return {}
        with self._selected(self._options.sent_folder) as box:
            self._sent.refresh(box, self._clock.now())
        found = {id: first_of(self._sent.to(id, accounts), besides) for id in external_ids}
        return {id: reply for id, reply in found.items() if reply is not None}

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        if self._outgoing is None or self._options.address is None:
            raise Refused(f"{self.name} has no smtp_host to send replies by")
        mail = composed(reply, self._original(reply.to), self._options.address, now)
        self._outgoing.send(mail)
        self._save(bytes(mail))
        return SeenReply(message_id(reply.key, self._options.address), now, parseaddr(self._options.address)[1].lower())

    def _original(self, id: str) -> MailMessage:
        for folder in self._options.folders:
            with self._selected(folder) as box:
                if (mail := _by_id(box, id)) is not None:
                    return mail
        raise Refused("the mail is no longer in the folders that are read, so there is nothing to answer to")

    def _save(self, mail: bytes) -> None:
        """A copy for the folder of sent mail. It went out, so nothing that happens here can undo it."""
        if not self._options.save_sent or not self._options.sent_folder:
            return
        try:
            with self._selected(self._options.sent_folder) as box:
                box.append(mail, self._options.sent_folder, flag_set=["\\Seen"])
        except FirsthourError as error:
            log.warning("a reply was sent, but not kept in the folder of sent mail", source=self.name, error=str(error))

    def find_reply(self, reply: Reply) -> SeenReply | None:
        if not self._options.sent_folder or not self._options.address:
            return None  # sent again it has the same Message-ID
        with self._selected(self._options.sent_folder) as box:
            mail = _by_id(box, message_id(reply.key, self._options.address))
        return seen(mail, reply.since) if mail is not None else None

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        if self._box is not None:
            hang_up(self._box)
            self._box = None

    def _connected(self) -> BaseMailBox:
        return connected(self.name, self._options.host, self._options.port, self._options.security, self._credential)

    @contextmanager
    def _selected(self, folder: str) -> Iterator[BaseMailBox]:
        """A connection of its own: replies are sent and looked for while another thread reads."""
        box = self._connected()
        try:
            with translated(self.name):
                select(box, self.name, folder)
                yield box
        finally:
            hang_up(box)


def _by_id(box: BaseMailBox, id: str) -> MailMessage | None:
    if not id.isascii():
        return None
    uids = box.uids(AND(header=H("Message-ID", f"<{id}>")))
    found = box.fetch(uid_list=uids, headers_only=True, mark_seen=False) if uids else ()
    return next((mail for mail in found if thread(mail).id == id), None)  # servers look for a part of it


def _credential(name: str, options: Email.Options, clock: Clock) -> Credential:
    if options.password is not None:
        return Password(options.username, options.password.get_secret_value())
    secrets = {"client_secret": options.client_secret, "refresh_token": options.refresh_token}
    form = {key: secret.get_secret_value() for key, secret in secrets.items() if secret is not None}
    form |= {key: value for key, value in (("client_id", options.client_id), ("scope", options.scope)) if value}
    return OAuth(name, options.username, options.token_url or "", form, clock)
