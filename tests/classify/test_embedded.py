from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from monitor.classify.embedded import Embedded
from monitor.classify.model import EMBEDDED, load_classifier
from monitor.classify.verdict import SENTIMENTS, SEVERITIES, TOPICS, Subject, Unreadable, Verdict
from monitor.errors import ConfigurationError
from monitor.settings import ClassifierSettings

TEXTS = [
    "Two weeks and my parcel is still not here. Nobody answers the phone.",
    "I love this shop, everything arrived a day early!",
    "What time do you open on Sunday?",
    "Kargom üç haftadır gelmedi, kimse telefonu açmıyor.",
    "Ang bagal ng delivery nyo, dalawang linggo na wala pa rin.",
    "Pakk on juba kolm nädalat teel ja keegi ei vasta.",
    "Paket kasni tri nedelje i niko se ne javlja.",
    "parcel innum varala, yaarum phone edukka maatranga",
    "ok",
    "😡😡😡",
]


def said(answer: Verdict | Unreadable) -> Verdict:
    assert isinstance(answer, Verdict), answer
    return answer


def test_every_verdict_is_made_of_known_words_and_probabilities(embedded: Embedded) -> None:
    for answer in embedded.judge([Subject(t) for t in TEXTS]):
        verdict = said(answer)
        assert verdict.sentiment in SENTIMENTS
        assert verdict.severity in SEVERITIES
        assert verdict.topic in TOPICS
        assert sum(verdict.sentiment_scores) == pytest.approx(1, abs=0.001)
        for p in (verdict.complaint_score, verdict.severity_score, verdict.topic_score, verdict.language_score):
            assert 0 <= p <= 1
        assert verdict.complaint == (verdict.complaint_score >= embedded.threshold)
        assert verdict.model == embedded.version


def test_a_plain_complaint_and_plain_praise_are_told_apart(embedded: Embedded) -> None:
    complaint, praise = map(said, embedded.judge([Subject(TEXTS[0]), Subject(TEXTS[1])]))
    assert complaint.complaint
    assert complaint.sentiment == "negative"
    assert not praise.complaint
    assert praise.sentiment == "positive"


def test_a_text_gets_the_same_verdict_whatever_batch_it_came_in(embedded: Embedded) -> None:
    alone = [said(embedded.judge([Subject(t)])[0]) for t in TEXTS]
    rng = random.Random(7)
    for _ in range(4):
        order = rng.sample(range(len(TEXTS)), len(TEXTS))
        others = [Subject(" ".join(rng.choices(TEXTS, k=2))) for _ in range(5)]
        together = embedded.judge([Subject(TEXTS[n]) for n in order] + others)
        for n, answer in zip(order, together, strict=False):
            verdict = said(answer)
            assert (verdict.sentiment, verdict.complaint) == (alone[n].sentiment, alone[n].complaint)
            assert verdict.complaint_score == pytest.approx(alone[n].complaint_score, abs=0.02)
            assert verdict.sentiment_scores == pytest.approx(alone[n].sentiment_scores, abs=0.02)


def test_every_run_says_exactly_the_same(embedded: Embedded) -> None:
    again = Embedded(EMBEDDED, threads=1)
    subjects = [Subject(t) for t in TEXTS]
    assert embedded.judge(subjects) == again.judge(subjects) == embedded.judge(subjects)


def test_a_complaint_in_the_last_line_of_a_long_review_is_seen(embedded: Embedded) -> None:
    praise = "The rooms are lovely, the breakfast is wonderful and the staff are so kind. " * 40
    last = "But they charged my card twice and nobody gives me my money back. I want a refund!"
    without, with_it = map(said, embedded.judge([Subject(praise), Subject(praise + "\n" + last)]))
    assert len(praise) > 3000
    assert with_it.complaint_score > without.complaint_score + 0.3


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("\x00\x00", "empty"),
        ("\ud800", "empty"),
        ("https://example.com/a?b=c", "addresses"),
        ("@acme @acmehelp http://x.y", "addresses"),
        ("a" * 1_000_000, "1000000 characters"),
        ("broken again " * 80_000, "characters"),
    ],
)
def test_what_cannot_be_judged_gets_a_reason(embedded: Embedded, text: str, reason: str) -> None:
    bad, good = embedded.judge([Subject(text), Subject(TEXTS[0])])
    assert isinstance(bad, Unreadable)
    assert reason in bad.reason
    assert said(good).complaint


