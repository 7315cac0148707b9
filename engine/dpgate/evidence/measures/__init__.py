"""What is measured of released rows on the private data, at a cost: utility, and attacks."""
