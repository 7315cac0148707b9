"""Tests of a policy: cases that are written down, judged as real releases are."""
