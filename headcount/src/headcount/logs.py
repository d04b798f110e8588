"""Structured logs of the process that runs the house, on stderr, as its children write theirs."""

from __future__ import annotations

import sys

import structlog


def log_as_json() -> None:
    """One JSON object a line, with its level and its time."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
