"""Which language a text is in: py3langid, told what to expect, and by the script where the script says it.

Codes are ISO 639-1. Serbian, Croatian and Bosnian in Latin letters are one language to a short text and to this
product: all are reported as `sr`, unless the source itself said `hr` or `bs`. Filipino (Tagalog with any amount of
English) is `tl`. Tamil and Hindi in Latin letters, which py3langid does not know, are told by their groups of letters
(training/romanised.py).
"""

from __future__ import annotations

import json
import math
import re
import threading
import unicodedata
from contextlib import suppress
from functools import cache, lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

UNSURE = "und"
LEAST = 0.5  # below this the language is not said
SOBER = 1.3  # py3langid is surer than it is right; measured on the dev texts of 71 languages
SAMPLE = 240  # characters looked at: more change nothing but the time it takes
# The languages that the embedded model was trained on; the others would only steal short texts.
_CODES = """
af am ar az be bg bn bs ca cs cy da de el en es et eu fa fi fr ga gl gu ha he hi hr ht hu hy id ig is it ja ka kk km kn
ko ku ky lo lt lv mg mk ml mn mr ms my ne nl no om or pa pcm pl ps pt ro ru rw si sk sl so sq sr sv sw ta te th tl tr tt
ug uk ur uz vi xh yo zh zu
"""
KNOWN = _CODES.split()
_ONE = {"hr": "sr", "bs": "sr", "nn": "no", "uzs": "uz"}
# Languages that customers of the product write most get the benefit of the doubt (natural logarithm of odds).
_EXPECTED = {
    "en": 1.5,
    "tr": 1.0,
    "tl": 1.0,
    "et": 1.0,
    "sr": 1.0,
    "ta": 1.0,
    "es": 0.7,
    "de": 0.7,
    "fr": 0.7,
    "pt": 0.7,
}
_CLAIM = 3.0  # a source's own word
_SCRIPTS = {
    "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn", "MALAYALAM": "ml", "SINHALA": "si", "THAI": "th", "LAO": "lo",
    "KHMER": "km", "MYANMAR": "my", "GEORGIAN": "ka", "ARMENIAN": "hy", "HANGUL": "ko", "HIRAGANA": "ja",
    "KATAKANA": "ja", "GUJARATI": "gu", "GURMUKHI": "pa", "ORIYA": "or", "GREEK": "el", "HEBREW": "he",
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+")
# Before a letter is read, a text in Latin letters is rather not Tamil or Hindi (natural logarithm of odds).
_RARE = {"ta": -0.9, "hi": -1.9}
_TABLE = Path(__file__).with_name("romanised.json")
_lock = threading.Lock()


@cache
def _identifier() -> Any:
    from py3langid.langid import LanguageIdentifier

    found = LanguageIdentifier.from_model_file("data/model.npz.xz", norm_probs=True)
    found.set_languages(KNOWN)
    found._full_model = None  # 28 MB that only another `set_languages` would need
    with suppress(OSError):  # where there is no room for files, it stays in memory
        found.tk_nextmove = _on_disk(found.tk_nextmove)
    return found


def _on_disk(table: Any) -> memoryview:
    """A table of 40 MB, of which texts touch a part, in a nameless file: only that part takes memory."""
    with TemporaryFile() as file:
        table.tofile(file)
        file.flush()
        return memoryview(mmap(file.fileno(), 0, access=ACCESS_READ)).cast(table.typecode)


def warm() -> None:
    """Load the tables now (half a second) rather than with the first text."""
    with _lock:
        _identifier()


def language(text: str, claim: str | None = None) -> tuple[str, float]:
    """The language of a cleaned text and how sure that is, `("und", p)` when it is anybody's guess. `claim` is what the
    source says, which counts but does not decide."""
    words = [w.lower() for w in _WORD.findall(text.replace("@user", " ").replace("http", " "))]
    if not words:
        return UNSURE, 0.0
    claim = claim.split("-")[0].lower() if claim else None
    claim = {"fil": "tl", "nb": "no", "iw": "he", "in": "id"}.get(claim or "", claim)
    if told := _by_script("".join(words)):
        return told
    scores = _scores(" ".join(words)[:SAMPLE], claim)
    _add_romanised(scores, words)
    best = max(scores, key=lambda code: scores[code])
    total = sum(scores.values())
    p = scores[best] / total
    if best == "sr" and claim in ("hr", "bs"):
        best = claim
    said = best if p >= LEAST else UNSURE
    return said, p**SOBER


def _by_script(letters: str) -> tuple[str, float] | None:
    """For texts most of whose letters belong to a script that one language owns."""
    counts: dict[str, int] = {}
    sample = letters[:SAMPLE]
    if sample.isascii():
        return None
    for c in sample:
        script = _script(c)
        counts[script] = counts.get(script, 0) + 1
    kana = counts.get("HIRAGANA", 0) + counts.get("KATAKANA", 0)
    if kana and kana + counts.get("CJK", 0) > len(sample) / 2:
        return "ja", 0.99
    if counts.get("CJK", 0) > len(sample) / 2:
        return "zh", 0.97
    script = max(counts, key=lambda s: counts[s])
    share = counts[script] / len(sample)
    if script in _SCRIPTS and share > 0.4:
        return _SCRIPTS[script], round(0.6 + 0.39 * share, 4)
    return None


@lru_cache(maxsize=20_000)
def _script(letter: str) -> str:
    return unicodedata.name(letter, "").split(" ")[0]


def _scores(text: str, claim: str | None) -> dict[str, float]:
    with _lock:
        ranked = _identifier().rank(text)
    scores: dict[str, float] = {}
    for code, p in ranked:
        code = _ONE.get(code, code)
        scores[code] = scores.get(code, 0.0) + p
    for code, bonus in _EXPECTED.items():
        scores[code] *= math.exp(bonus)
    if claim:
        claim = _ONE.get(claim, claim)
        if claim in scores:
            scores[claim] *= math.exp(_CLAIM)
    return scores


def latin_words(text: str) -> list[str]:
    """The words of a text that are in plain Latin letters, as the table of letter groups counts them."""
    return [w.lower() for w in _WORD.findall(text.replace("@user", " ").replace("http", " ")) if w.isascii()]


def letter_groups(words: list[str]) -> list[str]:
    """Groups of three and four letters, with `_` for the edges of words."""
    return [f"_{w}_"[at : at + n] for w in words[:40] for n in (3, 4) for at in range(len(w) + 3 - n)]


@cache
def _romanised() -> dict[str, dict[str, float]]:
    table: dict[str, dict[str, float]] = json.loads(_TABLE.read_text(encoding="utf-8"))
    return table


def _add_romanised(scores: dict[str, float], words: list[str]) -> None:
    """Lay the odds of Tamil and Hindi in Latin letters over py3langid's opinion."""
    words = [w for w in words if w.isascii()]
    if len(words) < 2:
        return
    groups = dict.fromkeys(letter_groups(words))  # in order: a sum of floats depends on it
    total = sum(scores.values())
    for code, table in _romanised().items():
        known = [table[g] for g in groups if g in table]
        odds = sum(known) / math.sqrt(max(1, len(known))) + table[""] + _RARE[code]
        if odds > 0:
            scores[code] = scores.get(code, 0.0) + total * math.expm1(min(2 * odds, 6.0))
