"""Answered cases beside the one that is open, and their words in the reply."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.classify.likeness import pack
from monitor.models import CaseRow, FeaturesRow, MentionRow
from tests.web import town
from tests.web.serving import Desk
from tests.web.test_desk_pages import HOSTILE


@pytest.fixture
def ids(desk: Desk) -> dict[str, int]:
    """Two cases that are alike to the model, the first of them answered."""
    found = town.settle(desk.db, desk.clock.now())
    with desk.db.write() as session:
        for author in ("noura.q8", "ayse_k"):
            seen = pack(np.array((1.0, 0.5), np.float32))
            session.merge(FeaturesRow(case_id=found[author], features=seen, at=desk.clock.now()))
        first = session.get_one(MentionRow, session.get_one(CaseRow, found["noura.q8"]).mention_id)
        first.author_name = "Noura Qabbani"
    words = f"Dear Noura, see https://acme.example/help or call +372 5123 4567. {HOSTILE}".replace("\x00", "")
    desk.cases.act(found["noura.q8"], "reply", "Mari", "web", desk.clock.now(), text=words)
    return found


def test_the_case_leads_to_cases_like_it_and_to_what_was_answered(desk: Desk, ids: dict[str, int]) -> None:
    mine, other = ids["ayse_k"], ids["noura.q8"]
    page = desk.http.get(f"/cases/{mine}").text
    assert f'hx-get="/parts/cases/{mine}/similar"' in page
    for path in (f"/parts/cases/{mine}/similar", f"/cases/{mine}/similar"):
        shown = desk.http.get(path).text
        assert f'<a href="/cases/{other}">' in shown
        assert "see https://acme.example/help" in shown
        assert "<script>alert" not in shown
    (one,) = desk.http.get(f"/api/v1/cases/{mine}/similar").json()["cases"]
    assert one["id"] == other
    assert not one["by_words"]


def test_its_words_are_put_above_what_was_typed_without_the_other_customers_name(
    desk: Desk, ids: dict[str, int]
) -> None:
    mine = ids["ayse_k"]
    form = {"like": str(ids["noura.q8"]), "reply": "Typed by hand.", "actor": "Mari"}
    answer = desk.http.post(f"/cases/{mine}/reply/words", data=form)
    assert answer.status_code == 200, answer.text
    field = answer.text.split('class="reply-text"')[1].split("</textarea>")[0]
    assert "Dear [name], see https://acme.example/help or call [number]." in field
    assert field.strip().endswith("Typed by hand.")


def test_words_of_a_case_that_is_not_like_it_are_refused_and_what_was_typed_stays(
    desk: Desk, ids: dict[str, int]
) -> None:
    form = {"like": str(ids["kuldnokk"]), "reply": "Typed by hand.", "actor": "Mari"}
    answer = desk.http.post(f"/cases/{ids['ayse_k']}/reply/words", data=form)
    assert answer.status_code == 409
    assert "Typed by hand." in answer.text


def test_a_case_that_is_not_there_is_said_to_be_missing(desk: Desk) -> None:
    assert desk.http.get("/parts/cases/99/similar").status_code == 404
    assert desk.http.get("/cases/99/similar").status_code == 404
    assert desk.http.get("/api/v1/cases/99/similar").status_code == 404
    assert desk.http.post("/cases/99/reply/words", data={"like": "1"}).status_code == 404
