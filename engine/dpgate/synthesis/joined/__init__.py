"""Rows of a second table, drawn for persons who were drawn before."""
