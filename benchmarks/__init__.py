"""Programs that measure Headcount, and that run it on real input."""
