"""The mailbox over IMAP: signing in, and what its refusals mean."""

from __future__ import annotations

import imaplib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from imap_tools import AND, BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted, MailMessage
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError

from monitor.clock import Clock
from monitor.errors import AuthError, ConfigurationError, FirsthourError, RetryLater, Uncertain
from monitor.sources.http import TIMEOUT, Http, certificates

Security = Literal["tls", "starttls", "none"]
LARGEST_MAIL = 10_000_000  # bytes; of a larger one only the subject and the names of its attachments are read
_PASSING = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]", "Try again", "Too many")
_EARLIER = timedelta(minutes=5)  # by which a token is made anew before it ends


class Credential(Protocol):
    """`secret` gives the password, or the access token where `oauth` is true."""

    user: str
    oauth: bool

    def secret(self) -> str: ...


class Password:
    oauth = False

    def __init__(self, user: str, password: str) -> None:
        self.user, self._password = user, password

    def secret(self) -> str:
        return self._password


class OAuth:
    """A lasting permission, changed for an access token whenever that has ended."""

    oauth = True

    def __init__(self, name: str, user: str, token_url: str, form: dict[str, str], clock: Clock) -> None:
        """`form`: client_id, refresh_token, and client_secret and scope where the provider asks for them."""
        self.user, self._name, self._form, self._clock = user, name, form, clock
        self._url, self._tokens = token_url, _Tokens(name, token_url, public=False)
        self._token, self._until = "", datetime.min.replace(tzinfo=UTC)

    def secret(self) -> str:
        now = self._clock.now()
        if not self._token or now >= self._until:
            answer = self._tokens.post(self._url, form=self._form | {"grant_type": "refresh_token"})
            token = answer.get("access_token") if isinstance(answer, dict) else None
            if not isinstance(token, str):
                raise RetryLater(f"sources.{self._name}: the answer of token_url holds no access_token")
            lasts = answer.get("expires_in")
            seconds = float(lasts) if isinstance(lasts, (int, float)) else 0.0
            self._token, self._until = token, now + timedelta(seconds=seconds) - _EARLIER
        return self._token


class _Tokens(Http):
    def refused(self, method: str, status: int, headers: Mapping[str, str], body: str) -> FirsthourError | None:
        error = super().refused(method, status, headers, body)
        if error is not None and status in (400, 401, 403):
            hint = "make the refresh token anew, as docs/sources/email.md says"
            return AuthError(f"sources.{self._name}.refresh_token", f"token_url answered {status}: {body[:200]}", hint)
        return RetryLater(str(error)) if isinstance(error, Uncertain) else error  # no mail goes out by this


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Errors of the connection as ours. What a server says that is no IMAP counts as trouble that passes."""
    try:
        yield
    except FirsthourError:
        raise
    except (ImapToolsError, imaplib.IMAP4.error, OSError, EOFError, ValueError, AttributeError, IndexError) as error:
        said = " ".join(str(error).split())[:200]
        raise RetryLater(f"sources.{name}: {type(error).__name__}: {said or 'the connection ended'}") from error


def connected(name: str, host: str, port: int | None, security: Security, credential: Credential) -> BaseMailBox:
    """A mailbox, signed in. Raises AuthError where the credential is refused, RetryLater for everything else."""
    secret = credential.secret()
    with translated(name):
        box: BaseMailBox
        if security == "tls":
            box = MailBox(host, port or 993, TIMEOUT, ssl_context=certificates())
        elif security == "starttls":
            box = MailBoxStartTls(host, port or 143, TIMEOUT, ssl_context=certificates())
        else:
            box = MailBoxUnencrypted(host, port or 143, TIMEOUT)
        try:
            sign_in: Callable[..., object] = box.xoauth2 if credential.oauth else box.login
            if not credential.oauth and not f"{credential.user}{secret}".isascii():
                sign_in = box.login_utf8
            sign_in(credential.user, secret, initial_folder=None)
        except imaplib.IMAP4.abort:
            hang_up(box)
            raise
        except (MailboxLoginError, imaplib.IMAP4.error) as error:
            hang_up(box)
            said = str(error)
            if any(word.lower() in said.lower() for word in _PASSING):
                raise
            key = "refresh_token" if credential.oauth else "password"
            hint = "many providers want an app password or OAuth, see docs/sources/email.md"
            raise AuthError(f"sources.{name}.{key}", f"the mailbox refuses to let us in: {said[:200]}", hint) from None
    return box


def hang_up(box: BaseMailBox) -> None:
    try:
        box.client.shutdown()
    except (OSError, imaplib.IMAP4.error):
        return


def select(box: BaseMailBox, name: str, folder: str) -> None:
    """For reading only: nothing is marked as seen. Raises ConfigurationError where there is no such folder."""
    try:
        box.folder.set(folder, readonly=True)
    except MailboxFolderSelectError:
        known = "known: " + ", ".join(each.name for each in box.folder.list())[:300]
        raise ConfigurationError(f"sources.{name}.folders", f'there is no folder "{folder}"', known) from None


def since(moment: datetime) -> str:
    """The search for mails that arrived on the day of `moment` or later."""
    return str(AND(date_gte=moment.date()))


def mails(box: BaseMailBox, uids: list[str]) -> Iterator[MailMessage]:
    """The mails with these UIDs in the folder that is selected, without the contents of those that are too large. One
    that was deleted meanwhile is left out."""
    for head in list(box.fetch(uid_list=uids, headers_only=True, mark_seen=False, bulk=True)) if uids else ():
        if head.size_rfc822 > LARGEST_MAIL:
            yield head
        elif head.uid is not None:
            yield from box.fetch(uid_list=[head.uid], mark_seen=False)
