"""The network that is trained: a BertModel without its word embeddings, and one linear head on the mean.

Word embeddings stay frozen, so they are looked up outside and the body takes vectors: what is trained, exported and
shipped is the same graph.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import BertConfig, BertModel

from monitor.classify.verdict import SENTIMENTS, SEVERITIES, TOPICS
from training.restore import weights_of

HEADS = {"sentiment": len(SENTIMENTS), "complaint": 1, "severity": len(SEVERITIES), "topic": len(TOPICS)}


class Network(nn.Module):
    """Input: vectors `[texts, pieces, 384]` and mask `[texts, pieces]`. Output: features `[texts, 384]` and logits
    `[texts, 20]`: sentiment 3, complaint 1, severity 4, topic 12."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        config.hidden_dropout_prob, config.attention_probs_dropout_prob = 0.1, 0.0
        self.bert = BertModel(config, add_pooling_layer=False)
        self.bert.embeddings.word_embeddings = nn.Embedding(1, config.hidden_size)  # never used: vectors come in
        self.drop = nn.Dropout(0.1)
        self.head = nn.Linear(config.hidden_size, sum(HEADS.values()))

    def learn(self, frozen: int) -> None:
        """Train mode, for all but the word embeddings and the lowest `frozen` layers: those keep their weights, and run
        without dropout, which is a tenth of the time."""
        self.train()
        self.bert.embeddings.requires_grad_(False)
        for layer in self.bert.encoder.layer[:frozen]:
            layer.requires_grad_(False).eval()
        self.bert.embeddings.train(not frozen)

    def lower(self, vectors: torch.Tensor, mask: torch.Tensor, layers: int) -> torch.Tensor:
        """The states after the first `layers` layers: what need not be computed again while they are frozen."""
        states = self.bert.embeddings(inputs_embeds=vectors)
        return self._layers(states, mask, self.bert.encoder.layer[:layers])

    def upper(self, states: torch.Tensor, mask: torch.Tensor, layers: int) -> tuple[torch.Tensor, torch.Tensor]:
        states = self._layers(states, mask, self.bert.encoder.layer[layers:])
        weights = mask.unsqueeze(-1).to(states.dtype)
        features = (states * weights).sum(1) / weights.sum(1)
        return features, self.head(self.drop(features))

    def forward(self, vectors: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.upper(self.lower(vectors, mask, 0), mask, 0)

    def _layers(self, states: torch.Tensor, mask: torch.Tensor, layers: nn.ModuleList) -> torch.Tensor:
        far = (1.0 - mask[:, None, None, :].to(states.dtype)) * -1e4
        for layer in layers:
            out = layer(states, far)
            states = out[0] if isinstance(out, tuple) else out
        return states


def split(logits: torch.Tensor) -> dict[str, torch.Tensor]:
    """Logits `[texts, 20]` by head."""
    return dict(zip(HEADS, logits.split(list(HEADS.values()), dim=1), strict=True))


def start(base: Path, trial: Path | None) -> Network:
    """The base model's body, or that of `trial`: a checkpoint (names as in BertModel under `bert.`, plus `head`) or a
    directory that training/export.py wrote."""
    config = BertConfig.from_pretrained(base, attn_implementation="eager")  # sdpa with a mask is 40 % slower on a CPU
    network = Network(config)
    if trial and trial.is_dir():
        weights = {name: torch.from_numpy(np.array(value)) for name, value in weights_of(trial).items()}
    else:
        weights = load_file(trial) if trial else BertModel.from_pretrained(base).state_dict()
    if not trial:
        weights = {f"bert.{k}": v for k, v in weights.items()}
    head = {k: weights.pop(k).float() for k in ("head.weight", "head.bias") if k in weights}
    weights = {k: v.float() for k, v in weights.items() if "word_embeddings" not in k and "pooler" not in k}
    missing = network.load_state_dict(weights, strict=False)
    if missing.unexpected_keys:
        raise ValueError(f"{trial or base}: not this network, it also holds {missing.unexpected_keys[:3]}")
    with torch.no_grad():
        for name, value in head.items():
            getattr(network.head, name.split(".")[1])[: len(value)] = value
    return network


def word_vectors(base: Path, pieces: np.ndarray) -> torch.Tensor:
    """The rows of the base model's embedding table that the trimmed vocabulary kept: `[pieces, 384]`."""
    table = load_file(base / "model.safetensors")
    name = next(k for k in table if k.endswith("word_embeddings.weight"))
    return table[name][torch.from_numpy(pieces.astype(np.int64))].float()
