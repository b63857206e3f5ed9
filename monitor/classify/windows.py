"""Cut a long text into pieces that the model can read, so that its first and its last lines are always seen.

A text that fits is one window. A longer one is cut at the ends of sentences and lines; its last sentences are also a
window of their own, so that 3,000 characters of praise do not drown the complaint in the last line. Of a text with
more windows than LIMIT the first and the last ones are read: a complaint begins or ends a text far more often than
it hides in the middle.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

SIZE = 94  # pieces of a window, without the two that mark its ends
TAIL = 32  # pieces of the window that holds the last sentences alone
LIMIT = 8
READ = 6000  # characters read of each end of a text that is longer than twice this
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？।؟])\s+|[\r\n\u2028\u2029]+")

Encode = Callable[[list[str]], list[list[int]]]


def ends(text: str) -> str:
    """The text without the middle that nobody will read."""
    return text if len(text) <= 2 * READ else f"{text[:READ]}\n{text[-READ:]}"


def sentences(text: str) -> list[str]:
    return [s for s in _SENTENCE_END.split(text) if s and not s.isspace()]


def windows(text: str, encode: Encode, clean: Callable[[str], str]) -> list[list[int]]:
    """Piece ids of each window of a text too long for one, without the marking pieces."""
    encoded = [pieces for pieces in encode([clean(s) for s in sentences(ends(text))]) if pieces]
    found: list[list[int]] = [[]]
    for sentence in encoded:
        for at in range(0, len(sentence), SIZE):
            part = sentence[at : at + SIZE]
            if len(found[-1]) + len(part) > SIZE:
                found.append([])
            found[-1] += part
    if len(found) > LIMIT:
        half = LIMIT // 2
        found = found[:half] + found[-half:]
    if (last := tail(encoded)) not in found:
        found.append(last)
    return found


def tail(encoded: Sequence[list[int]]) -> list[int]:
    """The last sentences, as many as fit into TAIL pieces, and at least the end of the last one."""
    if not encoded:
        return []
    kept = encoded[-1][-SIZE:]
    for sentence in reversed(encoded[:-1]):
        if len(kept) + len(sentence) > TAIL:
            break
        kept = sentence + kept
    return kept
