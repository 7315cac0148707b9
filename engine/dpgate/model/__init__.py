"""Documents, records and values: frozen data without I/O."""
