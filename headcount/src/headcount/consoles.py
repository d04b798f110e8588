"""Where the command line writes: results to one console, what went wrong to the other."""

from __future__ import annotations

from rich.console import Console

out = Console()
err = Console(stderr=True)


def plain(text: str) -> None:
    """Write a file's text, as it is: nothing coloured, nothing folded."""
    out.print(text, end="" if text.endswith("\n") else "\n", markup=False, highlight=False, soft_wrap=True)


def fail(text: str) -> None:
    """Write one line about what went wrong."""
    err.print(text, style="red", markup=False, highlight=False, soft_wrap=True)
