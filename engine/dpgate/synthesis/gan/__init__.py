"""Generators trained by DP-SGD: `dp-ctgan` and `dp-tvae`."""
