"""The evidence of a release or of a rehearsal as one page that opens anywhere, offline."""
