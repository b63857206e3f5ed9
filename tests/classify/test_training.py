"""What the body learns from: targets, draws, batches, loss and means. Needs the extra `torch`; skipped without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pd = pytest.importorskip("pandas")
pytest.importorskip("onnx")

from transformers import BertConfig  # noqa: E402

from training.mean import mean  # noqa: E402
from training.network import Network  # noqa: E402
from training.prepare import recipe, targets  # noqa: E402
from training.train import Prepared, batches, draw, loss  # noqa: E402

SPEC: dict[str, Any] = {"loss": {"smoothing": 0.0, "complaint": 1.0, "severity": 0.25, "topic": 0.4, "teacher": 0.5}}


def columns(**given: Any) -> dict[str, Any]:
    """The columns of a text of which nothing is known, but for what is given."""
    unknown = {
        "sentiment": torch.tensor([-1]),
        "two_class": torch.tensor([False]),
        "weight": torch.ones(1),
        "complaint": torch.tensor([-1]),
        "complaint_weight": torch.zeros(1),
        "severity": torch.tensor([-1]),
        "topic": torch.tensor([-1]),
    }
    return unknown | {k: torch.tensor(v) for k, v in given.items()}


def pull(**given: Any) -> Any:
    """Where a step would move each of a text's twenty logits, all of which are zero: up is positive."""
    logits = torch.zeros(1, 20, requires_grad=True)
    loss(logits, columns(**given), SPEC).backward()
    return -logits.grad[0]


def test_a_text_of_which_nothing_is_known_teaches_nothing() -> None:
    assert not pull().any()


def test_a_set_without_neutral_says_nothing_of_it() -> None:
    three, two = pull(sentiment=[0]), pull(sentiment=[0], two_class=[True])
    assert three[0] > 0
    assert three[1] < 0
    assert two[0] > 0
    assert two[1] == 0


def test_a_teacher_pulls_beside_the_label_and_only_where_it_was_asked() -> None:
    asked = pull(teacher=[[0.1, 0.8, 0.1]])
    assert asked[1] > 0
    assert asked[0] < 0
    assert not asked[3:].any()
    assert torch.equal(pull(sentiment=[2], teacher=[[0.0, 0.0, 0.0]]), pull(sentiment=[2]))


def test_a_language_with_moods_of_one_kind_teaches_none_of_them() -> None:
    frame = pd.DataFrame(
        [
            ("umsab", lang, label)
            for lang, labels in (("en", "000"), ("de", "012"), ("hi", "01"))
            for label in map(int, labels)
        ],
        columns=["dataset", "lang", "label"],
    ).assign(complaint=-1, domain="tweet", severity=None, topic=None)
    weight = targets(frame, recipe())["weight"]
    assert list(weight) == [0, 0, 0, 1, 1, 1, 0, 0]  # Hindi's labels are doubted


def prepared(tmp_path: Path, lengths: list[int], names: list[str]) -> Prepared:
    np.savez(
        tmp_path / "train.npz",
        pieces=np.arange(sum(lengths), dtype=np.int32),
        start=np.cumsum([0, *lengths]),
        dataset=np.array(names),
    )
    return Prepared(tmp_path / "train.npz")


def test_sets_are_drawn_by_their_shares(tmp_path: Path) -> None:
    data = prepared(tmp_path, [3] * 30, ["a"] * 10 + ["b"] * 10 + ["c"] * 10)
    rows = draw(data, {"a": 2.0, "b": 0.5, "other": 0.0}, 25, np.random.default_rng(1))
    assert np.bincount(rows // 10, minlength=3).tolist() == [20, 5, 0]
    assert np.bincount(rows)[:10].tolist() == [2] * 10


def test_batches_hold_each_drawn_text_once_and_are_of_like_length(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    lengths = rng.integers(3, 96, 500).tolist()
    data = prepared(tmp_path, lengths, ["a"] * 500)
    made = batches(data, rng.permutation(500), 400, rng)
    assert sorted(np.concatenate(made)) == list(range(500))
    ids, mask = data.batch(made[0])
    for row, text in enumerate(made[0]):
        n = lengths[text]
        assert ids[row, :n].tolist() == list(range(data.start[text], data.start[text] + n))
        assert (mask[row, :n] == 1).all()
        assert not mask[row, n:].any()
        assert (ids[row, n:] == 1).all()
    padded = sum(len(b) * max(lengths[t] for t in b) for b in made)
    assert padded < 1.3 * sum(lengths)


def test_judgements_of_other_texts_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "teacher.npy", np.zeros((3, 3), np.float32))
    with pytest.raises(ValueError, match=r"run training\.teach again"):
        prepared(tmp_path, [3, 4], ["a", "a"])


def test_frozen_layers_keep_their_weights_and_run_without_dropout() -> None:
    network = Network(BertConfig(hidden_size=8, num_hidden_layers=3, num_attention_heads=2, intermediate_size=8))
    network.learn(2)
    layers = network.bert.encoder.layer
    assert [layer.training for layer in layers] == [False, False, True]
    assert [any(p.requires_grad for p in layer.parameters()) for layer in layers] == [False, False, True]
    assert not network.bert.embeddings.training
    network.learn(0)
    assert network.bert.embeddings.training
    assert not any(p.requires_grad for p in network.bert.embeddings.parameters())


def test_the_mean_of_checkpoints_counts_what_each_holds() -> None:
    whole = {"head.weight": np.array([[1.0], [1.0], [9.0]], np.float32), "only": np.array([4.0], np.float32)}
    short = {"head.weight": np.array([[3.0], [5.0]], np.float32)}
    found = mean([(1.0, whole), (3.0, short)])
    np.testing.assert_allclose(found["head.weight"], [[2.5], [4.0], [9.0]])
    np.testing.assert_allclose(found["only"], [4.0])
