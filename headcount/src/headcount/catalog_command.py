"""``headcount catalog``: checks, builds and compares catalogs. Each command imports what it needs when it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from headcount_wire.catalog import Catalog

from headcount.consoles import err, fail, out, plain

app = typer.Typer(help="Look after the catalog: the one declared list of what may be counted.")

File = Annotated[Path, typer.Argument(help="The catalog, a TOML file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def check(file: File, as_json: AsJson = False) -> None:
    """Check a catalog: every fault with its line, and what it would count."""
    from headcount.catalog_check import check as checked
    from headcount.catalog_check import describe

    try:
        catalog, findings = checked(file)
    except OSError as error:
        _unreadable(file, error)
    if as_json:
        faults = [{"line": finding.line, "place": finding.place, "fault": finding.fault} for finding in findings]
        out.print_json(json.dumps({"file": str(file), "faults": faults}))
    elif catalog is None:
        for finding in findings:
            err.print(f"{file}, {finding}", markup=False, highlight=False, soft_wrap=True)
        err.print(f"{len(findings)} fault(s).", style="red")
    else:
        out.print(describe(catalog))
        out.print(f"{file}: sound.", style="green")
    raise typer.Exit(0 if catalog else 1)


@app.command()
def example() -> None:
    """Print a small catalog to begin with: headcount catalog example > catalog.toml."""
    from importlib.resources import files

    # Bytes, so that what is redirected into a file is UTF-8 on every system.
    typer.get_binary_stream("stdout").write(files("headcount").joinpath("example.toml").read_bytes())


@app.command()
def build(
    file: File,
    output: Annotated[Path, typer.Option("--output", "-o", help="The Python module to write.")],
    look: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where it is stale.")] = False,
) -> None:
    """Build a typed Python module: a method for each measure, and the catalog itself."""
    from headcount.typed_module import module_of, stale

    catalog, source = _sound(file)
    if not look:
        _write(output, module_of(catalog, source).encode())
        out.print(f"{output}: {len(catalog.measures)} measures of {file}.", highlight=False, soft_wrap=True)
        return
    why = stale(_module(output), catalog, source)
    if why:
        fail(f"{output} {why}. Run: headcount catalog build {file} -o {output}")
        raise typer.Exit(1)


@app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The catalog as it was released last.")],
    new: Annotated[Path, typer.Argument(help="The catalog as it is to be.")],
    as_json: AsJson = False,
) -> None:
    """Say what changed between two versions; ends with 1 when numbers would mean something else."""
    from headcount.catalog_diff import changes

    found = changes(_sound(old)[0], _sound(new)[0])
    refused = [change for change in found if change.breaks]
    if as_json:
        said = [{"place": change.place, "change": change.sentence, "breaks": change.breaks} for change in found]
        out.print_json(json.dumps({"old": str(old), "new": str(new), "sound": not refused, "changes": said}))
    else:
        for change in found:
            say, word = (fail, "refused: ") if change.breaks else (plain, "")
            say(f"{word}{change.place} {change.sentence}.")
        if refused:
            fail(f"{len(refused)} of {len(found)} changes would break numbers that were counted before.")
        else:
            out.print(f"{new}: sound after {old}." if found else "Nothing changed.", style="green", soft_wrap=True)
    raise typer.Exit(1 if refused else 0)


@app.command("apple-manifest")
def apple(
    file: File,
    output: Annotated[Path, typer.Option("--output", "-o", help="The PrivacyInfo.xcprivacy to write.")],
) -> None:
    """Write Apple's privacy manifest of what Headcount collects with a catalog."""
    from headcount.store_forms import apple_manifest, data_types

    catalog, _ = _sound(file)
    _write(output, apple_manifest(catalog))
    out.print(f"{output}: {', '.join(one.apple for one in data_types(catalog))}; no tracking.", soft_wrap=True)


@app.command("play-safety")
def play(file: File, as_json: AsJson = False) -> None:
    """Print Headcount's answers to Play's data safety form, as the CSV that Play Console imports."""
    from dataclasses import asdict

    from headcount.store_forms import play_answers, play_csv

    catalog, _ = _sound(file)
    plain(json.dumps([asdict(answer) for answer in play_answers(catalog)], indent=2) if as_json else play_csv(catalog))


def _sound(file: Path) -> tuple[Catalog, str]:
    """The catalog of a file, and its text; without one there is nothing to do."""
    from headcount_wire.catalog_file import parse_catalog
    from headcount_wire.errors import CatalogError
    from headcount_wire.organisation import read_text

    try:
        source = read_text(file, CatalogError)
        return parse_catalog(source, str(file)), source
    except OSError as error:
        _unreadable(file, error)
    except CatalogError as error:
        for finding in error.findings:
            fail(f"{file}, {finding}")
        raise typer.Exit(2) from None


def _module(file: Path) -> str:
    """What stands in a module now; nothing where there is none."""
    try:
        return file.read_text("utf-8", errors="replace")
    except OSError:
        return ""


def _unreadable(file: Path, error: OSError) -> NoReturn:
    fail(f"{file}: cannot be read ({error.strerror}). Name the catalog's TOML file.")
    raise typer.Exit(2) from None


def _write(file: Path, data: bytes) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        fail(f"{file}: cannot be written ({error.strerror}).")
        raise typer.Exit(2) from None
