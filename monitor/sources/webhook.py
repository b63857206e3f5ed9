"""Webhook: whatever another program sends, signed, to `/hooks/NAME`. See docs/sources/webhook.md."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import jsonpath
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from monitor.errors import GiveUp, Refused
from monitor.section import Duration, Zone
from monitor.sources.base import Capabilities, Cursor, Item, Page, Reject, Reply, SeenReply
from monitor.sources.hooks import Call, CallRefused, Heard
from monitor.sources.record import KEYS, read_item
from monitor.sources.webhook_callback import Callback
from monitor.sources.webhook_signature import Encoding, Signature, key_of

_PATHS = jsonpath.JSONPathEnvironment(strict=True)
_SHORTEST_SECRET = 16  # characters


class Webhook:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid", frozen=True)
        secret: SecretStr = Field(description="what the sender signs with; `whsec_...` is base64")
        signature_header: str = Field(Signature().header, description="where the signature is", min_length=1)
        signature_prefix: str = Field(Signature().prefix, description='what stands before it: "v1,", "sha256=" or ""')
        encoding: Encoding = Field(Signature().encoding, description="how it is written")
        timestamp_header: str = Field(
            Signature().timestamp_header,
            description='where a call has its time, in seconds since 1970; "": nowhere',
        )
        id_header: str = Field(Signature().id_header, description='where a call has its id; "": nowhere')
        signed: str = Field(Signature().signed, description="what is signed, of {id}, {timestamp} and {body}")
        tolerance: Duration = Field(timedelta(minutes=5), description="how far a call's time may be from ours")
        items: str = Field("$", description="JSONPath to the items in the body; a list is taken apart")
        fields: dict[str, str] = Field(
            default_factory=dict, description="JSONPath within an item for each of: " + ", ".join(KEYS)
        )
        timezone: Zone | None = Field(None, description="of dates without an offset; none: they are refused")
        best_rating: float = Field(5, gt=0, description="the best rating there is; others are scaled to 5")
        callback_url: str | None = Field(None, description="where replies are sent; none: it takes no replies")
        callback_secret: SecretStr | None = Field(None, description="what replies are signed with; none: `secret`")
        account: str = Field("us", min_length=1, description="under whose name replies stand")
        reply_limit: int | None = Field(None, gt=0, description="the longest reply, in characters; none: no limit")

        @field_validator("secret", "callback_secret")
        @classmethod
        def _strong(cls, value: SecretStr | None) -> SecretStr | None:
            if value is not None:
                key_of(value.get_secret_value())
                if len(value.get_secret_value()) < _SHORTEST_SECRET:
                    raise ValueError(f"at least {_SHORTEST_SECRET} characters: `openssl rand -hex 32` makes one")
            return value

        @field_validator("items", "fields")
        @classmethod
        def _paths(cls, value: Any) -> Any:
            for key, path in value.items() if isinstance(value, dict) else [("items", value)]:
                if key not in (*KEYS, "items"):
                    raise ValueError(f'"{key}" is no field; known: {", ".join(KEYS)}')
                try:
                    _PATHS.compile(path)
                except jsonpath.JSONPathError as error:
                    why = str(error).splitlines()[0]
                    raise ValueError(f'{key}: "{path}" is no JSONPath such as $.review.text: {why}') from None
            return value

        @field_validator("callback_url")
        @classmethod
        def _web(cls, value: str | None) -> str | None:
            if value is not None and not value.startswith(("http://", "https://")):
                raise ValueError("write the whole address, such as https://shop.example/replies")
            return value

        @model_validator(mode="after")
        def _covered(self) -> Webhook.Options:
            for part, header in (("{timestamp}", self.timestamp_header), ("{id}", self.id_header)):
                if bool(header) != (part in self.signed):
                    name = part.strip("{}")
                    raise ValueError(f"{name}_header and {part} in `signed` belong together: give both, or neither")
            if "{body}" not in self.signed:
                raise ValueError("`signed` needs {body}, else anybody could change what a call says")
            return self

    def __init__(self, name: str, options: Options, terms: tuple[str, ...] = ()) -> None:
        self.name = name
        self._options = options
        self._signature = Signature(
            options.signature_header,
            options.signature_prefix,
            options.encoding,
            options.timestamp_header,
            options.id_header,
            options.signed,
        )
        self._key = key_of(options.secret.get_secret_value())
        self._items = _PATHS.compile(options.items)
        self._fields = {key: _PATHS.compile(options.fields.get(key, f"$.{key}")) for key in KEYS}
        self._zone = ZoneInfo(options.timezone) if options.timezone else None
        url, own = options.callback_url, options.callback_secret or options.secret
        self._callback = Callback(name, url, key_of(own.get_secret_value()), options.account) if url else None
        self.capabilities = Capabilities(
            reply=url is not None, reply_limit=options.reply_limit, hook=True, edits=True, deletions=True
        )

    def hear(self, call: Call, now: datetime) -> Heard:
        if call.method != "POST":
            raise CallRefused(405, "send what is new with POST")
        nonce, until = self._signature.verify(self._key, call, now, self._options.tolerance)
        try:
            whole = json.loads(call.body.decode("utf-8-sig"))
            found = self._items.findall(whole)
        except UnicodeDecodeError as error:
            raise CallRefused(422, f"the body is not UTF-8 at byte {error.start}") from None
        except json.JSONDecodeError as error:
            raise CallRefused(422, f"the body is not JSON: {error.msg} at character {error.pos}") from None
        except (ValueError, RecursionError, jsonpath.JSONPathError):
            raise CallRefused(422, "the body cannot be read: nested too deeply, or a number too long") from None
        records = [each for one in found for each in (one if isinstance(one, list) else [one])]
        if not records and not found:
            raise CallRefused(422, f"nothing in the body is at {self._options.items}")
        items, rejects = [], []
        for place, record in enumerate(records, 1):
            try:
                items.append(self._item(record, now))
            except (ValueError, OverflowError, RecursionError, jsonpath.JSONPathError) as error:
                why = f"item {place}: {error or type(error).__name__}"
                rejects.append(Reject(why, json.dumps(record, ensure_ascii=False)[:2_000]))
        return Heard(tuple(items), tuple(rejects), nonce, until)

    def _item(self, record: Any, now: datetime) -> Item:
        if not isinstance(record, dict):
            raise ValueError("it is no object")
        given: dict[str, Any] = {}
        for key, path in self._fields.items():
            found = [value for value in path.findall(record) if value is not None]
            words = [value for value in found if isinstance(value, str) and value]
            if key == "media" and words:
                given[key] = words
            elif key == "text" and len(words) > 1:
                given[key] = "\n\n".join(words)  # a title and what is below it
            elif found:
                given[key] = found[0]
        item = read_item(given, now, self._zone)
        return item if item.rating is None else replace(item, rating=item.rating * 5 / self._options.best_rating)

    def fetch(self, cursor: Cursor | None, now: datetime) -> Page:
        """Nothing: what there is comes by itself."""
        return Page((), cursor or {})

    def check(self) -> str:
        return f"waits for calls to /hooks/{self.name}" + (", replies go out" if self._callback else "")

    def replies_to(
        self, external_ids: tuple[str, ...], accounts: frozenset[str], besides: frozenset[str] = frozenset()
    ) -> Mapping[str, SeenReply]:
        """Replies come as items, with the brand's account as their author and a `parent`."""
        return {}

    def reply(self, reply: Reply, now: datetime) -> SeenReply:
        if self._callback is None:
            raise Refused(f"{self.name} has no callback_url to send replies to")
        return self._callback.send(reply, now)

    def find_reply(self, reply: Reply) -> SeenReply | None:
        if self._callback is None:
            raise GiveUp(f"sources.{self.name} has no callback_url to ask")
        return self._callback.find(reply)

    def barrier(self, mention: str) -> str | None:
        return None

    def close(self) -> None:
        if self._callback is not None:
            self._callback.close()
