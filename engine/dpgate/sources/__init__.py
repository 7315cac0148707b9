"""Private data as counts over public cells; no row can make a source fail or speak."""
