"""Where the desk listens and how it is reached: `[web]`, part of monitor/settings.py."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from monitor.section import Section

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
ProxyHeader = Literal["x-forwarded-for", "x-forwarded-proto", "x-forwarded-host"]


class WebSettings(Section):
    bind: str = Field(
        "127.0.0.1:8080", description="address and port of the desk; without [login] only loopback is allowed"
    )
    url: str | None = Field(
        None,
        description="where people open the desk, such as https://desk.acme.example; none: by a loopback name alone",
    )
    public_url: str | None = Field(
        None,
        description="where customers reach `/s/` of the desk and services `/hooks/`, as https://help.acme.example; "
        "none: no links are given",
    )
    proxies: list[str] = Field(
        default_factory=list,
        description="addresses and networks of the proxies whose `proxy_headers` are believed; none: nobody's are",
    )
    proxy_headers: list[ProxyHeader] = Field(
        default_factory=lambda: list[ProxyHeader](("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host")),
        description="which of them; only name those that the proxy sets itself, whatever came in",
    )

    @field_validator("url", "public_url")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^/?#\s@]+(/[^?#\s]*)?", value):
            raise ValueError("write the whole address, such as https://help.acme.example")
        return value.rstrip("/") if value else None

    @field_validator("url")
    @classmethod
    def _root(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).path:
            raise ValueError("the desk needs a name of its own, and no path: https://desk.acme.example")
        return value

    @field_validator("bind")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError('write it as "127.0.0.1:8080"')
        return value

    @field_validator("proxies")
    @classmethod
    def _networks(cls, value: list[str]) -> list[str]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError:
                raise ValueError(f'"{network}" is no address and no network, such as 10.0.0.0/8') from None
        return value

    @property
    def host(self) -> str:
        return host_of(self.bind)

    @property
    def port(self) -> int:
        return int(self.bind.rpartition(":")[2])


def host_of(bind: str) -> str:
    return bind.rpartition(":")[0].strip("[]")
