"""Declarative policy-as-code release engine for differentially private data."""
