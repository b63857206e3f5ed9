"""firsthour hears every mention of a brand and gets each complaint answered within the hour."""

__version__ = "0.1.0"
