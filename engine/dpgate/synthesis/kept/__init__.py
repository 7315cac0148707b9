"""Models that are kept: files that hold numbers and public text, and nothing that runs."""
