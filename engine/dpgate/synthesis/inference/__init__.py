"""Fitting graphical models to noisy marginals. Public numbers in, public numbers out."""
