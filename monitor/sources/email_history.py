"""What somebody wrote in a mail, without the history quoted below it and the signature.

The lines that introduce a quotation differ with every language ("On ... wrote:", "... tarihinde şunu yazdı:", "Kuupäev
... kirjutas ...:"), but not in what they hold: an address or a time with its date, and a colon at the end. So they are
known by that, and no list of languages is kept.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser

from monitor.sources.markup import plain

_LONGEST = 300  # characters of a line that may introduce a quotation
_ADDRESS = re.compile(r"[<(\[][^\s<>@]{1,100}@[^\s<>@]{1,100}[>)\]]")
_TIME = re.compile(r"\b\d{1,2}[:.h]\d{2}\b")
_YEAR = re.compile(r"(?<!\d)(?:19|20|25)\d\d(?!\d)")  # 25..: as Thailand counts
_HEADER = re.compile(r"^[*\s]*[^\W\d_][\w \u00a0./\-]{0,24}[*\s]*[:：]\s*\S")
_RULE = re.compile(r"^\s*[-_]{2,}[^-_]{0,60}[-_]{2,}\s*$|^\s*_{10,}\s*$")
_SENT_FROM = re.compile(
    r"^\W*(?:sent (?:from|via|with)|get outlook|von meinem .{1,40} gesendet|gesendet (?:von|mit)|envoyé (?:de|depuis)|"
    r"enviado (?:desde|do|de)|inviato da|verzonden (?:vanaf|met)|skickat från|sendt fra|lähetetty|wysłane z|saadetud|"
    r"отправлено (?:с|из)|отправљено са|poslato sa|gönderildi\b|\S+ üzerinden gönderildi|ipinadala mula|"
    r"iphone(?:'dan|'umdan|’dan|’umdan) gönderildi|iphoneから送信|发自我的|나의 iphone에서)",
    re.IGNORECASE,
)
_MOST_SIGNED = 120  # characters of a line that names the device


def written(text: str) -> str:
    """The words of the mail's own author. A mail that holds nothing but history, such as one passed on, is kept."""
    lines = [line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    own = _unsigned(_own(lines))
    while own and not own[0]:
        own.pop(0)
    return "\n".join(own).rstrip() or "\n".join(line.lstrip("> ") for line in lines).strip()


def _own(lines: Sequence[str]) -> list[str]:
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.lstrip().startswith(">"):
            at += 1
            continue
        length = _introduction(lines, at)
        following = next((each for each in lines[at + length :] if each.strip()), "") if length else ""
        if length and following.lstrip().startswith(">"):
            at += length  # answers may stand between the quoted lines
            continue
        if length or _headers(lines, at) >= 3:
            break
        if _RULE.match(line) and (_headers(lines, at + 1) >= 2 or re.search(r"-\s*\w.*\w\s*-", line)):
            break
        kept.append(line)
        at += 1
    return kept


def _introduction(lines: Sequence[str], at: int) -> int:
    """How many lines from `at` on introduce a quotation, which mail programs wrap; 0: none."""
    if not lines[at].strip():
        return 0
    for length in (1, 2, 3):
        part = lines[at : at + length]
        whole = " ".join(part).strip()
        if len(part) < length or not part[-1].strip() or len(whole) > _LONGEST:
            return 0
        if whole.endswith((":", "：")):
            dated = _TIME.search(whole) and _YEAR.search(whole)
            return length if dated or (_ADDRESS.search(whole) and re.search(r"\d", whole)) else 0
    return 0


def _headers(lines: Sequence[str], at: int) -> int:
    """How many lines like `From: ...` stand here, where one of them has a date and a time: forms that customers fill
    in look the same otherwise."""
    block: list[str] = []
    for line in lines[at : at + 8]:
        if not line.strip() and not block:
            continue
        if len(line) > _LONGEST or not _HEADER.match(line):
            break
        block.append(line)
    return len(block) if any(_TIME.search(line) and _YEAR.search(line) for line in block) else 0


def _unsigned(lines: list[str]) -> list[str]:
    for at, line in enumerate(lines):
        if line in ("--", "-- ") and at:
            lines = lines[:at]
            break
    while lines and (not lines[-1] or (len(lines[-1]) < _MOST_SIGNED and _SENT_FROM.match(lines[-1]))):
        lines.pop()
    return lines


_QUOTING = re.compile(
    r"gmail_quote|gmail_attr|gmail_extra|gmail_signature|yahoo_quoted|moz-cite-prefix|moz-signature|protonmail_quote|"
    r"zmail_extra|tutanota_quote|ms-outlook-mobile-reference|OutlookMessageHeader",
    re.IGNORECASE,
)
_NOTHING_AFTER = frozenset(("divRplyFwdMsg", "appendonsend", "stopSpelling", "mail-editor-reference-message-container"))
_EMPTY = frozenset(("br", "hr", "img", "input", "link", "meta", "wbr", "area", "base", "col", "embed"))


def html_text(html: str) -> tuple[str, str]:
    """The text of an HTML mail: all of it, and without what its mail program marked as quoted."""
    parser = _Unquoted()
    parser.feed(html)
    parser.close()
    return plain(html), plain("".join(parser.parts))


class _Unquoted(HTMLParser):
    """The markup without quotations. A quotation with an answer inside is rare in HTML, and lost."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.parts: list[str] = []
        self._within: list[str] = []  # open elements of a quotation, outermost first
        self._over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._over = self._over or given.get("id") in _NOTHING_AFTER
        if self._within:
            if tag not in _EMPTY:
                self._within.append(tag)
        elif tag not in _EMPTY and (tag == "blockquote" or _QUOTING.search(given.get("class") or "")):
            self._within.append(tag)
        else:
            self._keep(self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._keep(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._within:
            while self._within.pop() != tag:
                continue
        elif not self._within:
            self._keep(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def _keep(self, part: str) -> None:
        if not self._within and not self._over:
            self.parts.append(part)
