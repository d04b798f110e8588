"""Retention: what is kept until when, dropped when its time is over, and the record of what was dropped."""
