"""One chart: what it found, of what, the drawing, and the same figures as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from monitor.export import neutral

Kind = Literal["text", "count", "share", "points", "number", "seconds", "moment"]
Cell = str | int | float | bool | datetime | None
Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """`kind` says how people see a cell: a `share` of 0 to 1 as per cent, `points` of -1 to 1 as -100 to 100, `seconds`
    in the unit that suits them. Programs get the figure as it is."""

    name: str
    kind: Kind = "count"


@dataclass(frozen=True, slots=True)
class Table:
    """The accessible form of a chart. `links` has the page behind each row, or is empty."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    links: tuple[str, ...] = ()

    def csv(self) -> str:
        """A heading and the rows; times in UTC, and no cell that a spreadsheet takes for a formula."""
        return csv_of([[_heading(column) for column in self.columns], *self.rows])


@dataclass(frozen=True, slots=True)
class Chart:
    """`name` is its address on the page and its file's name; `title` says the finding; `measure` what is counted and in
    which unit; `scope` of whom, when, and in which time zone. The spec has no title, no width and no colours of its
    own: these come from where it is drawn (monitor/charts/theme.py). Names from outside are made harmless before."""

    name: str
    title: str
    measure: str
    scope: str
    spec: Spec
    table: Table
    note: str | None = None  # what the reader has to know, such as that the last day is not over


def csv_of(rows: Sequence[Sequence[Any]]) -> str:
    stream = io.StringIO()
    csv.writer(stream).writerows([_cell(value) for value in row] for row in rows)
    return stream.getvalue()


def _heading(column: Column) -> str:
    return f"{column.name}, seconds" if column.kind == "seconds" else column.name


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return neutral(value) if isinstance(value, str) else value
