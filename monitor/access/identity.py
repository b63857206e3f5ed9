"""Signing in through somebody who knows the person: OpenID Connect's code flow with PKCE, by Authlib.

What is believed is an ID token that the provider's published key has signed, issued for this desk, a moment ago, for
this very sign-in (nonce). Where it names no address, the provider is asked for it with the access token.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog

from monitor.errors import FirsthourError, Refused
from monitor.login_settings import LoginSettings
from monitor.storable import storable

SCOPES = "openid email profile"
ALGORITHMS = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
LEEWAY = 120  # seconds that two clocks may differ
PATIENCE = 10  # seconds
DESCRIBED_FOR = timedelta(hours=1)
SILENT = timedelta(seconds=10)
WORKSPACE = "https://slack.com/team_id"

log = structlog.stdlib.get_logger(__name__)


class ProviderTrouble(FirsthourError):
    """The provider does not answer as it should; the log says how."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the provider means. `email` is None where there is none that it has verified."""

    subject: str
    email: str | None
    name: str
    workspace: str | None


@dataclass(frozen=True, slots=True)
class Flow:
    """One sign-in under way. All of it follows from a secret that only the browser has, so nothing has to be stored."""

    secret: str

    @property
    def state(self) -> str:
        return self._of("state")

    @property
    def nonce(self) -> str:
        return self._of("nonce")

    @property
    def verifier(self) -> str:
        return self._of("verifier")

    def _of(self, what: str) -> str:
        return hashlib.sha256(f"firsthour {what} {self.secret}".encode("utf-8", "replace")).hexdigest()


