"""The log tap: access-log lines become counts in memory; nothing else of a line leaves it.

Its path in one function is ``Tap.run`` in ``tap.py``: read whole lines, count them, keep the counts and the place in
the log in one file, hand the counts over as reports of a server-side instance.
"""
