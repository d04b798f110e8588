"""``headcount query``: released numbers in the terminal, as tables and small plots, as CSV or JSON."""
