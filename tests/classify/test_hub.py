from __future__ import annotations

import importlib.util

import pytest

from monitor.classify.hub import label_map
from monitor.classify.model import load_classifier
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
