from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from monitor.classify.layer import Floats, read_layer
from monitor.classify.learn import corrections, learn, undo
from monitor.database import Database
from monitor.errors import ConfigurationError, Refused
from monitor.models import CorrectionRow, MentionRow

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WIDTH = 16


class Model:
    """Its features of a text are drawn by the text; feature 0 says what the team wants and the model does not see."""

    version, threshold = "one", 0.5

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        rng = np.random.default_rng(1)
        features = rng.normal(size=(300, WIDTH)).astype(np.float32)
        complaint = features[:, 1] > 0
        logits = np.where(complaint, 3.0, -3.0).astype(np.float32)
        np.savez(directory / "anchors.npz", features=features, logits=logits, complaint=complaint.astype(np.int8))

    def features(self, texts: Sequence[str]) -> tuple[Floats, npt.NDArray[np.float32]]:
        rows = np.stack([np.random.default_rng(abs(hash(t)) % 2**32).normal(size=WIDTH) for t in texts])
        rows[:, 0] = [6.0 if t.startswith("ad") else 0.0 for t in texts]
        return rows.astype(np.float32), np.full(len(texts), 0.4, np.float32)


def said(count: int = 60) -> list[tuple[str, bool]]:
    return [(f"ad {n}", False) if n % 2 else (f"real {n}", True) for n in range(count)]


def test_corrections_teach_and_what_was_learned_can_be_undone(tmp_path: Path) -> None:
    model, path = Model(tmp_path), tmp_path / "learned.json"
    lesson = learn(model, said(), path, NOW)
    assert lesson.taken
    assert lesson.after.corrections > lesson.before.corrections
    assert lesson.after.sample >= lesson.before.sample - 0.005
    layer = read_layer(path, "one")
    assert layer is not None
    features, _ = model.features(["ad 1000", "real 1000"])
    assert layer.shift(features[0]) < layer.shift(features[1])
    assert undo(path) is None
    assert read_layer(path, "one") is None
    with pytest.raises(Refused):
        undo(path)


def test_what_was_learned_for_another_version_is_not_used(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    learn(Model(tmp_path), said(), path, NOW)
    assert read_layer(path, "two") is None


def test_a_layer_that_is_no_better_is_left(tmp_path: Path) -> None:
    model, path = Model(tmp_path), tmp_path / "learned.json"
    assert learn(model, said(), path, NOW).taken
    again = learn(model, said(), path, NOW)
    assert not again.taken
    assert again.why


def test_corrections_that_contradict_the_model_everywhere_do_not_make_it_forget(tmp_path: Path) -> None:
    model, path = Model(tmp_path), tmp_path / "learned.json"
    lesson = learn(model, [(f"any {n}", n % 2 == 0) for n in range(40)], path, NOW)
    if lesson.taken:
        assert lesson.after.sample >= lesson.before.sample - 0.005
    else:
        assert not path.exists()


def test_a_few_corrections_are_too_few(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="too few"):
        learn(Model(tmp_path), said(4), tmp_path / "learned.json", NOW)


def test_a_damaged_file_is_a_configuration_error(tmp_path: Path) -> None:
    path = tmp_path / "learned.json"
    for content in ("{", "[]", '{"layers": [{"version": "one", "name": "x"}]}'):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(ConfigurationError, match="learned"):
            read_layer(path, "one")


def test_the_last_word_on_a_mention_counts_and_removed_texts_do_not(db: Database) -> None:
    with db.write() as session:
        for n, text in enumerate(["first", ""]):
            session.add(MentionRow(source="s", external_id=str(n), text=text, brands=[], posted_at=NOW, seen_at=NOW))
        session.flush()
        for mention, complaint in ((1, True), (1, False), (2, True)):
            session.add(CorrectionRow(mention_id=mention, complaint=complaint, actor="ann", at=NOW))
            session.flush()
    with db.read() as session:
        assert corrections(session) == [("first", False)]
