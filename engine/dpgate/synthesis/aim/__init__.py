"""AIM: an adaptive and iterative mechanism (McKenna, Mullins, Sheldon, Miklau 2022)."""
