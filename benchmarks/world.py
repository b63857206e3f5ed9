"""A fresh database and believable mentions for the benchmarks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.database import Database
from monitor.schema import upgrade
from monitor.settings import Settings, parse
from monitor.sources.base import Author, Item

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TEXTS = Path(__file__).parent.parent / "training" / "texts"


@contextmanager
def database() -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="firsthour-benchmark-") as folder:
        db = Database(f"sqlite:///{folder}/firsthour.sqlite")
        upgrade(db)
        yield db
        db.close()


def settings(**sections: object) -> Settings:
    """Settings with one brand that is in every text of `items`."""
    brands = [{"name": "Acme", "match": "acme"}, *({"name": f"Brand {n}", "match": f"brand{n}x"} for n in range(200))]
    return parse({"brands": brands, **sections}, {})


def texts() -> list[str]:
    """Our own training texts, all languages in turn (17 words on average)."""
    by_file = [
        [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines()]
        for path in sorted(TEXTS.glob("*.train.jsonl"))
    ]
    return [text for row in zip(*by_file, strict=False) for text in row]


def items(count: int) -> list[Item]:
    """`count` posts by as many authors, a second apart, all different, all about Acme."""
    stock = texts()
    return [
        Item(
            external_id=f"t{n}",
            text=f"{stock[n % len(stock)]} acme {n}",
            posted_at=NOW - timedelta(seconds=count - n),
            url=f"https://example.com/{n}",
            author=Author(handle=f"author{n}", followers=n),
        )
        for n in range(count)
    ]
