"""The ledger: signed statements, hash-chained, one file an entry, on a Git branch."""
