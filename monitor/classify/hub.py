"""Any Hugging Face text-classification model, by id or from a local directory. Needs the `torch` extra.

Its labels are mapped to ours: well-known ones by themselves, others by `[classifier.labels]`. A model that knows
nothing of complaints gives the probability of "negative" for it; severity is "medium" and the topic "other", both with
probability 0, since such a model cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from monitor.classify.language import language
from monitor.classify.rating import complaint_with_rating, with_rating
from monitor.classify.readable import readable, unreadable
from monitor.classify.verdict import SENTIMENTS, Subject, Unreadable, Verdict
from monitor.errors import ConfigurationError
from monitor.settings import ClassifierSettings

KEY = "classifier.model"
MEANINGS = (*SENTIMENTS, "complaint", "none")
_STARS = {1: "negative", 2: "negative", 3: "neutral", 4: "positive", 5: "positive"}
_KNOWN = {
    "neg": "negative", "negative": "negative", "neu": "neutral", "neutral": "neutral", "mixed": "neutral",
    "pos": "positive", "positive": "positive", "very negative": "negative", "very positive": "positive",
    "complaint": "complaint", "complaints": "complaint", "no complaint": "none", "not complaint": "none",
    "not a complaint": "none", "non complaint": "none", "none": "none",
}  # fmt: skip


def label_map(labels: Sequence[str], given: Mapping[str, str]) -> dict[str, str]:
    """What each of a model's labels means here: one of MEANINGS. Raises ConfigurationError for labels that nobody
    explained, for meanings that do not exist, and for a model that says nothing about complaints or mood."""
    if wrong := sorted(set(given.values()) - set(MEANINGS)):
        raise ConfigurationError("classifier.labels", f'"{wrong[0]}" is no meaning', "one of " + ", ".join(MEANINGS))
    if strange := sorted(set(given) - set(labels)):
        raise ConfigurationError(
            "classifier.labels", f'the model has no label "{strange[0]}"', "it has " + ", ".join(labels)
        )
    found = {label: given.get(label) or _meaning(label) for label in labels}
    if unknown := [label for label, meaning in found.items() if meaning is None]:
        example = ", ".join(f'"{label}" = "..."' for label in unknown[:5])
        raise ConfigurationError(
            "classifier.labels",
            f"nobody said what the model's label {', '.join(map(repr, unknown[:5]))} means",
            f"add labels = {{ {example} }}, each one of {', '.join(MEANINGS)}",
        )
    meanings = {m for m in found.values() if m}
    if not meanings & {"negative", "complaint"}:
        raise ConfigurationError("classifier.labels", "no label means negative or complaint", "map one of them to it")
    return {label: meaning for label, meaning in found.items() if meaning}


def _meaning(label: str) -> str | None:
    plain = re.sub(r"[\W_]+", " ", label.lower()).strip()
    if stars := re.fullmatch(r"([1-5]) stars?", plain):
        return _STARS[int(stars[1])]
    return _KNOWN.get(plain)


def load(settings: ClassifierSettings) -> HubClassifier:
    """Raises ConfigurationError that tells what is wrong: no torch, no such model, not a classification model, labels
    without meaning."""
    try:
        import torch
    except ImportError:
        raise ConfigurationError(KEY, f"{settings.model} needs PyTorch", 'pip install "firsthour[torch]"') from None
    from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(settings.threads)
    try:
        config = AutoConfig.from_pretrained(settings.model)
    except (OSError, ValueError) as error:
        hint = "a directory with config.json, or a Hugging Face id that this machine can reach"
        raise ConfigurationError(KEY, f"{settings.model} cannot be loaded: {_first_line(error)}", hint) from None
    kinds = config.architectures or []
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        made = ", ".join(kinds) or "unknown"
        hint = "take a text-classification model"
        raise ConfigurationError(KEY, f"{settings.model} is no text-classification model but {made}", hint)
    labels = [config.id2label[n] for n in sorted(config.id2label)]
    meaning = label_map(labels, settings.labels)
    try:
        tokenizer = AutoTokenizer.from_pretrained(settings.model)
        model = AutoModelForSequenceClassification.from_pretrained(settings.model).eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise ConfigurationError(KEY, f"{settings.model} cannot be loaded: {_first_line(error)}") from None
    return HubClassifier(settings, tokenizer, model, [meaning[label] for label in labels])


class HubClassifier:
    def __init__(self, settings: ClassifierSettings, tokenizer: Any, model: Any, meanings: Sequence[str]) -> None:
        self.version = settings.model.rstrip("/").rsplit("/", 1)[-1][:100]
        self.threshold = 0.5 if settings.complaint_threshold is None else settings.complaint_threshold
        self._tokenizer, self._model, self._meanings = tokenizer, model, tuple(meanings)
        positions = getattr(model.config, "max_position_embeddings", 512) or 512
        self._longest = min(int(getattr(tokenizer, "model_max_length", 512)), int(positions) - 2, 512)

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        answers: list[Verdict | Unreadable] = []
        for subject in subjects:  # one at a time: padding must not change a verdict
            text = readable(subject)
            answers.append(unreadable(subject, text) or self._verdict(subject, text))
        return answers

    def _verdict(self, subject: Subject, text: str) -> Verdict:
        sums = dict.fromkeys(MEANINGS, 0.0)
        for meaning, p in zip(self._meanings, self._probabilities(text), strict=True):
            sums[meaning] += p
        moods = [max(sums[s], 1e-6) for s in SENTIMENTS]
        if not set(self._meanings) & set(SENTIMENTS):
            moods = [sums["complaint"], 1 - sums["complaint"], 1e-6]
        mood = with_rating([m / sum(moods) for m in moods], subject.rating)
        said = "complaint" in self._meanings or "none" in self._meanings
        complaint = sums["complaint"] / max(sums["complaint"] + sums["none"], 1e-6) if said else sums["negative"]
        probability = complaint_with_rating(min(complaint, 1 - 1e-6), subject.rating)
        code, sure = language(text, subject.language)
        return Verdict(
            language=code,
            language_score=round(sure, 4),
            sentiment=SENTIMENTS[max(range(3), key=mood.__getitem__)],
            sentiment_scores=(round(mood[0], 4), round(mood[1], 4), round(mood[2], 4)),
            complaint=probability >= self.threshold,
            complaint_score=round(probability, 4),
            severity="medium",
            severity_score=0.0,
            topic="other",
            topic_score=0.0,
            model=self.version,
        )

    def _probabilities(self, text: str) -> list[float]:
        """By label; of a long text the mean over its beginning and its end."""
        import torch

        windows = self._tokenizer(
            text,
            truncation=True,
            max_length=self._longest,
            stride=self._longest // 2,  # so that the last window is never a stump
            return_overflowing_tokens=True,
        )["input_ids"]
        if isinstance(windows[0], int):  # a tokenizer without a Rust core gives the first window only
            windows = [windows]
        parts = windows if len(windows) == 1 else [windows[0], windows[-1]]
        with torch.inference_mode():
            logits = [self._model(input_ids=torch.tensor([part])).logits[0] for part in parts]
        return [float(p) for p in torch.stack([torch.softmax(each, 0) for each in logits]).mean(0)]


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [""])[0][:200]