class Provider:
    """`kind` is what the desk calls it: `slack` or `oidc`."""

    def __init__(
        self, kind: str, issuer: str, client_id: str, client_secret: str | None, trust_email: bool = False
    ) -> None:
        self.kind, self._issuer, self._client_id, self._secret = kind, issuer, client_id, client_secret
        self._trust_email = trust_email
        self._described: tuple[datetime, dict[str, Any]] | None = None
        self._keys: dict[str, Any] | None = None
        self._silent_until: datetime | None = None
        self._lock = threading.Lock()

    def check(self, now: datetime) -> str:
        """How many keys it publishes. Raises ProviderTrouble."""
        self._endpoint("authorization_endpoint", now)
        self._endpoint("token_endpoint", now)
        return f"{len(self._key_set(now).get('keys', []))} keys"

    def address(self, flow: Flow, back_to: str, now: datetime) -> str:
        """Where the browser has to go. Raises ProviderTrouble."""
        with self._session(back_to, now) as session:
            where = self._endpoint("authorization_endpoint", now)
            address, _ = session.create_authorization_url(
                where, state=flow.state, nonce=flow.nonce, code_verifier=flow.verifier
            )
        return str(address)

    def identity(self, flow: Flow, code: str, back_to: str, now: datetime) -> Identity:
        """Who came back with `code`. Raises Refused for a code or an ID token that does not fit, ProviderTrouble."""
        from authlib.integrations.base_client import OAuthError
        from joserfc.errors import JoseError
        from requests import RequestException

        try:
            with self._session(back_to, now) as session:
                token = session.fetch_token(
                    self._endpoint("token_endpoint", now),
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=flow.verifier,
                )
                claims = self._claims(token, flow.nonce, now)
                if "email" not in claims and self._description(now).get("userinfo_endpoint"):
                    claims = self._more(session, claims, now)
        except OAuthError as error:
            log.warning("a sign-in was refused by its provider", provider=self.kind, error=str(error.error)[:100])
            raise Refused("The provider did not accept the sign-in: begin again.") from None
        except (JoseError, ValueError) as error:
            log.warning("an ID token was refused", provider=self.kind, error=type(error).__name__, why=str(error)[:200])
            raise Refused("The provider's answer was not meant for this sign-in: begin again.") from None
        except RequestException as error:
            raise self._trouble(error) from None
        return self._identity(claims)

    def _claims(self, token: Mapping[str, Any], nonce: str, now: datetime) -> dict[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import BadSignatureError, InvalidKeyIdError
        from joserfc.jwk import KeySet

        told = self._description(now).get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = sorted(ALGORITHMS.intersection(told))
        raw = token.get("id_token")
        if not isinstance(raw, str) or not algorithms:
            raise ValueError("there is no ID token" if algorithms else "there is no algorithm that can be trusted")
        try:
            read = jwt.decode(raw, KeySet.import_key_set(self._key_set(now)), algorithms=algorithms)  # type: ignore[arg-type]
        except (InvalidKeyIdError, BadSignatureError):  # the provider may have new keys
            keys: Any = self._key_set(now, anew=True)
            read = jwt.decode(raw, KeySet.import_key_set(keys), algorithms=algorithms)
        claims = CodeIDToken(
            read.claims,
            read.header,
            {
                "iss": {"essential": True, "value": self._description(now)["issuer"]},
                "aud": {"essential": True, "value": self._client_id},
            },
            {"nonce": nonce, "client_id": self._client_id, "access_token": token.get("access_token")},
        )
        claims.validate(now=int(now.timestamp()), leeway=LEEWAY)
        return dict(claims)

    def _more(self, session: Any, claims: dict[str, Any], now: datetime) -> dict[str, Any]:
        """The claims with those that only the userinfo endpoint tells."""
        answer = session.get(self._endpoint("userinfo_endpoint", now), allow_redirects=False)
        told = answer.json() if answer.status_code == 200 else {}
        if not isinstance(told, dict) or told.get("sub") != claims["sub"]:
            return claims
        return {**told, **claims}

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        email, verified = claims.get("email"), claims.get("email_verified")
        believed = verified is True or (self._trust_email and verified is not False)
        names = (claims.get(key) for key in ("name", "preferred_username", "nickname", "email"))
        name = next((n for n in names if isinstance(n, str) and n.strip()), "")
        workspace = claims.get(WORKSPACE)
        return Identity(
            subject=f"{self.kind} {storable(str(claims['sub']), 300)}",
            email=email.strip().casefold() if isinstance(email, str) and believed else None,
            name=name,
            workspace=workspace if isinstance(workspace, str) else None,
        )

    def _session(self, back_to: str, now: datetime) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        ways = self._description(now).get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        method = "none" if self._secret is None else next((w for w in _WAYS if w in ways), "client_secret_basic")
        return OAuth2Session(
            self._client_id,
            self._secret,
            scope=SCOPES,
            redirect_uri=back_to,
            code_challenge_method="S256",
            token_endpoint_auth_method=method,
            default_timeout=PATIENCE,
        )

    def _endpoint(self, name: str, now: datetime) -> str:
        address = self._description(now).get(name)
        if not isinstance(address, str) or urlsplit(address).scheme not in ("https", urlsplit(self._issuer).scheme):
            raise ProviderTrouble(f"the description of {self._issuer} has no usable {name}")
        return address

    def _description(self, now: datetime) -> dict[str, Any]:
        """What the provider publishes about itself."""
        with self._lock:
            if self._described is not None and now - self._described[0] < DESCRIBED_FOR:
                return self._described[1]
            if self._silent_until is not None and now < self._silent_until:
                raise ProviderTrouble(f"{urlsplit(self._issuer).hostname} does not answer just now")
            self._silent_until = now + SILENT  # so that not everybody waits for one that is away
            found = self._get(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
            if str(found.get("issuer", "")).rstrip("/") != self._issuer.rstrip("/"):
                raise ProviderTrouble(f"{self._issuer} describes another issuer: {str(found.get('issuer'))[:200]}")
            self._described, self._keys, self._silent_until = (now, found), None, None
            return found

    def _key_set(self, now: datetime, anew: bool = False) -> dict[str, Any]:
        address = self._endpoint("jwks_uri", now)
        with self._lock:
            if self._keys is None or anew:
                self._keys = self._get(address)
            return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        import requests

        try:
            answer = requests.get(address, timeout=PATIENCE, headers={"Accept": "application/json"})
            answer.raise_for_status()
            found = answer.json()
        except requests.RequestException as error:
            raise self._trouble(error) from None
        if not isinstance(found, dict):
            raise ProviderTrouble(f"{address} is no JSON object")
        return found

    def _trouble(self, error: Exception) -> ProviderTrouble:
        log.warning("an identity provider does not answer", provider=self.kind, error=str(error)[:300])
        return ProviderTrouble(f"{urlsplit(self._issuer).hostname} does not answer just now")


def providers_of(login: LoginSettings) -> dict[str, Provider]:
    """Those that are configured, by what their addresses call them."""
    found = {}
    if login.slack_client_id is not None and login.slack_client_secret is not None:
        secret = login.slack_client_secret.get_secret_value()
        found["slack"] = Provider("slack", login.slack_issuer, login.slack_client_id, secret)
    if login.oidc_issuer is not None and login.oidc_client_id is not None:
        hidden = login.oidc_client_secret.get_secret_value() if login.oidc_client_secret is not None else None
        trusted = login.oidc_trust_email
        found["oidc"] = Provider("oidc", login.oidc_issuer, login.oidc_client_id, hidden, trusted)
    return found


_WAYS = ("client_secret_basic", "client_secret_post")
