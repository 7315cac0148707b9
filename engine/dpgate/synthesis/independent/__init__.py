"""Independent columns: what one-way tables alone can give."""
