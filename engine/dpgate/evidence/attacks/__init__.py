"""Attacks on released rows, measured under DP: tallies of per-record outcomes, and what they say."""
