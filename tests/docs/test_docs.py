"""The pages keep what they promise: links lead somewhere, commands exist, and every setting has its line."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from monitor.settings import Settings
from monitor.source_words import MEANINGS
from monitor.staffing import DEFINITIONS as STAFFING
from monitor.trend_figures import FIGURES
from monitor.web.competitors_report import DEFINITIONS as COMPETITION
from monitor.web.corrections_report import DEFINITIONS as CORRECTIONS
from monitor.web.topics_report import DEFINITIONS as TOPICS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^```[^\n]*\n(.*?)^```|`([^`\n]+)`", re.S | re.M)
PLACES = re.compile(r"^(?:monitor|tests|config|docs|benchmarks|training|\.ci)/[\w./-]*(?:::\w+)?$")
MADE_BY_PEOPLE = {"config/secrets/", "config/firsthour.toml"}

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def code(page: Path) -> list[str]:
    """Every code span of a page, and every line of its code blocks (continued lines joined)."""
    found = []
    for block, span in CODE.findall(page.read_text(encoding="utf-8")):
        found += block.replace("\\\n", " ").splitlines() if block else [span]
    return found


def anchors(page: Path) -> set[str]:
    """What GitHub makes of the headings."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.S | re.M)
    headings = re.findall(r"^#+ +(.+)$", text, re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def options(command: Any) -> set[str]:
    return {"--help"} | {name for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")}


def mistakes_in(line: str) -> list[str]:
    """What is wrong with a `firsthour ...` command line: commands and options that there are not."""
    words = re.split(r"\s(?:\||>|&&|;|#)(?:\s|$)", line.partition("firsthour ")[2])[0]
    from monitor.cli import app

    command: Any = typer.main.get_command(app)
    known, named = options(command), []
    for word in shlex.split(words.replace("...", " ").replace("[", " ").replace("]", " ")):
        if word.startswith("-"):
            if word.partition("=")[0] not in known:
                return [f"{' '.join(named)} has no {word}: {line}"]
        elif hasattr(command, "commands"):
            choices = word.split("|")
            if missing := [choice for choice in choices if choice not in command.commands]:
                return [f"there is no command {' '.join([*named, missing[0]])}: {line}"]
            command = command.commands[choices[0]]
            known |= options(command)
            named.append(word)
    return []


@pages
def test_every_link_leads_to_a_page_and_a_heading_that_are_there(page: Path) -> None:
    broken = []
    for link in LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


@pages
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    lines = [line for line in code(page) if re.match(r"^\s*(?:\$ )?(?:\S*/bin/)?firsthour [a-z-]", line)]
    assert [mistake for line in lines for mistake in mistakes_in(line)] == []


@pages
def test_every_make_target_on_a_page_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in code(page):
        if words := re.match(r"^make((?: [a-z]+)+)", line):
            assert set(words[1].split()) <= targets, line


@pages
def test_every_file_and_every_test_named_on_a_page_exists(page: Path) -> None:
    missing = []
    for name in filter(PLACES.match, code(page)):
        path, _, test = name.partition("::")
        place = ROOT / path
        there = place.exists() and (not test or f"def {test}(" in place.read_text(encoding="utf-8"))
        if not there and path not in MADE_BY_PEOPLE:
            missing.append(name)
    assert missing == []


@pages
def test_every_variable_on_a_page_sets_something(page: Path) -> None:
    unknown = []
    for name in re.findall(r"\bFIRSTHOUR_([A-Z0-9_]*[A-Z0-9])\b", page.read_text(encoding="utf-8")):
        section, _, key = name.lower().partition("__")
        field = Settings.model_fields.get(section)
        known: Any = field.annotation if field else None
        plain = key.removesuffix("_file")
        if name != "CONFIG" and section != "sources" and plain not in getattr(known, "model_fields", {}):
            unknown.append(name)
    assert unknown == []


def test_every_figure_for_prometheus_is_explained_and_none_is_invented() -> None:
    given = set(re.findall(r'"(firsthour_\w+)"', (ROOT / "monitor" / "web" / "ops.py").read_text(encoding="utf-8")))
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bfirsthour_\w+", page)) == given


def test_every_page_can_be_reached_from_the_first() -> None:
    start = ROOT / "docs" / "index.md"
    reached, todo = {start}, [start]
    while todo:
        page = todo.pop()
        for link in LINK.findall(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            if target.suffix == ".md" and target.exists() and target not in reached:
                reached.add(target)
                todo.append(target)
    assert [str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md") if p.resolve() not in reached] == []


def test_the_figures_of_the_trends_are_defined_on_their_page_as_they_are_in_the_code() -> None:
    page = (ROOT / "docs/trends.md").read_text(encoding="utf-8")
    defined = {figure.title: figure.meaning for figure in FIGURES.values()}
    told = [*defined.items(), *TOPICS.items(), *COMPETITION.items()]
    missing = [title for title, meaning in told if f"| **{title}** | {meaning} |" not in page]
    assert missing == []


@pytest.mark.parametrize(
    ("page", "meanings"), [("polling.md", MEANINGS), ("staffing.md", STAFFING), ("corrections.md", CORRECTIONS)]
)
def test_what_a_page_shows_is_defined_in_the_docs_as_in_the_code(
    page: str, meanings: dict[str, tuple[str, str]]
) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    assert [title for title, meaning in meanings.values() if f"| **{title}** | {meaning} |" not in text] == []
