"""Headcount beside others that take the same day: the usual way, a time-series database, servers that do nothing."""
