"""From bytes to validated documents: strict YAML with positions, canonical JSON, schemas."""
