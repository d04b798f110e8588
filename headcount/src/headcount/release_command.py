"""``headcount release``: what one sealed release is, and what stands behind it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headcount.consoles import fail, plain
from headcount.settings import data_folder

if TYPE_CHECKING:
    from headcount_aggregator.release_report import ReleaseReport

app = typer.Typer(help="Look at sealed releases.")

Config = Annotated[Path | None, typer.Option("--config", help="The settings file, such as headcount.toml.")]


@app.command("show")
def show(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="Such as 1-1/000012-day-20530, or the first digits of its hash.")
    ],
    config: Config = None,
) -> None:
    """Show a release's rule, parameters, what it hides and merges, its hashes, and the evidence behind its rule."""
    from headcount_aggregator.release_report import find, report

    try:
        releases = data_folder(config) / "releases"
    except (OSError, ValueError) as error:
        fail(str(error))
        raise typer.Exit(2) from None
    paths = find(releases, name)
    if len(paths) != 1:
        fail(f"{name}: there is no such release." if not paths else f"{name}: it is one of several; say its folder.")
        for path in paths:
            fail(f"  {path.parent.name}/{path.stem}")
        raise typer.Exit(1)
    try:
        found = report(paths[0])
    except (OSError, ValueError) as error:
        fail(f"{paths[0]}: {error}.")
        raise typer.Exit(1) from None
    for line in (*_release(found), "", *_evidence(found)):
        plain(line)
    raise typer.Exit(0 if found.as_sealed else 1)


def _release(found: ReleaseReport) -> list[str]:
    from headcount_aggregator.released import State
    from headcount_wire import days

    header = found.header
    shown = found.states.get(State.SHOWN, 0)
    hidden = ", ".join(f"{n} {state.value}" for state, n in found.states.items() if state is not State.SHOWN)
    merged = ", ".join(f"measure {code}: up to {share} %" for code, share in found.merged.items() if share)
    missing = "; ".join(
        f"measure {code}: " + ", ".join(f"{share} % {what}" for what, share in found.items() if share)
        for code, found in header.missing.items()
    )
    sealed = "as recorded" if found.recorded else "not recorded yet"
    return [
        f"release     {found.folder}/{header.release}",
        f"period      {header.period}, {days.text(header.first)} to {days.text(header.last)}",
        f"sealed on   {days.text(header.sealed_on)}",
        f"rule        {header.rule}, k = {header.k}",
        *_ledger(found),
        f"numbers     {header.numbers}, of them {shown} shown",
        f"hidden      {hidden or 'none'}",
        f"merged      {merged or 'nothing'}",
        f"left out    {found.left_out} days of wide counts; late devices: {header.late_dropped or 'too few to say'}",
        f"missing     {missing or 'nothing that is known of'}",
        f"hash        {header.hash} ({sealed if found.as_sealed else 'NOT what was sealed: ' + found.recorded})",
        f"previous    {header.previous}",
    ]


def _ledger(found: ReleaseReport) -> list[str]:
    from headcount_wire import days

    if found.ledger is None:
        return ["ledger      none: this rule spends no budget"]
    spent, header = found.ledger, found.header
    here = ", ".join(f"{purpose} {rho:.5f}" for purpose, rho in sorted(spent.release.items()))
    month = days.text(spent.month)[:7]
    return [
        f"noise       {header.noise}: rho {spent.rho:g} a device-month",
        f"ledger      {here or 'nothing'} in this release; {month} up to it: {spent.month_so_far:.4f} of {spent.rho:g}",
        f"promise     {header.promise}",
    ]


def _evidence(found: ReleaseReport) -> list[str]:
    from headcount_aggregator.evidence import ATTACKS, CUSTOMERS, EVIDENCE, Criterion

    rules = [found.header.rule, *([CUSTOMERS] if found.protection else [])]
    lines = [f"What stands against attacks on numbers under this rule, by {ATTACKS}:"]
    for criterion in Criterion:
        lines.append(f"  {criterion}: {criterion.sentence}")
        lines += [
            f"    {line.attack:40} {line.outcomes[rule]}"
            for line in EVIDENCE
            for rule in rules
            if line.criterion is criterion and rule in line.outcomes
        ]
    return lines
