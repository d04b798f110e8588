"""Numbered SQL files; see ``migrate``."""
