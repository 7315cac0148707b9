"""Synthesizers: from budget and counts to a model, from a model to rows."""
