"""A Gaussian copula over the public order of cells (after Li, Xiong, Jiang 2014, DPCopula)."""
