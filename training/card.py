"""Write the model card from the figures and from the list of data sets with their licences.

python -m training.card --figures figures.json --sources sources.csv --out monitor/classify/model/README.md
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

from training.prepare import HERE, recipe


def card(figures: dict, sources: list[dict[str, str]]) -> str:
    """Markdown."""
    spec = recipe()
    text = (HERE / "card.md").read_text(encoding="utf-8")
    complaint = "\n".join(
        f"| {k} | {v['macro_f1']} ± {v['spread']} | {v['precision']} | {v['recall']} | {v['ece']} | {v['texts']} |"
        for k, v in figures["complaint"].items()
    )
    sentiment = "\n".join(
        f"| {k} | {v['macro_f1']} ± {v['spread']} | {v['texts']} |" for k, v in figures["sentiment"].items()
    )
    share = spec["share"]
    rows = "\n".join(
        f"| {s['dataset']} | [{s['repo']}](https://github.com/{s['repo']}) | {s['lang']} | {s['licence']} "
        f"| {s['annotation']} | {share.get(s['dataset'], share['other'])} |".replace("\n", " ")
        for s in sources
    )
    return text.format(
        version=figures["model"],
        umsab=figures["umsab"],
        ece=figures["ece"],
        topic=figures["own topic accuracy"],
        severity=figures["own severity accuracy"],
        complaint=complaint,
        sentiment=sentiment,
        sources=rows,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--figures", "--sources", "--out"):
        parser.add_argument(name, type=Path, required=True)
    args = parser.parse_args()
    figures = json.loads(args.figures.read_text(encoding="utf-8"))
    with args.sources.open(encoding="utf-8", newline="") as lines:
        args.out.write_text(card(figures, list(csv.DictReader(lines))), encoding="utf-8")


if __name__ == "__main__":
    main()
