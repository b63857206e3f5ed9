"""What a proxy in front says of the browser behind it: believed of those that the settings name, of nobody else."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.web_settings import WebSettings

_HOST = re.compile(r"[\w.:\[\]-]{1,255}", re.ASCII)


class Proxied:
    """ASGI middleware: the outermost, so that everything behind it sees the browser's own address, scheme and host."""

    def __init__(self, app: ASGIApp, web: WebSettings) -> None:
        self.app, self._headers = app, frozenset(web.proxy_headers)
        self._proxies = [ipaddress.ip_network(each) for each in web.proxies]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client is not None and self._trusted(client[0]):
            self._believe(scope, Headers(scope=scope))
        await self.app(scope, receive, send)

    def _believe(self, scope: Scope, said: Headers) -> None:
        if "x-forwarded-for" in self._headers and (chain := _list(said.getlist("x-forwarded-for"))):
            # Each proxy adds whom it heard at the end: the last that is no proxy of ours is who came in.
            strangers = [each for each in chain if not self._trusted(each)]
            found = _address((strangers or chain)[-1])
            if found is not None:
                scope["client"] = (found, 0)
        scheme, host = self._last(said, "x-forwarded-proto"), self._last(said, "x-forwarded-host")
        if scheme in ("http", "https"):
            scope["scheme"] = scheme
        if host is not None and _HOST.fullmatch(host):
            MutableHeaders(scope=scope)["host"] = host

    def _last(self, said: Headers, name: str) -> str | None:
        return next(iter(_list(said.getlist(name))[-1:]), None) if name in self._headers else None

    def _trusted(self, address: str) -> bool:
        found = _address(address)
        return found is not None and any(ipaddress.ip_address(found) in network for network in self._proxies)


def _list(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _address(text: str) -> str | None:
    """An address without port and brackets; IPv4 in its IPv6 form as IPv4."""
    plain = text.strip()
    if plain.startswith("["):
        plain = plain[1:].partition("]")[0]
    elif plain.count(":") == 1:
        plain = plain.partition(":")[0]
    try:
        found = ipaddress.ip_address(plain)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
