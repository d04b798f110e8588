"""``headcount load``: load a deployment that is yours, or a house made for it. Imports what it needs when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from headcount.consoles import err, out
from headcount.loadgen.profiles import Profile

app = typer.Typer(help="Load an edge with realistic devices, and account for every report.")

TargetUrl = Annotated[
    str, typer.Option(help="The edge's address; without one a house is started here, loaded and removed.")
]
Key = Annotated[
    list[str] | None,
    typer.Option(envvar="HEADCOUNT_LOAD_KEY", help="An app key of the target; once for each Customer."),
]
Devices = Annotated[int, typer.Option(min=1, max=100_000, help="Different devices.")]
Rate = Annotated[float, typer.Option(min=0.1, help="Reports a second, at the profile's height.")]
Duration = Annotated[float, typer.Option(min=1.0, help="Seconds in which reports come due.")]
ProfileName = Annotated[Profile, typer.Option(help=" ".join(f"{one.value}: {one.sentence}" for one in Profile))]
Catalog = Annotated[Path | None, typer.Option(help="The target's catalog; the demo's if not given.")]
Policy = Annotated[int, typer.Option(min=1, help="The policy version that consents are given under.")]
Lines = Annotated[int, typer.Option(min=1, max=60_000, help="Connections at most.")]
Each = Annotated[bool, typer.Option("--each", help="A connection for each report, as from phones.")]
Addresses = Annotated[
    bool, typer.Option("--addresses", help="Each report names another client in X-Forwarded-For, as a proxy would.")
]
Msgpack = Annotated[bool, typer.Option("--msgpack", help="Reports in msgpack instead of JSON.")]
Admin = Annotated[
    list[str] | None, typer.Option(help="A worker's operator port, for its own count; once for each worker.")
]
Data = Annotated[Path | None, typer.Option(help="The house's data folder, for the loader's count.")]
IOwn = Annotated[str, typer.Option("--i-own", help="The target's host, if it is not this machine.")]
Others = Annotated[bool, typer.Option("--others", help="Others send to it too: more may have arrived than was sent.")]
Authority = Annotated[Path | None, typer.Option(help="A PEM file that vouches for the target's certificate.")]
Customers = Annotated[int, typer.Option(min=1, max=1_000, help="Customers of a house made for it.")]
Workers = Annotated[int, typer.Option(min=1, max=64, help="Edge workers of a house made for it.")]
Patience = Annotated[float, typer.Option(min=0.0, max=3_600.0, help="Seconds to wait for what is under way.")]
Seed = Annotated[int, typer.Option(help="The same seed makes the same devices.")]
JsonFile = Annotated[Path | None, typer.Option("--json", help="Write the result here.")]
HtmlFile = Annotated[Path | None, typer.Option("--html", help="Write a page with plots here.")]


@app.callback(invoke_without_command=True)
def load(
    context: typer.Context,
    target: TargetUrl = "",
    key: Key = None,
    devices: Devices = 1_000,
    rate: Rate = 100.0,
    duration: Duration = 30.0,
    profile: ProfileName = Profile.SOAK,
    catalog: Catalog = None,
    policy: Policy = 1,
    lines: Lines = 256,
    each: Each = False,
    addresses: Addresses = False,
    msgpack: Msgpack = False,
    admin: Admin = None,
    data: Data = None,
    i_own: IOwn = "",
    others: Others = False,
    authority: Authority = None,
    customers: Customers = 3,
    workers: Workers = 1,
    patience: Patience = 30.0,
    seed: Seed = 1,
    json_file: JsonFile = None,
    html_file: HtmlFile = None,
) -> None:
    """Load an edge that is yours with realistic devices; without --target, a house of its own on this machine."""
    if context.invoked_subcommand is not None:
        return
    given = {name for name in ("target", "key", "admin", "data", "i_own", "authority") if _is_given(context, name)}
    if given and not target:
        named = " and ".join(f"--{name.replace('_', '-')}" for name in sorted(given - {"target"}))
        sentence = f"{named} is for a deployment of yours: name it with --target." if named else "--target is empty."
        err.print(f"{sentence} With none of these a house is made for the load.", style="red", soft_wrap=True)
        raise typer.Exit(2)
    from headcount_wire.clock import SystemClock

    from headcount.loadgen.run import Options, run_load

    options = Options(
        target=target,
        keys=tuple(key or ()),
        catalog=catalog,
        policy=policy,
        devices=devices,
        rate=rate,
        seconds=duration,
        profile=profile,
        lines=lines,
        each=each,
        addresses=addresses,
        msgpack=msgpack,
        admins=tuple(admin or ()),
        data=data,
        owned=i_own,
        others=others,
        customers=customers,
        workers=workers,
        seed=seed,
        patience=patience,
        authority=authority,
        json_file=json_file,
        html_file=html_file,
    )
    raise typer.Exit(run_load(options, SystemClock(), out, err))


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether somebody wrote an option; what the environment holds is not meant for each load."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(help="A result that --json wrote.")],
    second: Annotated[Path, typer.Argument(help="Another one, of the same load.")],
    tolerance: Annotated[float, typer.Option(min=0.0, help="How much worse the second may be: 0.1 is a tenth.")] = 0.1,
) -> None:
    """Compare two results; the exit code is 1 when the second is surely worse."""
    from headcount.loadgen.compare import run_compare

    raise typer.Exit(run_compare(first, second, tolerance, out, err))
