"""Replays a real activity log through the whole house, and compares every number with the truth."""
