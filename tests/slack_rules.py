"""What Slack takes: the types of its own SDK as JSON schema, slack_sdk's checks, and the limits that its pages name.

https://docs.slack.dev/reference/block-kit and https://docs.slack.dev/reference/views
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from jsonschema import Draft7Validator
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

TYPES = Path(__file__).with_name("slack_types.json")
IN_ALL = 13_200  # characters in the blocks of one message; Slack names no figure, people meet one about here

_BETWEEN: dict[str, dict[str, tuple[int, int]]] = {  # by type, then by what of it: at least, at most
    "message": {"blocks": (0, 50)},
    "modal": {"blocks": (1, 100), "title.text": (1, 24), "submit.text": (1, 24), "close.text": (1, 24),
              "private_metadata": (0, 3000), "callback_id": (1, 255)},
    "home": {"blocks": (0, 100), "private_metadata": (0, 3000), "callback_id": (1, 255)},
    "header": {"text.text": (1, 150)},
    "section": {"text.text": (1, 3000), "fields": (1, 10)},
    "context": {"elements": (1, 10)},
    "actions": {"elements": (1, 25)},
    "input": {"label.text": (1, 2000), "hint.text": (1, 2000)},
    "image": {"alt_text": (1, 2000), "image_url": (1, 3000)},
    "button": {"text.text": (1, 75), "value": (0, 2000), "url": (1, 3000)},
    "overflow": {"options": (1, 5)},
    "static_select": {"options": (1, 100), "placeholder.text": (1, 150)},
    "users_select": {"placeholder.text": (1, 150)},
    "radio_buttons": {"options": (1, 10)},
    "checkboxes": {"options": (1, 10)},
    "plain_text_input": {"placeholder.text": (1, 150), "initial_value": (0, 3000)},
    "mrkdwn": {"text": (1, 3000)},
    "plain_text": {"text": (1, 3000)},
}  # fmt: skip
_OPTION = {"text.text": (1, 75), "value": (1, 150), "description.text": (1, 75)}


def wrong_message(
    text: str, blocks: Iterable[Mapping[str, Any]], metadata: Mapping[str, Any] | None = None
) -> str | None:
    """What Slack would not take of a message; None if it takes it."""
    blocks = list(blocks)
    said: dict[str, Any] = {"text": text, "blocks": blocks} | ({"metadata": metadata} if metadata else {})
    if len(text) > 40_000:
        return f"text of {len(text)} characters"
    if (size := sum(map(len, texts(blocks)))) > IN_ALL:
        return f"{size} characters in the blocks"
    return _not_of_type("Message", said) or _beyond(said | {"type": "message"}) or _sdk_says(blocks) or None


def wrong_view(view: Mapping[str, Any]) -> str | None:
    """The same of a modal or a Home tab."""
    if len(json.dumps(view)) > 250_000:
        return "more than 250 kB"
    shown = {key: value for key, value in view.items() if key not in ("id", "hash")}
    inputs = [block for block in shown.get("blocks", ()) if block.get("type") == "input"]
    if shown.get("type") == "modal" and inputs and "submit" not in shown:
        return "inputs, and nothing to submit them with"

    def sdk() -> None:
        View(**shown).validate_json()

    kind = "Modal" if shown.get("type") == "modal" else "Home"
    return _not_of_type(kind, shown) or _beyond(shown) or _refusal(sdk) or _sdk_says(shown["blocks"]) or None


def texts(node: Any) -> Iterator[str]:
    """Every text that is shown, of text objects at any depth."""
    if isinstance(node, Mapping):
        if node.get("type") in ("mrkdwn", "plain_text") and isinstance(node.get("text"), str):
            yield node["text"]
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from texts(value)


@cache
def _validator(kind: str) -> Draft7Validator:
    schema = json.loads(TYPES.read_text(encoding="utf-8"))
    return Draft7Validator({"definitions": schema["definitions"], "$ref": f"#/definitions/{kind}"})


def _not_of_type(kind: str, value: Mapping[str, Any]) -> str:
    """What the types of Slack's SDK refuse. A block is looked up by its own type, so that the mistake can be named."""
    outside = {key: part for key, part in value.items() if key != "blocks"} | {"blocks": []}
    found = [(kind, outside)] + [(_BLOCKS.get(str(b.get("type")), "KnownBlock"), b) for b in value.get("blocks", ())]
    return next((words for name, part in found if (words := _mistake(name, json.dumps(_shape(part))))), "")


@lru_cache(10_000)
def _mistake(definition: str, shape: str) -> str:
    for error in _validator(definition).iter_errors(json.loads(shape)):
        deepest = min(error.context or [error], key=lambda e: (-len(e.absolute_path), len(e.message)))
        return f"{definition} {'/'.join(map(str, deepest.absolute_path))}: {deepest.message[:300]}"
    return ""


def _shape(node: Any, key: str = "") -> Any:
    """`node` without what people read, which no type depends on: few shapes come again and again."""
    if isinstance(node, Mapping):
        return {name: _shape(value, name) for name, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [_shape(value) for value in node]
    return "" if isinstance(node, str) and key in _FREE else node


_FREE = ("text", "value", "url", "block_id", "action_id", "private_metadata", "delivery_id", "alt_text")
_BLOCKS = {
    "actions": "ActionsBlock",
    "context": "ContextBlock",
    "divider": "DividerBlock",
    "header": "HeaderBlock",
    "image": "ImageBlock",
    "input": "InputBlock",
    "rich_text": "RichTextBlock",
    "section": "SectionBlock",
}


def _beyond(value: Mapping[str, Any]) -> str:
    """The first limit that something in `value` is beyond."""
    names = Counter(b["block_id"] for b in value.get("blocks", ()) if "block_id" in b)
    if names and max(names.values()) > 1:
        return f"two blocks with one block_id: {names.most_common(1)[0][0]}"
    for part in _parts(value):
        limits = _BETWEEN.get(str(part.get("type")), _OPTION if "type" not in part and "text" in part else {})
        for name, (least, most) in limits.items():
            found: Any = part
            for key in name.split("."):
                found = found.get(key) if isinstance(found, Mapping) else None
            if found is not None and not least <= len(found) <= most:
                return f"{part.get('type', 'option')}: {name} of length {len(found)}, not {least} to {most}"
        for key in ("action_id", "block_id"):
            if len(str(part.get(key, "x"))) not in range(1, 256):
                return f"{key} of length {len(part[key])}"
    return ""


def _parts(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, Mapping):
        if "type" in node or isinstance(node.get("text"), Mapping):
            yield node
        for value in node.values():
            yield from _parts(value)
    elif isinstance(node, (list, tuple)):
        for value in node:
            yield from _parts(value)


def _sdk_says(blocks: Iterable[Mapping[str, Any]]) -> str:
    def check() -> None:
        for block in Block.parse_all([dict(block) for block in blocks]):
            block.validate_json()

    return _refusal(check)


def _refusal(check: Callable[[], None]) -> str:
    try:
        check()
    except (SlackObjectFormationError, TypeError) as error:
        return f"slack_sdk: {error}"
    return ""
