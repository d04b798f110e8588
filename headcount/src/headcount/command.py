"""The ``headcount`` command line. Each command imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headcount import audit_command, catalog_command, release_command, warehouse_command
from headcount.consoles import err, out
from headcount.loadgen import command as load_command
from headcount.logtap import command as logtap_command
from headcount.query import command as query_command

app = typer.Typer(help="Headcount: counts heads, never faces.", no_args_is_help=True, add_completion=False)
keys_app = typer.Typer(help="Make app keys and readers' tokens.")
app.add_typer(audit_command.app, name="audit", no_args_is_help=True)
app.add_typer(catalog_command.app, name="catalog", no_args_is_help=True)
app.add_typer(keys_app, name="keys", no_args_is_help=True)
app.command("query")(query_command.query)
app.add_typer(load_command.app, name="load")
app.add_typer(logtap_command.app, name="logtap")
app.add_typer(release_command.app, name="release", no_args_is_help=True)
app.add_typer(warehouse_command.app, name="warehouse", no_args_is_help=True)

Config = Annotated[Path | None, typer.Option("--config", help="The settings file, such as headcount.toml.")]


def _say_version(asked: bool) -> None:
    if asked:
        from headcount_wire.version import VERSION

        out.print(f"headcount {VERSION}", highlight=False)
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version, and exit.")
]


@app.callback()
def _every_command(version: Version = False) -> None:
    """Headcount: counts heads, never faces."""


def main() -> None:
    """Run the command line."""
    app()


@app.command()
def up(
    config: Config = None,
    dev: Annotated[
        Path | None, typer.Option("--dev", help="A catalog: run for this app alone, with keys made for it.")
    ] = None,
) -> None:
    """Run the house on this machine: edge workers, aggregator, dashboard."""
    from headcount.up import run_up

    raise typer.Exit(run_up(config, dev, out, err))


@app.command()
def doctor(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Look whether this machine and these settings are fit, before the house runs and while it does."""
    from headcount_wire.clock import SystemClock

    from headcount.doctor.examine import run_doctor

    raise typer.Exit(run_doctor(config, SystemClock(), out, as_json=as_json))


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="End when the numbers are on the dashboard.")] = False,
    devices: Annotated[int, typer.Option(min=60, max=20_000, help="Simulated devices; more take longer.")] = 1_000,
    days: Annotated[int, typer.Option(min=8, max=400, help="Days they have been in use.")] = 42,
    data: Annotated[Path | None, typer.Option(help="Where to put it; a fresh temporary folder if not given.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same people.")] = 1,
) -> None:
    """Run the house with simulated devices that report through the real SDK: two or three minutes on two cores."""
    from headcount.demo.show import Demo

    raise typer.Exit(Demo(devices, days, seed, data, out).run(once=once))


@app.command()
def openapi(
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to this file.")] = None,
    api: Annotated[bool, typer.Option("--api", help="The API's, which readers ask; not the edge's.")] = False,
) -> None:
    """Print the OpenAPI 3.1 document of the edge or of the API, to make clients from or to load into a tool."""
    if api:
        from headcount_aggregator.web.api.openapi import text
    else:
        from headcount_ingest.openapi import text

    document = text().encode()  # bytes, so that what is redirected into a file is UTF-8 on every system
    if output is None:
        typer.get_binary_stream("stdout").write(document)
    else:
        output.write_bytes(document)


@keys_app.command("new")
def keys_new(
    kind: Annotated[str, typer.Argument(help="live, debug (both for apps) or read (for a reader).")],
) -> None:
    """Make a key, and the block with its fingerprint that goes into the organisation file."""
    from headcount_wire.app_key import fingerprint, new_key

    try:
        key = new_key(kind)
    except ValueError as error:
        err.print(str(error), style="red")
        raise typer.Exit(2) from None
    out.print(f"key  {key}\n", highlight=False, soft_wrap=True)
    if kind == "read":
        lines = [
            "[[readers]]",
            'name = "..."',
            f'fingerprint = "{fingerprint(key)}"',
            'scope = "own"',
            'customer = "..."',
        ]
    else:
        lines = ["[[keys]]", f'fingerprint = "{fingerprint(key)}"', 'customer = "..."', 'app = "..."']
        lines += ["debug = true"] if kind == "debug" else []
    out.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
    err.print(
        "\nThe key is shown only now. Put the block into the organisation file and fill in the dots.", style="dim"
    )


@app.command()
def erase(
    customer: Annotated[str, typer.Argument(help="The Customer's name in the organisation file, or its code.")],
    config: Config = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Erase all that is held of a Customer: cells, releases, what waits. Others' numbers stay as they are."""
    from headcount.retention_command import run_erase

    raise typer.Exit(run_erase(customer, config, out, err, yes=yes))


@app.command()
def retention(config: Config = None) -> None:
    """Show what is kept of each Customer until when, and what was dropped."""
    from headcount.retention_command import run_retention

    raise typer.Exit(run_retention(config, out, err))
