"""The model that ships inside the package: transformers' tokenizer, a 4-bit word table, and an 8-bit ONNX body.

Texts of the same number of pieces go through the body together, never padded, so a text's verdict does not depend on
the texts beside it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from monitor.classify.language import language, warm
from monitor.classify.layer import Layer
from monitor.classify.likeness import pack
from monitor.classify.rating import complaint_with_rating, with_rating
from monitor.classify.readable import in_latin, readable, unreadable
from monitor.classify.text import clean, wordless
from monitor.classify.verdict import SENTIMENTS, SEVERITIES, TOPICS, Subject, Unreadable, Verdict
from monitor.classify.windows import SIZE, windows
from monitor.errors import ConfigurationError

AT_A_TIME = 768  # pieces that go through the body in one call: more cost memory and win no time
MANY = 32  # texts, from which on it is worth while to give the memory back that judging them took
DISCOUNT = 2.6  # logits: many windows are many chances of a false alarm; chosen on long reviews of dev
DOUBT = 0.6  # how much of what the model says is believed where a text has no words
BLOCK = np.dtype([("scale", "<f2"), ("values", "u1", 16)])
_M_ARENA_MAX = -8  # malloc.h
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Calibration:
    """How logits become probabilities (training/calibrate.py): temperatures; for complaints a slope and an offset."""

    sentiment: float = 1.0
    severity: float = 1.0
    topic: float = 1.0
    complaint_slope: float = 1.0
    complaint_offset: float = 0.0
    complaint_threshold: float = 0.5
    topic_threshold: float = 0.35  # a topic less probable than this is "other"


class Embedded:
    """A model directory written by training/export.py."""

    layer: Layer | None = None  # what the team's corrections taught

    def __init__(self, directory: Path, threads: int = 2, threshold: float | None = None) -> None:
        os.environ.setdefault("TRANSFORMERS_NO_ADVISORY_WARNINGS", "1")
        os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
        self.directory = directory
        _few_arenas()
        warmed = threading.Thread(target=warm)
        warmed.start()
        try:
            from transformers import AutoConfig, AutoTokenizer

            config = AutoConfig.from_pretrained(directory, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(directory, local_files_only=True)
            self._table = np.memmap(directory / "embeddings.bin", BLOCK, mode="r").reshape(config.vocab_size, -1)
            self._session = body_session(directory / "body.onnx")
            self.calibration = read_calibration(directory / "calibration.json")
        except Exception as error:  # each of the libraries has errors of its own, and all mean the same here
            raise ConfigurationError(
                "classifier.model", f"{directory} cannot be loaded: {error}", "reinstall firsthour, or export it again"
            ) from error
        self.version: str = config.firsthour_version
        self.threshold = self.calibration.complaint_threshold if threshold is None else threshold
        self._tokenizer = tokenizer.backend_tokenizer
        # a thread a call: on two cores 40 % more texts a second than two threads on each call
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="firsthour-model")
        self._begin, self._end = tokenizer.cls_token_id, tokenizer.sep_token_id
        warmed.join()
        _give_back()

    def judge(self, subjects: Sequence[Subject]) -> list[Verdict | Unreadable]:
        texts = [readable(s) for s in subjects]
        answers: list[Verdict | Unreadable | None] = [
            unreadable(subject, text) for subject, text in zip(subjects, texts, strict=True)
        ]
        todo = [n for n, answer in enumerate(answers) if answer is None]
        seen = self.look([subjects[n] for n in todo], [texts[n] for n in todo])
        for n, look in zip(todo, seen, strict=True):
            answers[n] = self._verdict(subjects[n], texts[n], look)
        if len(todo) >= MANY:
            _give_back()
        return [a for a in answers if a is not None]

    def features(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Of each text its features `[texts, 384]` and its calibrated complaint logit, before any corrections."""
        looks = self.look([Subject(t) for t in texts], [clean(t) for t in texts])
        return (
            np.stack([look.features for look in looks]) if looks else np.zeros((0, 384), np.float32),
            np.array([look.complaint for look in looks], np.float32),
        )

    def look(self, subjects: Sequence[Subject], cleaned: Sequence[str]) -> list[Look]:
        """Tokenise, cut into windows where a text is long, run the body, and bring the windows together."""
        pieces = self._encode(list(cleaned))
        cut = [
            [ids] if len(ids) <= SIZE else windows(in_latin(subject), self._encode, clean)
            for ids, subject in zip(pieces, subjects, strict=True)
        ]
        flat = [[self._begin, *ids, self._end] for several in cut for ids in several]
        features, logits = self._body(flat)
        looks, at = [], 0
        for several in cut:
            rows = slice(at, at + len(several))
            looks.append(self._together(features[rows], logits[rows], [len(ids) for ids in several]))
            at += len(several)
        return looks

    def _encode(self, texts: list[str]) -> list[list[int]]:
        return [e.ids for e in self._tokenizer.encode_batch_fast(texts, add_special_tokens=False)]

    def _body(self, texts: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
        features = np.zeros((len(texts), self._width), np.float32)
        logits = np.zeros((len(texts), len(SENTIMENTS) + 1 + len(SEVERITIES) + len(TOPICS)), np.float32)

        def run(rows: list[int]) -> None:
            given = {"vectors": self._vectors(np.array([texts[n] for n in rows]))}
            features[rows], logits[rows] = self._session.run(["features", "logits"], given)

        groups = _of_equal_length(texts)
        for _ in self._pool.map(run, groups) if len(groups) > 1 else map(run, groups):
            pass
        return features, logits

    def _vectors(self, ids: npt.NDArray[np.int64]) -> Floats:
        """The word table's rows for these pieces, out of their 4-bit blocks."""
        blocks = self._table[ids]
        values = np.concatenate([blocks["values"] & 15, blocks["values"] >> 4], -1).astype(np.float32)
        values -= 8
        values *= blocks["scale"].astype(np.float32)[..., None]
        return values.reshape(*ids.shape, self._width)

    @cached_property
    def _width(self) -> int:
        return int(self._table.shape[1] * 32)

    def _together(self, features: Floats, logits: Floats, sizes: Sequence[int]) -> Look:
        """One look at a text from those at its windows: the mood is the windows' mean by their length, the complaint
        is the most complaining window's, less a little for every chance that many windows give to a false alarm."""
        c = self.calibration
        complaints = logits[:, 3] * c.complaint_slope + c.complaint_offset
        worst = int(complaints.argmax())
        weights = np.array(sizes, np.float32)
        weights[worst] = max(weights[worst], float(weights.sum()) / 3)
        moods = _softmax(logits[:, :3] / c.sentiment)
        return Look(
            features[worst],
            (weights[:, None] * moods).sum(0) / weights.sum(),
            float(complaints[worst]) - min(DISCOUNT * float(np.log(len(sizes))), DISCOUNT),
            _softmax(logits[worst, 4:8] / c.severity),
            _softmax(logits[worst, 8:] / c.topic),
        )

    def _verdict(self, subject: Subject, text: str, look: Look) -> Verdict:
        complaint = look.complaint + (self.layer.shift(look.features) if self.layer else 0.0)
        probability = complaint_with_rating(1 / (1 + float(np.exp(-complaint))), subject.rating)
        mood = with_rating([float(p) for p in look.sentiment], subject.rating)
        if wordless(text):
            mood = tuple(DOUBT * p + (1 - DOUBT) / 3 for p in mood)  # type: ignore[assignment]
            probability *= DOUBT
        code, sure = language(text, subject.language)
        topic, severity = int(look.topic.argmax()), int(look.severity.argmax())
        known = look.topic[topic] >= self.calibration.topic_threshold
        return Verdict(
            language=code,
            language_score=round(sure, 4),
            sentiment=SENTIMENTS[max(range(3), key=mood.__getitem__)],
            sentiment_scores=(round(mood[0], 4), round(mood[1], 4), round(mood[2], 4)),
            complaint=probability >= self.threshold,
            complaint_score=round(probability, 4),
            severity=SEVERITIES[severity],
            severity_score=round(float(look.severity[severity]), 4),
            topic=TOPICS[topic] if known else "other",
            topic_score=round(float(look.topic[topic] if known else look.topic[-1]), 4),
            model=self.version if self.layer is None else f"{self.version}+{self.layer.name}",
            features=pack(look.features),
        )


@dataclass(frozen=True)
class Look:
    """What the body saw in one text: features `[384]`, probabilities by class, and the complaint's logit."""

    features: Floats
    sentiment: Floats
    complaint: float
    severity: Floats
    topic: Floats


def read_calibration(path: Path) -> Calibration:
    """The calibration written beside a model; without one, logits are taken as they are."""
    if not path.exists():
        return Calibration()
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Calibration(**stored["values"])


def body_session(path: Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # it would keep what the largest batch ever needed
    options.log_severity_level = 3
    if not _has_vnni():  # without it 8-bit sums may overflow; exact ones take twice as long
        options.add_session_config_entry("session.x64quantprecision", "1")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _has_vnni() -> bool:
    """Whether this CPU is known to add 8-bit products exactly; where nothing tells, it is taken not to."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return "vnni" in flags


def _of_equal_length(texts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Which texts go through the body in one call."""
    groups: list[list[int]] = []
    for n in sorted(range(len(texts)), key=lambda n: len(texts[n])):
        length = len(texts[n])
        last = groups[-1] if groups else []
        if last and len(texts[last[0]]) == length and (len(last) + 1) * length <= AT_A_TIME:
            last.append(n)
        else:
            groups.append([n])
    return groups


def _few_arenas() -> None:
    """Have threads share two of malloc's arenas: each keeps some of what it freed. Not every C library can."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _give_back() -> None:
    """Return to the system what was used for a moment: 60 MB in loading, as much in a batch. Takes 2 ms."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _softmax(logits: Floats) -> Floats:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True), np.float32)
