"""Rows that nobody ever had: invented from a Dataset document alone, with shapes that data has."""
