"""The disclosure log: what left the house, to whom, by which rule, and what was changed or deleted (R12)."""
