"""import: history from files."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.data import bar
from monitor.cli.frame import AsJson, ConfigFile, app, moment, opened, print_json
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, JSON lines or Parquet.")],
    source: Annotated[str, typer.Option(help="The name under which it is stored; it need not be configured.")],
    format: Annotated[str | None, typer.Option("--format", help="csv, jsonl or parquet; none: by the ending.")] = None,
    column: Annotated[
        list[str] | None, typer.Option("--column", help="FIELD=COLUMN, such as text=Comment; may be repeated.")
    ] = None,
    posted: Annotated[str | None, typer.Option(help="The time of rows without a date.")] = None,
    timezone: Annotated[str | None, typer.Option(help="Of dates without an offset, such as Europe/Tallinn.")] = None,
    best_rating: Annotated[float, typer.Option(min=0.1, help="The best rating there is; scaled to 5.")] = 5.0,
    delimiter: Annotated[str | None, typer.Option(help="Between the columns of CSV; none: seen in the file.")] = None,
    errors: Annotated[Path | None, typer.Option(help="Where unreadable rows are listed; none: beside FILE.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only read and count.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Bring in history from a file. It is judged and counted in trends, and never starts a clock. Safe to repeat."""
    from monitor.import_rows import FORMATS, format_of, rows
    from monitor.imports import Mapped, columns_of, import_file

    kind = format or format_of(file)
    if kind not in FORMATS:
        raise ConfigurationError("--format", f'there is no format "{kind}"', "one of " + ", ".join(FORMATS))
    if delimiter is not None and len(delimiter) != 1:
        raise ConfigurationError("--delimiter", f'"{delimiter}" is not one character')
    names = [name for row in islice(rows(file, kind, delimiter), 100) for name in row.values or ()]
    if not names:
        raise ConfigurationError("import", f"{file.name} has no rows that can be read")
    columns = columns_of(dict.fromkeys(names), _chosen(column or []))
    mapped = Mapped(columns, _zone(timezone), moment(posted, "--posted") if posted else None, best_rating)
    told = errors or file.with_name(file.name + ".errors.jsonl")
    typer.echo("reading " + ", ".join(f"{key} from {name}" for key, name in columns.items()), err=True)
    with opened(config, create=True) as app_, bar("reading" if dry_run else "importing") as progress:
        only = next((each.brands for each in app_.settings.sources if each.name == source), [])
        db, now = None if dry_run else app_.db, app_.clock.now()
        done = import_file(db, file, kind, source, mapped, app_.brands, only, now, told, progress, delimiter)
    found = {name: getattr(done, name) for name in done.__dataclass_fields__}
    if as_json:
        print_json(found | {"columns": columns, "errors": str(told) if done.rejected else None})
        return
    typer.echo(("would be: " if dry_run else "") + ", ".join(f"{name}: {number:,}" for name, number in found.items()))
    if done.rejected:
        typer.echo(f"{told} says why {done.rejected:,} rows could not be read", err=True)


def _chosen(given: list[str]) -> dict[str, str]:
    chosen = {}
    for each in given:
        key, equals, name = each.partition("=")
        if not (key and equals and name):
            raise ConfigurationError("--column", f'"{each}" is not FIELD=COLUMN', "such as text=Comment")
        chosen[key] = name
    return chosen


def _zone(name: str | None) -> ZoneInfo | None:
    from zoneinfo import ZoneInfo, available_timezones

    if name is not None and name not in available_timezones():
        raise ConfigurationError("--timezone", f'"{name}" is no IANA time zone', "such as Europe/Tallinn")
    return ZoneInfo(name) if name else None
