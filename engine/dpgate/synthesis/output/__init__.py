"""Files of a release: one small module for each format, and the rule that writes them."""
