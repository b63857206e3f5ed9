"""An identity provider on loopback that keeps to OpenID Connect: discovery, keys, codes that serve once, PKCE, nonce,
client authentication, userinfo. `lie` changes the claims of the next ID tokens; other attributes make it misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from monitor.clock import Clock

CLIENT, SECRET = "desk-1", "a secret / with = signs"


@dataclass
class IdentityProvider:
    clock: Clock
    returns: list[str] = field(default_factory=list)
    """Where browsers may be sent back to, as registered."""
    person: dict[str, Any] = field(default_factory=lambda: {"sub": "u1", "name": "Mari Maasikas"})
    """Who is signed in there: the claims about them."""
    lie: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    email_in_userinfo: bool = False
    broken: set[str] = field(default_factory=set)
    """Paths that answer 500."""
    asked: list[str] = field(default_factory=list)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    issuer: str = ""

    def __post_init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        """A new key in place of the old one."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._kid = secrets.token_hex(4)

    def keys(self) -> dict[str, Any]:
        public = json.loads(RSAAlgorithm.to_jwk(self._key.public_key()))
        return {"keys": [public | {"kid": self._kid, "alg": "RS256", "use": "sig"}]}

    def description(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, asked: dict[str, str]) -> tuple[int, str]:
        """The address that the browser is sent on to; 400 where nobody may be sent anywhere."""
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") not in self.returns:
            return 400, "unknown client or redirect_uri"
        fits = asked.get("response_type") == "code" and "openid" in asked.get("scope", "").split()
        if not fits or asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            given = {"error": "invalid_request", "state": asked.get("state", "")}
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            given = {"code": code, "state": asked.get("state", "")}
        return 302, f"{asked['redirect_uri']}?{urlencode(given)}"

    def token(self, form: dict[str, str], basic: str | None) -> tuple[int, dict[str, Any]]:
        if basic != f"{CLIENT}:{SECRET}" and (form.get("client_id"), form.get("client_secret")) != (CLIENT, SECRET):
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if (
            begun is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != begun["redirect_uri"]
            or challenge.rstrip(b"=").decode() != begun["code_challenge"]
        ):
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.tokens[access] = self.person
        return 200, {"access_token": access, "token_type": "Bearer", "id_token": self._id_token(begun, access)}

    def _id_token(self, begun: dict[str, str], access: str) -> str:
        now = int(self.clock.now().timestamp())
        half = hashlib.sha256(access.encode()).digest()[:16]
        person = {k: v for k, v in self.person.items() if not (self.email_in_userinfo and k.startswith("email"))}
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "at_hash": base64.urlsafe_b64encode(half).rstrip(b"=").decode(),
            **person,
        }
        if "nonce" in begun:
            claims["nonce"] = begun["nonce"]
        claims = {key: value for key, value in (claims | self.lie).items() if value is not None}
        headers = {"kid": self._kid}
        if self.algorithm == "none":
            return jwt.encode(claims, "", algorithm="none", headers=headers)
        if self.algorithm == "HS256":
            return jwt.encode(claims, SECRET.ljust(32), algorithm="HS256", headers=headers)
        return jwt.encode(claims, self._key, algorithm="RS256", headers=headers)


@contextmanager
def serving(clock: Clock) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(clock)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
            provider.asked.append(parts.path)
            bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
            if parts.path in provider.broken:
                self._answer(500, {"error": "broken"})
            elif parts.path == "/.well-known/openid-configuration":
                self._answer(200, provider.description())
            elif parts.path == "/keys":
                self._answer(200, provider.keys())
            elif parts.path == "/userinfo" and bearer in provider.tokens:
                self._answer(200, provider.tokens[bearer])
            elif parts.path == "/authorize":
                status, said = provider.authorize(asked)
                self._answer(status, {"said": said}, {"Location": said} if status == 302 else {})
            else:
                self._answer(401 if parts.path == "/userinfo" else 404, {})

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            form = {key: values[0] for key, values in parse_qs(body).items()}
            kind, _, given = self.headers.get("Authorization", "").partition(" ")
            basic = base64.b64decode(given).decode() if kind == "Basic" else None
            if self.path in provider.broken:
                self._answer(500, {"error": "broken"})
            elif self.path == "/token":
                self._answer(*provider.token(form, basic))
            else:
                self._answer(404, {})

        def _answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            raw = json.dumps(body, default=_plain).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
