"""Signers: what signs as one key. A file, an SSH agent, or what a third party's package brings."""
