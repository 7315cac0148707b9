"""What a release says about itself: utility, conformity, a card, and what each discloses."""
