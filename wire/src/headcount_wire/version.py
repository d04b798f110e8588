"""The version of all five distributions: they move together (``tests/repo/test_packaging.py``)."""

VERSION = "0.1.0"
