"""Measures without noise: for stewards, or where the rows are a stand-in."""
