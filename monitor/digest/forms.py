"""How a digest looks: Block Kit, plain text, and HTML for mail. Whatever it quotes stays plain letters in each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from monitor.alerts.blocks import Block
from monitor.alerts.incident_blocks import section
from monitor.alerts.text import address, line, link, visible
from monitor.digest.letter import Letter, Line, Piece

LONGEST = 300  # letters of a piece
IN_A_BLOCK = 2900


def headline(letter: Letter) -> str:
    """What a notification shows, as mrkdwn."""
    return line(letter.subject, 200)


def subject(letter: Letter) -> str:
    """The subject of a mail, plain."""
    return " ".join(visible(letter.subject[:LONGEST]).split())


def blocks(letter: Letter) -> tuple[Block, ...]:
    shown = [section(f"*{line(letter.heading, 200)}*\n{_joined(letter.opening, _mrkdwn)}")]
    for part in letter.sections:
        words = f"*{line(part.title, 100)}*\n" + "\n".join(f"• {_joined(each, _mrkdwn)}" for each in part.lines)
        shown.append(section(words if len(words) <= IN_A_BLOCK else words[:IN_A_BLOCK].rpartition("\n")[0]))
    closing = {"type": "mrkdwn", "text": _joined(letter.closing, _mrkdwn), "verbatim": True}
    return (*shown, {"type": "context", "elements": [closing]})


def plain(letter: Letter) -> str:
    parts = [visible(letter.heading), _joined(letter.opening, _plain)]
    for part in letter.sections:
        parts.append("\n".join([part.title.upper(), *(f"- {_joined(each, _plain)}" for each in part.lines)]))
    return "\n\n".join([*parts, _joined(letter.closing, _plain)])


def html(letter: Letter, pictures: Sequence[tuple[str, str]] = ()) -> str:
    """`pictures`: the Content-ID and the words for those who do not see it, of each."""
    rows = [f"<h1 style='{_H1}'>{_text(letter.heading)}</h1>", f"<p style='{_P}'>{_joined(letter.opening, _html)}</p>"]
    rows += [
        f"<p><img src='cid:{escape(name)}' alt='{_text(alt)}' width='560' style='{_IMG}'></p>" for name, alt in pictures
    ]
    for part in letter.sections:
        items = "".join(f"<li style='{_LI}'>{_joined(each, _html)}</li>" for each in part.lines)
        rows.append(f"<h2 style='{_H2}'>{_text(part.title)}</h2><ul style='{_UL}'>{items}</ul>")
    rows.append(f"<p style='{_SMALL}'>{_joined(letter.closing, _html)}</p>")
    return _PAGE.format(title=_text(letter.subject), body="\n".join(rows))


def _joined(pieces: Line, form: Callable[[Piece], str]) -> str:
    return "".join(map(form, pieces)).strip()


def _mrkdwn(piece: Piece) -> str:
    words = line(piece.text, LONGEST)
    if not words:
        return " " if piece.text else ""
    shown = link(piece.url, words)
    return _spaced(piece.text, f"*{shown}*" if piece.strong else shown)


def _plain(piece: Piece) -> str:
    words = " ".join(visible(piece.text[:LONGEST]).split())
    where = f" ({piece.url})" if address(piece.url) else ""
    return _spaced(piece.text, f"{words}{where}")


def _html(piece: Piece) -> str:
    shown = _text(" ".join(piece.text.split()))
    place = address(piece.url)
    if place is not None:
        shown = f"<a href='{place.replace(chr(39), '%27')}' style='color:#2451d6'>{shown}</a>"
    return _spaced(piece.text, f"<strong>{shown}</strong>" if piece.strong else shown)


def _text(words: str) -> str:
    return escape(visible(words[:LONGEST]))


def _spaced(original: str, shown: str) -> str:
    """With the blanks that stood around it."""
    return f"{' ' * original[:1].isspace()}{shown}{' ' * original[-1:].isspace()}"


_FONT = "font-family:system-ui,-apple-system,Segoe UI,Roboto,Noto Sans,sans-serif"
_H1 = "font-size:20px;line-height:1.3;margin:0 0 12px"
_H2 = "font-size:15px;line-height:1.3;margin:20px 0 6px"
_P = "font-size:15px;line-height:1.5;margin:0 0 8px"
_UL = "margin:0;padding:0 0 0 20px"
_LI = "font-size:15px;line-height:1.5;margin:0 0 2px"
_IMG = "max-width:100%;height:auto;border:0"
_SMALL = "font-size:13px;line-height:1.5;margin:24px 0 0;color:#55626f"
_PAGE = (
    "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    "<title>{title}</title></head>\n<body style='margin:0;padding:16px;background:#ffffff;color:#17202b;"
    + _FONT
    + "'><div style='max-width:600px;margin:0 auto'>\n{body}\n</div></body></html>\n"
)
