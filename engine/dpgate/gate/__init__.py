"""The steps of a release, from check to verify. Each verb is one module."""
