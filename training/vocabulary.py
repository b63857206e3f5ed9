"""Trim the tokenizer's vocabulary to the pieces that the shipped languages use.

The full XLM-R vocabulary has 250,002 pieces and its tokenizer alone needs 315 MB of memory. What stays: the special
pieces, every piece of one character (the fallback: what was readable stays readable, cut into smaller pieces), every
piece seen at least `least` times in the training texts (a text of a favoured language counts fivefold), then the most
probable others in the scripts of Latin, Cyrillic and Tamil until `size` is reached.
"""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from tokenizers import Tokenizer

T = TypeVar("T")

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
FAVOUR = 5
FILL_SCRIPTS = ("LATIN", "CYRILLIC", "TAMIL")


def trim(tokenizer: Path, texts: Iterable[tuple[str, bool]], size: int, least: int) -> tuple[dict[str, Any], list[int]]:
    """The trimmed tokenizer.json as a dict, and the old id of each new id (a row of the embedding table)."""
    full = Tokenizer.from_file(str(tokenizer))
    seen: Counter[int] = Counter()
    for batch in batched(texts, 10_000):
        for encoding, (_, favoured) in zip(full.encode_batch([t for t, _ in batch]), batch, strict=True):
            for i in encoding.ids:
                seen[i] += FAVOUR if favoured else 1

    old = json.loads(tokenizer.read_text(encoding="utf-8"))
    pieces: list[list[Any]] = old["model"]["vocab"]
    keep = {
        i for i, (piece, _) in enumerate(pieces)
        if piece in SPECIAL or len(piece.lstrip("▁")) <= 1 or seen[i] >= least
    }  # fmt: skip
    for i, (piece, _) in enumerate(pieces):  # XLM-R lists its pieces from the most probable down
        if len(keep) >= size:
            break
        if _script(piece) in FILL_SCRIPTS:
            keep.add(i)
    order = [i for i in range(len(pieces)) if i in keep and pieces[i][0] != "<mask>"]
    new_id = {pieces[i][0]: n for n, i in enumerate(order)}
    old["model"]["vocab"] = [pieces[i] for i in order]
    old["model"]["unk_id"] = new_id["<unk>"]
    old["added_tokens"] = [t | {"id": new_id[t["content"]]} for t in old["added_tokens"] if t["content"] in SPECIAL]
    for name, entry in old["post_processor"].get("special_tokens", {}).items():
        entry["ids"] = [new_id[name]]
    old["truncation"] = old["padding"] = None
    return old, order


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _script(piece: str) -> str:
    letters = [c for c in piece if c.isalpha()]
    return unicodedata.name(letters[0], "").split(" ")[0] if letters else ""
