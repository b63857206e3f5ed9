"""The example package is the page's source, and is found and used like any other once it is installed."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from monitor.app import make_source
from monitor.brands import Brands
from monitor.errors import ConfigurationError
from monitor.settings import BrandSettings, parse
from monitor.sources import source_class, types

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "firsthour-source-forum"
PROJECT = tomllib.loads((EXAMPLE / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The package as pip lays it out in a directory of packages."""
    (tmp_path / "firsthour_forum.py").write_bytes((EXAMPLE / "firsthour_forum.py").read_bytes())
    about = tmp_path / f"firsthour_source_forum-{PROJECT['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Name: {PROJECT['name']}\nVersion: {PROJECT['version']}\n")
    points = PROJECT["entry-points"]["firsthour.sources"].items()
    lines = "\n".join(f"{name} = {place}" for name, place in points)
    (about / "entry_points.txt").write_text(f"[firsthour.sources]\n{lines}\n")
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "firsthour_forum", raising=False)


def test_the_package_is_the_source_of_the_page_in_sixty_lines() -> None:
    page = (ROOT / "docs" / "write-a-source.md").read_text(encoding="utf-8")
    code = (EXAMPLE / "firsthour_forum.py").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```python\n([^`]*?^class Forum:.*?)^```", page, re.S | re.M)
    assert code.endswith(shown)
    said = [line for line in shown[shown.index("class Forum") :].splitlines() if line.strip()]
    assert len(said) <= 60


@pytest.mark.usefixtures("installed")
def test_an_installed_package_is_found_by_its_entry_point_and_configured_like_any_other() -> None:
    assert types()["forum"] == "firsthour_forum:Forum"
    raw = {"sources": [{"name": "f", "type": "forum", "base_url": "http://127.0.0.1:9", "lag": "2m"}]}
    (settings,) = parse(raw, {}).sources
    source = make_source(settings, Brands([BrandSettings(name="Acme", match="acme")]))
    assert (type(source).__module__, source.name) == ("firsthour_forum", "f")
    source.close()


def test_without_the_package_its_type_is_unknown() -> None:
    with pytest.raises(ConfigurationError, match='no source type "forum"'):
        source_class("forum")


def test_the_packages_own_tests_pass(tmp_path: Path) -> None:
    one = "test_forum.py::TestForum::test_many_pages_are_read_to_the_end"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(EXAMPLE), one]
    path = {"PYTHONPATH": f"{ROOT}:{EXAMPLE}", "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=EXAMPLE, env=path, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
