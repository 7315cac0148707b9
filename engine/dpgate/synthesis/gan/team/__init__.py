"""Training by several processes: rank 0 holds data and noise, workers compute clipped sums."""
