"""Spikes: hours with far more mentions than usual, or next to none where there are always some. See docs/spikes.md."""
