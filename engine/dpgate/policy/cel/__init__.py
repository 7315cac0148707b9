"""Rules in CEL: the facts they are about, compiling them, judging by them."""
