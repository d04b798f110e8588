"""``headcount logtap``: counts access-log lines. Each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headcount.consoles import fail, out

app = typer.Typer(help="Count access-log lines by route class, method, status class and latency; drop all else.")

Config = Annotated[Path, typer.Option("--config", help="The tap's file; headcount logtap example prints one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the account as JSON.")]
FILE = Path("logtap.toml")


@app.callback(invoke_without_command=True)
def tap(
    context: typer.Context,
    config: Config = FILE,
    once: Annotated[bool, typer.Option("--once", help="Read what is there, hand it over, and end.")] = False,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="At the very first start, also count lines that are there already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be counted of the log; keep and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Follow an access log, or read lines from standard input, until told to stop."""
    if context.invoked_subcommand is not None:
        return
    from headcount.logtap.run import look, run, until_told

    if dry_run:
        raise typer.Exit(look(config, out, fail, as_json=as_json))
    stop = until_told()
    raise typer.Exit(run(config, out, fail, stop, once=once, from_start=from_start, as_json=as_json))


@app.command()
def catalog(
    config: Config = FILE,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where it is stale.")] = False,
) -> None:
    """Write the catalog that the routes need, for the edge and the tap; codes stay what they are."""
    from headcount.logtap.run import write_catalog

    raise typer.Exit(write_catalog(config, out, fail, check=check))


@app.command()
def account(config: Config = FILE, as_json: AsJson = False) -> None:
    """Print what became of lines and requests up to the last checkpoint, also while the tap runs."""
    from headcount.logtap.run import tell

    raise typer.Exit(tell(config, out, fail, as_json=as_json))


@app.command()
def example() -> None:
    """Print a file to begin with: headcount logtap example > logtap.toml."""
    from importlib.resources import files

    # Bytes, so that what is redirected into a file is UTF-8 on every system.
    typer.get_binary_stream("stdout").write(files("headcount.logtap").joinpath("example.toml").read_bytes())
