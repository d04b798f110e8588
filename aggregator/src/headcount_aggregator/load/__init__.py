"""From sealed segments to committed units: each report exactly once."""
