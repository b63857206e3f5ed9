"""Who is let in where."""

from __future__ import annotations

import re
from pathlib import Path

import monitor.web

TEMPLATES = Path(monitor.web.__file__).parent / "templates"


def test_every_form_that_changes_something_carries_the_token_against_foreign_forms() -> None:
    missing = []
    for path in TEMPLATES.glob("*.html"):
        if path.name == "survey.html":  # the signed link is what allows an answer
            continue
        for form in re.findall(r'<form[^>]*method="post".*?</form>', path.read_text(encoding="utf-8"), re.S):
            if "{{ csrf_field }}" not in form:
                missing.append(f"{path.name}: {form[:80]}")
    assert missing == []
