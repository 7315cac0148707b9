"""MST: a maximum spanning tree of noisy two-way marginals (McKenna, Miklau, Sheldon 2021)."""
