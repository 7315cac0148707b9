"""Noisy answers to queries: counts, sums, means, quantiles, most frequent values, with intervals."""
