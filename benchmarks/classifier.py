"""How fast the embedded classifier is, and how much memory it takes.

    python -m benchmarks.classifier [--texts 2000] [--threads 2]

Prints texts a second in batches and one at a time, for texts as long as tweets, and the resident memory that loading
the model added. CPU seconds are printed too: on a machine that does other work they say more than the clock.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import time
from collections.abc import Callable
from pathlib import Path

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


def machine() -> str:
    model = platform.processor()
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=64)
    args = parser.parse_args()
    before = resident()
    from monitor.classify.model import Classifier, load_classifier
    from monitor.classify.verdict import Subject
    from monitor.settings import ClassifierSettings

    imported = resident()
    load: list[Classifier] = []
    settings = ClassifierSettings(threads=args.threads)
    loading = timed(lambda: load.append(load_classifier(settings)))
    loaded = resident()
    classifier = load[0]
    subjects = [Subject(t) for t in texts(args.texts)]

    def in_batches() -> None:
        for at in range(0, len(subjects), args.batch):
            classifier.judge(subjects[at : at + args.batch])

    def one_at_a_time() -> None:
        for subject in subjects[: len(subjects) // 4]:
            classifier.judge([subject])

    classifier.judge(subjects[:64])
    batches, single = timed(in_batches), timed(one_at_a_time)
    n, quarter = len(subjects), len(subjects) // 4
    print(machine())
    print(f"{'':24}{'texts/s':>10}{'texts/CPU s':>14}")
    print(f"{f'batches of {args.batch}':24}{n / batches[0]:>10.0f}{n / batches[1]:>14.0f}")
    print(f"{'one at a time':24}{quarter / single[0]:>10.0f}{quarter / single[1]:>14.0f}")
    print(f"loading: {loading[0]:.2f} s by the clock, {loading[1]:.2f} s of CPU")
    print(f"resident: {before:.0f} MB at the start, {imported:.0f} with firsthour, {loaded:.0f} with the model, "
          f"{resident():.0f} after the run")  # fmt: skip


if __name__ == "__main__":
    main()
