"""Results as people and machines read them: one interface, one file a format."""
