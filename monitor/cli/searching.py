"""search: mentions by their words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from monitor.cli.cases import plain
from monitor.cli.frame import AsJson, ConfigFile, app, opened, print_json


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help='All of them; "a phrase", begin*, and after -- also -without.')],
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    before: Annotated[int | None, typer.Option(min=1, help="Continue before this mention.")] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Mentions that have these words, the last stored first."""
    from monitor.mentions import mentions
    from monitor.search_words import question
    from monitor.word_index import find, unindexed

    # the shell has taken the quotation marks of a phrase away
    typed = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in words)
    with opened(config) as app_, app_.db.read() as session:
        found = mentions(session, find(session, question(typed), limit, before))
        unread = unindexed(session)
    if unread:
        typer.echo(f"about {unread:,} older mentions cannot be found yet: `firsthour db index` reads them in", err=True)
    if as_json:
        print_json([asdict(mention) for mention in found])
        return
    if not found:
        typer.echo("Nothing has these words.")
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("mention", "posted (UTC)", "source", "author", "case", "text", box=None, pad_edge=False)
    for mention in found:
        table.add_row(
            str(mention.id),
            f"{mention.posted_at:%Y-%m-%d %H:%M}",
            Text(plain(mention.source)),
            Text(plain(mention.author.handle or mention.author.name or "")),
            str(mention.case_id or ""),
            Text(plain(mention.text), no_wrap=True, overflow="ellipsis"),
        )
    Console(highlight=False).print(table)
