"""Headcount's edge: takes reports, strips them, and has them on disk before it answers."""
