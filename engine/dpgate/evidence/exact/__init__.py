"""What is computed on private rows without noise: for stewards alone, or where rows are stand-ins."""
