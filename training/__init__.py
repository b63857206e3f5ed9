"""How the shipped model is made (extra `torch`), in this order; each script's docstring gives its arguments.

prepare: the labelled sets and texts/ become pieces and targets. teach: checkpoints say moods that the labels lack (may
be left out). train: one run or several, the last with --decay. mean: of their averages. export: 8 bits, the files of
the model. calibrate: probabilities. evaluate and card: figures and the model card. Afterwards
`python -m monitor.demo.voices` judges the demo's texts anew, and `python -m benchmarks.similar` shows what became of
cases that are alike.

recipe.toml holds every choice, labels/ and texts/ what was labelled and written for it; trimming, romanised and measure
only measure. Lessons and figures: docs/classifier.md.
"""
