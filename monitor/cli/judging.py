"""classify, evaluate, learn: the classifier by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, opened, print_json
from monitor.errors import ConfigurationError

STANDARD = Path("-")


@app.command()
def classify(
    input: Annotated[Path, typer.Option("--input", "-i", help="JSON lines; -: standard input.")] = STANDARD,
    output: Annotated[Path, typer.Option("--output", "-o", help="JSON lines; -: standard output.")] = STANDARD,
    config: ConfigFile = None,
) -> None:
    """Judge texts: {"id", "text", "rating"} per line in, one verdict per line out in the same order."""
    from monitor.classify.jsonl import classify_lines
    from monitor.classify.model import load_classifier

    settings = load_settings(config)
    with ExitStack() as stack:
        lines, total = _lines(stack, input)
        if output != STANDARD and input != STANDARD and output.exists() and output.samefile(input):
            raise ConfigurationError("--output", "is the input file", "name another file")
        classifier = load_classifier(settings.classifier)
        out = sys.stdout if output == STANDARD else stack.enter_context(output.open("w", encoding="utf-8"))
        for line in classify_lines(classifier, _progress(stack, lines, total), settings.classifier.batch):
            out.write(line + "\n")
            if output == STANDARD:
                out.flush()


@app.command()
def learn(
    undo: Annotated[bool, typer.Option("--undo", help="Take the last lesson back.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Learn from the team's corrections. What was learned is used only if it is better on corrections kept back, and no
    worse on the model's own sample. A running service uses it after its next start."""
    from dataclasses import asdict

    from monitor.classify import learn as lessons

    settings = load_settings(config)
    path = Path(settings.classifier.learned)
    if undo:
        name = lessons.undo(path)
        print_json({"in_use": name}) if as_json else typer.echo(f"In use now: {name or 'the model alone'}.")
        return
    with opened(config) as app_:
        classifier: Any = app_.classifier
        if not hasattr(classifier, "features"):
            raise ConfigurationError("classifier.model", "only the embedded model can learn", 'set it to "embedded"')
        with app_.db.read() as session:
            said = lessons.corrections(session)
        lesson = lessons.learn(classifier, said, path, app_.clock.now())
    if as_json:
        print_json(asdict(lesson))
        return
    typer.echo(f"{lesson.corrections} corrections, {lesson.held_back} of them kept back to test on.")
    for name, kind in (("corrections kept back", "corrections"), ("the model's own sample", "sample")):
        before, after = getattr(lesson.before, kind), getattr(lesson.after, kind)
        typer.echo(f"  {name}: {before:.1%} right before, {after:.1%} after")
    typer.echo(f"{'Taken' if lesson.taken else 'Left'}: {lesson.why}")


def _lines(stack: ExitStack, source: Path) -> tuple[TextIO, int | None]:
    """Lines of a file or of standard input. Bytes that are no UTF-8 make one bad line, not a bad file."""
    if source == STANDARD:
        return stack.enter_context(
            open(sys.stdin.fileno(), encoding="utf-8", errors="surrogateescape", closefd=False)
        ), None
    if not source.is_file():
        raise ConfigurationError("--input", f"{source}: no such file")
    return stack.enter_context(source.open(encoding="utf-8", errors="surrogateescape")), os.stat(source).st_size


def _progress(stack: ExitStack, lines: Iterable[str], total: int | None) -> Iterator[str]:
    """The lines, with a bar on stderr that counts bytes where a person is watching a file being read."""
    if total is None or not sys.stderr.isatty():
        yield from lines
        return
    from rich.console import Console
    from rich.progress import Progress

    bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
    task = bar.add_task("judging", total=total)
    for line in lines:
        yield line
        bar.advance(task, len(line.encode("utf-8", "surrogateescape")))
