"""What Google's services on loopback have in common: tokens for keys and accounts, and errors as Google words them."""

from __future__ import annotations

import functools
import importlib.resources
import json
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from werkzeug import Request, Response

from tests.sources.fakes import LoopbackService


@functools.cache
def _private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def service_account(token_url: str) -> str:
    """A service account's key, as the console gives it."""
    pem = _private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    account = "reader@acme.iam.gserviceaccount.com"
    return json.dumps(
        {
            "type": "service_account",
            "private_key": pem.decode(),
            "private_key_id": "1",
            "client_email": account,
            "token_uri": token_url,
        }
    )


def refusal(status: int, message: str, reason: str = "", domain: str = "global") -> Response:
    errors = [{"message": message, "domain": domain, "reason": reason}] if reason else []
    body = {"error": {"code": status, "message": message, "errors": errors}}
    return Response(json.dumps(body), status, content_type="application/json")


def documented(api: str, resource: str, method: str, answer: Any) -> Any:
    """`answer`, once it is sure that it has no field that the document of the API in Google's library does not have."""
    document = _document(api)

    def check(value: Any, schema: dict[str, Any], path: str) -> None:
        if "$ref" in schema:
            schema = document["schemas"][schema["$ref"]]
        if isinstance(value, dict):
            for key, each in value.items():
                assert key in schema["properties"], f"no answer of {api} has {path}.{key}"
                check(each, schema["properties"][key], f"{path}.{key}")
        elif isinstance(value, list):
            for each in value:
                check(each, schema["items"], f"{path}[]")

    if not isinstance(answer, Response):
        check(answer, document["resources"][resource]["methods"][method]["response"], f"{resource}.{method}")
    return answer


@functools.cache
def _document(api: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        importlib.resources.files("googleapiclient.discovery_cache.documents")
        .joinpath(f"{api}.json")
        .read_text("utf-8")
    )
    return found


class GoogleService(LoopbackService):
    """Gives tokens to who signs for them, and takes them back when `token` changes."""

    token = "token-1"
    token_refusal: Response | None = None

    def takes_replies(self, request: Request) -> bool:
        return request.method != "GET" and request.path != "/token"

    def signed_in(self, request: Request) -> Response | None:
        """The answer to a request for a token, or to one that shows no valid token."""
        if request.path != "/token":
            shown = request.headers.get("Authorization")
            return None if shown == f"Bearer {self.token}" else refusal(401, "Request had invalid credentials.")
        if self.token_refusal is not None:
            return self.token_refusal
        if assertion := request.form.get("assertion"):
            claims = jwt.decode(
                assertion, _private_key().public_key(), ["RS256"], audience="https://oauth2.googleapis.com/token"
            )
            assert claims["scope"].startswith("https://www.googleapis.com/auth/")
        else:
            assert request.form["refresh_token"] == "lasting"
            assert (request.form["client_id"], request.form["client_secret"]) == ("client", "hush-hush")
        body = {"access_token": self.token, "expires_in": 3600, "token_type": "Bearer"}
        return Response(json.dumps(body), content_type="application/json")
