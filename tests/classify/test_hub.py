from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from monitor.classify.hub import label_map
from monitor.classify.model import load_classifier
from monitor.classify.verdict import Subject, Unreadable, Verdict
from monitor.errors import ConfigurationError
from monitor.settings import ClassifierSettings

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="the torch extra is not installed")


def test_well_known_labels_need_no_map() -> None:
    assert label_map(["Negative", "NEUTRAL", "positive"], {}) == {
        "Negative": "negative",
        "NEUTRAL": "neutral",
        "positive": "positive",
    }
    assert label_map(["1 star", "3 stars", "5 stars"], {})["3 stars"] == "neutral"
    assert label_map(["not_complaint", "complaint"], {})["not_complaint"] == "none"


def test_other_labels_are_mapped_by_the_configuration() -> None:
    assert label_map(["LABEL_0", "LABEL_1"], {"LABEL_0": "none", "LABEL_1": "complaint"})["LABEL_1"] == "complaint"


@pytest.mark.parametrize(
    ("labels", "given", "words"),
    [
        (["LABEL_0", "LABEL_1"], {}, "LABEL_0"),
        (["negative"], {"negative": "bad"}, "no meaning"),
        (["negative"], {"negativ": "negative"}, "no label"),
        (["positive", "neutral"], {}, "negative or complaint"),
    ],
)
def test_labels_that_do_not_fit_are_explained(labels: list[str], given: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        label_map(labels, given)


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="PyTorch is installed")
def test_without_torch_the_error_says_what_to_install() -> None:
    with pytest.raises(ConfigurationError, match="torch"):
        load_classifier(ClassifierSettings(model="somebody/some-model"))


@needs_torch
def test_a_model_that_is_not_there_is_a_configuration_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        load_classifier(ClassifierSettings(model="/nowhere/at/all"))


def _tiny(directory: Path, labels: list[str], head: str = "BertForSequenceClassification") -> None:
    """A small model with random weights and its own tokenizer, as a hub would give it."""
    import torch
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers

    torch.manual_seed(7)
    words = Tokenizer(models.WordLevel({"[UNK]": 0, "[PAD]": 1, "late": 2, "thanks": 3}, unk_token="[UNK]"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="[UNK]", pad_token="[PAD]", model_max_length=24
    ).save_pretrained(directory)
    config = transformers.BertConfig(
        vocab_size=4,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=32,
        id2label=dict(enumerate(labels)),
        label2id={label: n for n, label in enumerate(labels)},
    )
    getattr(transformers, head)(config).save_pretrained(directory)


@needs_torch
def test_a_model_of_the_hub_judges_like_any_other(tmp_path: Path) -> None:
    _tiny(tmp_path, ["negative", "neutral", "positive"])
    classifier = load_classifier(ClassifierSettings(model=str(tmp_path)))
    texts = ["late " * 300, "thanks", "", "late thanks"]
    verdicts = classifier.judge([Subject(text) for text in texts])
    assert isinstance(verdicts[2], Unreadable)
    for verdict in (verdicts[0], verdicts[1], verdicts[3]):
        assert isinstance(verdict, Verdict)
        assert sum(verdict.sentiment_scores) == pytest.approx(1, abs=1e-3)
        assert verdict.complaint_score == pytest.approx(verdict.sentiment_scores[0], abs=1e-3)
    assert classifier.judge([Subject("thanks")]) == [verdicts[1]]


@needs_torch
def test_labels_of_a_hub_model_are_mapped_as_the_configuration_says(tmp_path: Path) -> None:
    _tiny(tmp_path, ["A", "B"])
    with pytest.raises(ConfigurationError, match="nobody said"):
        load_classifier(ClassifierSettings(model=str(tmp_path)))
    classifier = load_classifier(ClassifierSettings(model=str(tmp_path), labels={"A": "none", "B": "complaint"}))
    (verdict,) = classifier.judge([Subject("late")])
    assert isinstance(verdict, Verdict)
    assert 0 < verdict.complaint_score < 1


@needs_torch
def test_a_model_of_another_kind_is_refused_by_name(tmp_path: Path) -> None:
    _tiny(tmp_path, ["A", "B"], head="BertForTokenClassification")
    with pytest.raises(ConfigurationError, match="BertForTokenClassification"):
        load_classifier(ClassifierSettings(model=str(tmp_path)))
