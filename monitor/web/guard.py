"""Who may talk to the desk, and what its pages may do.

The desk must not be a tool in the hands of another web page: a request has to name a loopback host or the desk's own
(else a foreign name was pointed at it: DNS rebinding), and whatever changes something has to come from one of the
desk's own pages, or to carry a program's token, which no other page can make a browser send. What is meant for
customers (`PUBLIC`) and for services (`HOOKS`) is also answered under the public name: there the signed link, or the
signature of the call, is what allows a change.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from monitor.web.problems import problem
from monitor.web_settings import LOOPBACK

PUBLIC = "/s/"
HOOKS = "/hooks/"
LARGEST_FORM = 100_000  # bytes
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_READING = frozenset({"/healthz", "/readyz", "/metrics"})  # nothing to change there, whatever the method
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """ASGI middleware. `own` is the address by which people open the desk, `hosts` are further names, without port, by
    which it may be called; `public` are those by which customers and services call what is meant for them."""

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] = (), public: Iterable[str] = (), own: str | None = None
    ) -> None:
        self.app = app
        self.own = urlsplit(own or "")
        self.hosts = LOOPBACK | {h.lower() for h in (*hosts, self.own.hostname or "") if h}
        self.public = self.hosts | {h.lower() for h in public}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope["method"], Headers(scope=scope), scope["path"])
        static = scope["path"].startswith("/static/")

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers["Cache-Control"] = "no-cache" if static else "no-store"
            await send(message)

        if refusal:
            status, reason = refusal
            plain = not scope["path"].startswith("/api/")
            answer = PlainTextResponse(reason + "\n", status) if plain else problem(status, reason)
            await answer(scope, receive, guarded)
        else:
            await self.app(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers, path: str) -> tuple[int, str] | None:
        host = headers.get("host", "")
        name = _name(host)
        hook = path.startswith(HOOKS)
        public = hook or path.startswith(PUBLIC)
        if name not in (self.public if public else self.hosts):
            named = f", localhost and {self.own.hostname}" if self.own.hostname else " and localhost"
            why = f"The desk answers to 127.0.0.1{named} only; a proxy in front has to send one of them as Host."
            return 421, why if self.own.hostname else why + " `url` in [web] adds a name."
        if method in _READS or hook or path in _READING:
            return None
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            ours = site == "same-origin"
        else:
            named = urlsplit(origin or "").netloc.lower()
            ours = origin is not None and (named == host.lower() or origin.lower() == self.own.geturl().lower() != "")
        token = path.startswith("/api/") and headers.get("authorization", "").lower().startswith("bearer ")
        if not ours and not public and not token:
            return 403, "Changes are accepted from the desk's own pages only (Sec-Fetch-Site or Origin say otherwise)."
        length = headers.get("content-length", "")
        if not length.isdigit():
            return 411, "The length of the form has to be given."
        if int(length) > LARGEST_FORM:
            return 413, f"A form may have {LARGEST_FORM} bytes."
        return None


def _name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""
