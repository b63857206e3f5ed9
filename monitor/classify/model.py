"""What every classifier is, and which one the configuration asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from monitor.classify.verdict import Subject, Unreadable, Verdict
from monitor.errors import ConfigurationError
from monitor.settings import ClassifierSettings

EMBEDDED = Path(__file__).parent / "model"
S = TypeVar("S")


class Classifier(Protocol):
    """`version` goes into every verdict; `threshold` is the complaint probability from which a text is a complaint."""

    version: str
    threshold: float

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        """One answer for each subject, in order. What it raises says nothing about any single subject: `one_by_one`
        finds the one that is to blame."""
        ...


def directory(settings: ClassifierSettings) -> Path | None:
    """Where the configured model lies, if it is one that training/export.py wrote."""
    local = EMBEDDED if settings.model == "embedded" else Path(settings.model).expanduser()
    return local if (local / "body.onnx").is_file() else None


def load_classifier(settings: ClassifierSettings) -> Classifier:
    """The configured classifier, ready to judge. Raises ConfigurationError where the model cannot be used."""
    local = EMBEDDED if settings.model == "embedded" else directory(settings)
    if local is not None:
        return _exported(local, settings)
    from monitor.classify.hub import load

    return load(settings)


def _exported(directory: Path, settings: ClassifierSettings) -> Classifier:
    from monitor.classify.embedded import Embedded
    from monitor.classify.layer import read_layer

    if settings.labels:
        raise ConfigurationError("classifier.labels", "the embedded model has no labels to map", "remove them")
    classifier = Embedded(directory, settings.threads, settings.complaint_threshold)
    classifier.layer = read_layer(Path(settings.learned), classifier.version)
    return classifier


def one_by_one(
    judge: Callable[[Sequence[S]], list[Verdict | Unreadable]], subjects: Sequence[S]
) -> list[Verdict | Unreadable | Exception]:
    """What `judge` says of each subject; where it raises, the halves are tried, down to the single subjects that make
    it raise, which get the exception instead of a verdict."""
    if not subjects:
        return []
    try:
        return list(judge(subjects))
    except Exception as error:
        if len(subjects) == 1:
            return [error]
        half = len(subjects) // 2
        return one_by_one(judge, subjects[:half]) + one_by_one(judge, subjects[half:])
