"""classify, evaluate, learn: the classifier by itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from monitor.cli.frame import AsJson, ConfigFile, app, load_settings, opened, print_json
from monitor.errors import ConfigurationError

if TYPE_CHECKING:
    from monitor.classify.evaluate import Report

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
def evaluate(
    file: Annotated[Path, typer.Argument(help=".csv or .jsonl with text, lang, sentiment, complaint, rating.")],
    recall: Annotated[float, typer.Option(min=0.0, max=1.0, help="Find the threshold for this share.")] = 0.9,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Judge labelled texts and compare: by language, with the worst mistakes and the threshold for a wanted recall."""
    from monitor.classify.evaluate import evaluate as compare
    from monitor.classify.evaluate import read
    from monitor.classify.model import load_classifier

    settings = load_settings(config)
    rows = list(read(file))
    with ExitStack() as stack:
        advance = _count(stack, len(rows))
        report = compare(load_classifier(settings.classifier), rows, recall, settings.classifier.batch, advance)
    if as_json:
        print_json(report.as_json())
    else:
        _print_report(report)


def _print_report(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from monitor.cli.cases import plain

    console = Console(highlight=False)
    columns = (
        "texts",
        "sentiment_macro_f1",
        "complaint_macro_f1",
        "precision",
        "recall",
        "sentiment_ece",
        "complaint_ece",
    )
    table = Table("language", *(name.replace("_", " ") for name in columns), box=None, pad_edge=False)
    for language, found in {**report.languages, "all": report.all}.items():
        table.add_row(language, *(_figure(getattr(found, name)) for name in columns))
    console.print(table)
    table = Table("people said", *(f"model: {name}" for name in report.confusion), box=None, pad_edge=False)
    for gold, said in report.confusion.items():
        table.add_row(gold, *(str(said.get(name, 0)) for name in report.confusion))
    console.print("\n", table)
    if report.threshold is not None:
        typer.echo(
            f"\nA complaint_threshold of {report.threshold:.3f} finds {report.wanted_recall:.0%} of the complaints; "
            f"{_figure(report.precision_there)} of what it finds are complaints."
        )
    if report.worst:
        typer.echo("\nThe worst mistakes:")
    for one in report.worst:
        gold = f"complaint: {one.row.complaint}" if one.row.complaint is not None else f"sentiment: {one.row.sentiment}"
        scores = f"complaint {one.verdict.complaint_score:.2f}, {one.verdict.sentiment}"
        console.print(Text(f"  people {gold}, model {scores}: {plain(one.row.text)[:200]}"))
    for error in report.errors[:20]:
        typer.echo(f"left out: {plain(error)}", err=True)


def _figure(value: float | None) -> str:
    return "-" if value is None else str(value) if isinstance(value, int) else f"{value:.3f}"


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
        stream = TextIOWrapper(sys.stdin.buffer, encoding="utf-8-sig", errors="surrogateescape")
        stack.callback(stream.detach)  # standard input is not ours to close
        return stream, None
    if not source.is_file():
        raise ConfigurationError("--input", f"{source}: no such file")
    return stack.enter_context(source.open(encoding="utf-8-sig", errors="surrogateescape")), os.stat(source).st_size


def _count(stack: ExitStack, total: int) -> Callable[[int], None]:
    """Takes how many more texts are done, and shows it where a person is watching."""
    if not sys.stderr.isatty():
        return lambda done: None
    from rich.console import Console
    from rich.progress import Progress

    bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
    task = bar.add_task("judging", total=total)
    return lambda done: bar.advance(task, done)


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