@pytest.mark.parametrize("rating", [7, 0, -1, float("nan"), float("inf")])
def test_a_rating_off_the_scale_is_refused(embedded: Embedded, rating: float) -> None:
    (answer,) = embedded.judge([Subject("It broke.", rating)])
    assert isinstance(answer, Unreadable)
    assert "1 to 5" in answer.reason


@pytest.mark.parametrize(
    "text",
    [
        "abc \x00 def, it broke after a day",
        "it broke \ud83d after a day",
        "\u202eyad a retfa ekorb ti\u202c",
        "x" * 150_000,
        "word " * 20_000,
        " ".join(chr(start) * 3 for start in range(0x0370, 0x3400, 0xF0)),
        "नमस्ते வணக்கம் สวัสดี 你好 こんにちは 안녕 שלום مرحبا Привет გამარჯობა Բարեւ ሰላም ជំរាបសួរ hello",
        "a\u0301" * 5_000,
        "." * 500 + "no",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467" * 100,
    ],
)
def test_strange_texts_are_judged_all_the_same(embedded: Embedded, text: str) -> None:
    verdict = said(embedded.judge([Subject(text)])[0])
    assert np.isfinite(verdict.complaint_score)


def test_emoji_alone_get_a_verdict_with_little_confidence(embedded: Embedded) -> None:
    for text in ("👍👍👍", "😡", "❤️"):
        verdict = said(embedded.judge([Subject(text)])[0])
        assert max(verdict.sentiment_scores) < 0.75
        assert verdict.complaint_score <= 0.6
        assert verdict.language == "und"


def test_serbian_gets_one_verdict_in_both_scripts(embedded: Embedded) -> None:
    latin, cyrillic = map(
        said,
        embedded.judge(
            [
                Subject("Paket kasni tri nedelje, užas, niko se ne javlja"),
                Subject("Пакет касни три недеље, ужас, нико се не јавља"),
            ]
        ),
    )
    assert latin.complaint_score == cyrillic.complaint_score
    assert latin.sentiment_scores == cyrillic.sentiment_scores


@pytest.mark.parametrize(
    ("latin", "cyrillic"),
    [
        ("Opet kasni, treba nam danas.", "Опет касни, треба нам данас."),  # no letter that only Serbian has
        ("STRUJE NEMA OD NEDELJE. LJUBAZNI STE!", "СТРУЈЕ НЕМА ОД НЕДЕЉЕ. ЉУБАЗНИ СТЕ!"),
    ],
)
def test_serbian_that_its_source_tells_is_read_alike(embedded: Embedded, latin: str, cyrillic: str) -> None:
    one, other = map(said, embedded.judge([Subject(latin, language="sr"), Subject(cyrillic, language="sr")]))
    assert one.complaint_score == other.complaint_score
    assert one.sentiment_scores == other.sentiment_scores


def test_each_sentence_of_a_long_serbian_text_is_read_alike(embedded: Embedded) -> None:
    latin = "Juče je stigao račun. Treba nam odgovor. " * 20 + "Opet kasni."
    cyrillic = "Јуче је стигао рачун. Треба нам одговор. " * 20 + "Опет касни."
    one, other = map(said, embedded.judge([Subject(latin), Subject(cyrillic)]))
    assert one.complaint_score == other.complaint_score


def test_stars_move_a_verdict(embedded: Embedded) -> None:
    one, none, five = map(said, embedded.judge([Subject("It is what it is.", r) for r in (1, None, 5)]))
    assert one.complaint_score > none.complaint_score > five.complaint_score
    assert one.sentiment_scores[0] > none.sentiment_scores[0] > five.sentiment_scores[0]


def test_a_threshold_of_ones_own_decides(embedded: Embedded) -> None:
    never = load_classifier(ClassifierSettings(complaint_threshold=1.0, threads=1))
    assert not said(never.judge([Subject(TEXTS[0])])[0]).complaint


def test_nothing_to_judge_is_nothing(embedded: Embedded) -> None:
    assert embedded.judge([]) == []


def test_a_broken_model_directory_is_a_configuration_error(tmp_path: Path) -> None:
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "embeddings.bin"):
        (tmp_path / name).write_bytes((EMBEDDED / name).read_bytes())
    (tmp_path / "body.onnx").write_bytes(b"not a model")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        Embedded(tmp_path)


def test_the_shipped_model_is_small_and_carries_its_name() -> None:
    size = sum(f.stat().st_size for f in EMBEDDED.iterdir() if f.is_file())
    assert size <= 60_000_000
    assert json.loads((EMBEDDED / "config.json").read_text(encoding="utf-8"))["firsthour_version"]
