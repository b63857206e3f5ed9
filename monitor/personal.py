"""What in words says who somebody is, or where: names, addresses, handles, long numbers, links."""

from __future__ import annotations

import re
from collections.abc import Collection

_LINK = re.compile(r"(?:https?://|(?<!\w)www\.)\S{1,2000}", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+%@-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_HANDLE = re.compile(r"(?<![\w/])@[\w.-]{2,100}(?:@[\w.-]{1,100})?|(?<![\w/])/?u/[\w-]{3,50}", re.IGNORECASE)
_NUMBER = re.compile(r"(?<![\w-])\+?\(?\d[\d \u00a0().\-/]{5,40}\d(?!\w)")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4}")


def hidden(text: str, names: Collection[str] = (), links: bool = False) -> str:
    """Words without addresses, links (unless `links`), handles, long numbers, and `names`."""
    if links:
        parts = re.split(f"({_LINK.pattern})", text, flags=_LINK.flags)
        return "".join(part if n % 2 else hidden(part, names) for n, part in enumerate(parts))
    text = _LINK.sub("[link]", text)
    text = _EMAIL.sub("[e-mail]", text)
    text = _HANDLE.sub("[name]", text)
    text = _NUMBER.sub(_number, text)
    for name in names:
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "[name]", text, flags=re.IGNORECASE)
    return text


def _number(found: re.Match[str]) -> str:
    digits = sum(character.isdigit() for character in found[0])
    return found[0] if digits < 7 or _DATE.fullmatch(found[0].strip()) else "[number]"


def called(name: str) -> set[str]:
    """What somebody of this name may be called: it, its handle without the sign, and its first and last word."""
    plain = name.strip().removeprefix("@").removeprefix("u/")
    words = plain.split()
    return {part for part in (name.strip(), plain, *words[:1], *words[-1:]) if len(part) >= 3}
