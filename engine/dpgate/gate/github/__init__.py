"""Talking to GitHub: what started a job, comments, reviews, credentials. Nothing here decides a release."""
