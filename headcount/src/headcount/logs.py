"""Structured logs on stderr, of the process that runs the house and of those it runs."""

from __future__ import annotations

import sys

import structlog


def log_as_json() -> None:
    """One JSON object a line, with its level and its time; a line is one write, as several processes share stderr."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),
    )
