"""Pairs of volumes with a known place, and what the verdict on them is set and tried by."""
