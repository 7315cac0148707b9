"""Noise and selection: the only place where private numbers meet randomness. OpenDP alone."""
