"""From HTML to the text that a person sees."""

from __future__ import annotations

from html.parser import HTMLParser

_BREAKS = frozenset(
    ("blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre", "tr")
)
_UNSEEN = frozenset(("head", "script", "style", "template", "title"))


def plain(html: str) -> str:
    """The visible text of an HTML fragment, one line for each block. Broken markup never raises."""
    if "<" not in html and "&" not in html:
        return html.strip()
    parser = _Text()
    _read(parser, html)
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    return "\n".join(line for line in lines if line)


def pictures(html: str) -> tuple[str, ...]:
    """The addresses of the pictures that an HTML fragment shows, without signs such as emoji and portraits."""
    if "<img" not in html.lower():
        return ()
    parser = _Pictures()
    _read(parser, html)
    return tuple(dict.fromkeys(parser.found))


def _read(parser: HTMLParser, html: str) -> None:
    try:
        parser.feed(html)
        parser.close()
    except AssertionError:  # of a parser that older Pythons have, on "<![0": what came before it is read
        return


class _Pictures(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        source, kind = given.get("src") or "", (given.get("class") or "").split()
        if tag == "img" and source.startswith(("http://", "https://")) and not {"emoji", "avatar"} & set(kind):
            self.found.append(source)


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BREAKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
