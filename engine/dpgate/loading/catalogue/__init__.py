"""Rules that come with dpgate: one file each under rules/, and what a policy may choose of them."""
