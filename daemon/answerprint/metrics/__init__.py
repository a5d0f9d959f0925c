"""Figures of restored footage against the truth and over time, and the damage that test footage is made with."""
