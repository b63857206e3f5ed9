"""Rows as a file for other programs: CSV, JSON lines, Parquet. Written piece by piece, so that memory does not grow
with their number. Moments come as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from monitor.errors import ConfigurationError

MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl",
    "parquet": "application/vnd.apache.parquet",
}
FORMATS = tuple(MEDIA_TYPES)
PIECE = 500  # rows that are put into words at a time
GROUP = 10_000  # rows of a Parquet row group: what has to be in memory at once
_FORMULA = re.compile(r"^[\s\ufeff\u200b]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("id", "case_id", "mentions", "rated", "satisfaction"), "int64"),
    **dict.fromkeys(("likes", "shares", "answers", "views"), "int64"),
    **dict.fromkeys(("rating", "stars", "complaint_score", "calendar_seconds", "business_seconds"), "float64"),
    **dict.fromkeys(("complaint", "met"), "bool"),
}
_LISTS = ("brands", "media")

Row = Mapping[str, Any]


def neutral(cell: str) -> str:
    """The text of a CSV cell so that no spreadsheet takes it for a formula."""
    return "'" + cell if _FORMULA.match(cell) else cell


def pieces(rows: Iterable[Row], columns: Sequence[str], kind: str) -> Iterator[bytes]:
    """The file of `rows`, which have these columns, in a format of FORMATS. Raises ConfigurationError, before anything
    is read, where pyarrow is missing."""
    if kind == "parquet":
        return _parquet(iter(rows), columns, _pyarrow())
    line = _csv_line if kind == "csv" else _json_line
    return _lines(iter(rows), columns if kind == "csv" else None, line)


def _lines(rows: Iterator[Row], heading: Sequence[str] | None, line: Callable[[Iterable[Any]], str]) -> Iterator[bytes]:
    if heading is not None:
        yield line(heading).encode()
    while some := list(islice(rows, PIECE)):
        yield "".join(line(row.values() if heading is not None else row.items()) for row in some).encode()


def _csv_line(values: Iterable[Any]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        value = "; ".join(value)
    return neutral(value) if isinstance(value, str) else value


def _json_line(items: Iterable[tuple[str, Any]]) -> str:
    return json.dumps(dict(items), ensure_ascii=False) + "\n"


def _pyarrow() -> Any:
    try:
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError("--format", "parquet needs pyarrow", "pip install 'firsthour[parquet]'") from None
    return pyarrow


class _Sink(io.RawIOBase):
    """What Parquet writes, until it is handed on."""

    def __init__(self) -> None:
        self._written = 0
        self._kept: list[bytes] = []

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._written

    def write(self, data: Any) -> int:
        self._kept.append(bytes(data))
        self._written += len(data)
        return len(data)

    def taken(self) -> bytes:
        whole = b"".join(self._kept)
        self._kept.clear()
        return whole


def _parquet(rows: Iterator[Row], columns: Sequence[str], pyarrow: Any) -> Iterator[bytes]:
    texts = pyarrow.list_(pyarrow.string())
    schema = pyarrow.schema(
        (name, texts if name in _LISTS else pyarrow.type_for_alias(_TYPES.get(name, "string"))) for name in columns
    )
    sink = _Sink()
    with pyarrow.parquet.ParquetWriter(sink, schema) as writer:
        while some := list(islice(rows, GROUP)):
            writer.write_table(pyarrow.Table.from_pylist(some, schema))
            yield sink.taken()
    yield sink.taken()
