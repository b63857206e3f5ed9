"""Digests: what a day or a week was like, for those who answer, those who look after the brand, and those who lead."""
