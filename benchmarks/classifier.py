"""How fast the embedded classifier is, and how much memory it takes, for texts as long as tweets.

CPU seconds are shown too: on a machine that does other work they say more than the clock.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from pathlib import Path

TEXTS, BATCH = 2000, 256
SAID = """
my parcel has not arrived again and nobody answers the phone @acme this is the third week I am still waiting for a
refund paket kasni tri nedelje niko se ne javlja kargom gelmedi kimse cevap vermiyor ang tagal ng delivery nyo great
service thank you so much love the new app update works fine
"""
WORDS = SAID.split()


def resident() -> float:
    """Megabytes of this process in memory; Linux only."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def texts(count: int) -> list[str]:
    """Made-up texts with the spread of lengths that tweets have: about 27 pieces, from 10 to 45."""
    rng = random.Random(13)
    return [" ".join(rng.choices(WORDS, k=max(4, min(36, round(rng.gauss(19, 7)))))) for _ in range(count)]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU."""
    clock, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - cpu


def measure() -> list[tuple[str, str, str]]:
    before = resident()
    from monitor.classify.model import Classifier, load_classifier
    from monitor.classify.verdict import Subject
    from monitor.settings import ClassifierSettings

    imported = resident()
    load: list[Classifier] = []
    loading = timed(lambda: load.append(load_classifier(ClassifierSettings())))
    loaded = resident()
    classifier = load[0]
    subjects = [Subject(t) for t in texts(TEXTS)]

    def in_batches() -> None:
        for at in range(0, len(subjects), BATCH):
            classifier.judge(subjects[at : at + BATCH])

    def one_at_a_time() -> None:
        for subject in subjects[: len(subjects) // 4]:
            classifier.judge([subject])

    classifier.judge(subjects[:BATCH])
    batches, single = timed(in_batches), timed(one_at_a_time)
    quarter = TEXTS // 4
    return [
        (f"texts/s in batches of {BATCH} (and per CPU second)", _rates(TEXTS, batches), "600/s"),
        ("texts/s one at a time (and per CPU second)", _rates(quarter, single), "200/s"),
        ("loading, by the clock (and CPU)", f"{loading[0]:.1f} s ({loading[1]:.1f} s)", ""),
        ("resident for tokenizer and model, after the run", f"{resident() - before:.0f} MB", "250 MB"),
        (
            "of that after loading",
            f"{loaded - before:.0f} MB, {imported - before:.0f} MB of it firsthour's imports",
            "",
        ),
    ]


def _rates(count: int, spent: tuple[float, float]) -> str:
    return f"{count / spent[0]:.0f} ({count / spent[1]:.0f})"
