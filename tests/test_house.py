"""The house rules that a machine can check: short files, one direction, no rooms without a name."""

from __future__ import annotations

import ast
from pathlib import Path

import monitor

PACKAGE = Path(monitor.__file__).parent
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base_"}
# what a module may not know of, since it lies further down the path
PATH = ["sources", "mentions", "collect", "classify", "cases", "alerts", "web", "app", "daemon", "cli"]


def imported(path: Path) -> set[str]:
    """The modules of ours that a file needs at run time, at its top or inside a function."""
    found: set[str] = set()

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and node.module:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        for child in ast.iter_child_nodes(node):
            walk(child)

    walk(ast.parse(path.read_text(encoding="utf-8")))
    return {name for name in found if name.startswith("monitor.")}


def room(module: str) -> str:
    return module.split(".")[1]


def test_no_file_is_longer_than_400_lines() -> None:
    lengths = {str(path.relative_to(PACKAGE)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_file_has_the_name_of_what_is_in_it() -> None:
    assert [str(path) for path in FILES if path.stem in NAMELESS] == []


def test_every_file_says_what_it_is() -> None:
    silent = [str(p.relative_to(PACKAGE)) for p in FILES if not ast.get_docstring(ast.parse(p.read_text("utf-8")))]
    assert [name for name in silent if (PACKAGE / name).read_text("utf-8").strip()] == []


def test_no_module_knows_of_what_lies_further_down_the_path() -> None:
    backwards = []
    for path in FILES:
        here = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if here not in PATH:
            continue
        later = set(PATH[PATH.index(here) + 1 :])
        backwards += [f"{path.relative_to(PACKAGE)}: {name}" for name in imported(path) if room(name) in later]
    assert backwards == []
