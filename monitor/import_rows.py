"""Rows of files that other programs wrote: CSV, JSON lines and Parquet, one after the other and never all at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from monitor.errors import ConfigurationError

FORMATS = ("csv", "jsonl", "parquet")
LONGEST_LINE = 8_000_000  # bytes
_ENDINGS = {".csv": "csv", ".tsv": "csv", ".txt": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}
_BATCH = 1_000  # rows of Parquet read at a time


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is where it begins, counted from 1 (of Parquet: the row); `done` how far the file is read then. Without
    `values` it could not be read, for `reason`."""

    line: int
    done: int
    values: dict[str, Any] | None
    reason: str = ""
    raw: str = ""


def format_of(path: Path) -> str:
    found = _ENDINGS.get(path.suffix.lower())
    if found is None:
        raise ConfigurationError("import", f"{path.name}: what is in it?", "add --format " + "|".join(FORMATS))
    return found


def rows(path: Path, format: str, delimiter: str | None = None) -> Iterator[Row]:
    """Every row of the file. Raises ConfigurationError where it cannot be read at all, OSError as the system does."""
    if format == "parquet":
        yield from _parquet(path)
        return
    with path.open("rb") as file:
        yield from _csv(file, path, delimiter) if format == "csv" else _jsonl(file)


def size_of(path: Path, format: str) -> int:
    """What `Row.done` is at the end: bytes, of Parquet rows."""
    return int(_parquet_file(path).metadata.num_rows) if format == "parquet" else path.stat().st_size


def _csv(file: BinaryIO, path: Path, delimiter: str | None) -> Iterator[Row]:
    lines = _Lines(file)
    first = next(lines, "").removeprefix("\ufeff")
    names = next(csv.reader([first], delimiter=delimiter or _delimiter(first)), [])
    if len(set(names)) < len(names) or not any(names):
        why = "its first line does not name the columns" if not any(names) else "two columns have the same name"
        raise ConfigurationError("import", f"{path.name}: {why}", "name each column in the first line")
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.reader(lines, delimiter=delimiter or _delimiter(first), strict=True)
    while True:
        start, values = lines.number + 1, None
        try:
            values = next(reader)
            if not values:
                continue  # an empty line
            reason = ""
            if any("\udc80" <= letter <= "\udcff" for value in values for letter in value):
                reason = "not UTF-8"
            elif len(values) != len(names):
                reason = f"{len(values)} values for {len(names)} columns"
        except StopIteration:
            return
        except csv.Error as error:
            reason = f"not CSV: {error}"
        given = None if reason else dict(zip(names, values or (), strict=True))
        yield Row(start, lines.read, given, reason, "" if given else _shown(lines.last))


class _Lines:
    """The lines of a file as text, counted; bytes that are not UTF-8 become lone surrogates."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.number, self.read, self.last = file, 0, 0, ""

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        raw = self._file.readline()
        if not raw:
            raise StopIteration
        self.number, self.read = self.number + 1, self.read + len(raw)
        self.last = raw.decode("utf-8", "surrogateescape")
        return self.last


def _delimiter(header: str) -> str:
    return max(",;\t|", key=header.count)


def _jsonl(file: BinaryIO) -> Iterator[Row]:
    done = 0
    for number, raw in enumerate(file, 1):
        done += len(raw)
        if not raw.strip():
            continue
        values, reason = None, ""
        try:
            if len(raw) > LONGEST_LINE:
                raise ValueError(f"the line is longer than {LONGEST_LINE:,} bytes")
            values = json.loads(raw.decode("utf-8-sig"))
            if not isinstance(values, dict):
                values, reason = None, "not an object"
        except UnicodeDecodeError as error:
            reason = f"not UTF-8 at byte {error.start}"
        except json.JSONDecodeError as error:
            reason = f"not JSON: {error.msg} at column {error.colno}"
        except (ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        yield Row(number, done, values, reason, "" if values else _shown(raw.decode("utf-8", "replace")))


def _parquet(path: Path) -> Iterator[Row]:
    number = 0
    for batch in _parquet_file(path).iter_batches(_BATCH):
        for values in batch.to_pylist():
            number += 1
            yield Row(number, number, values)


def _parquet_file(path: Path) -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise ConfigurationError("import", "Parquet needs pyarrow", "pip install 'firsthour[parquet]'") from None
    try:
        return pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid as error:
        raise ConfigurationError("import", f"{path.name}: not Parquet: {str(error).splitlines()[0]}") from None


def _shown(raw: str) -> str:
    return raw.encode("utf-8", "replace").decode("utf-8").rstrip("\r\n")[:2_000]
