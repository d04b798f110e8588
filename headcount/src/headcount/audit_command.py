"""``headcount audit``: is what the house says of itself so?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from headcount.consoles import fail, out, plain
from headcount.settings import data_folder

if TYPE_CHECKING:
    from headcount_aggregator.disclosure.entry import Entry

app = typer.Typer(help="Audit what the house says of itself.")

Config = Annotated[Path | None, typer.Option("--config", help="The settings file, such as headcount.toml.")]


@app.command("log")
def log(
    config: Config = None,
    export: Annotated[Path | None, typer.Option("--export", help="Write every entry to this file.")] = None,
    form: Annotated[str, typer.Option("--format", help="jsonl (as it is chained) or csv.")] = "jsonl",
    since: Annotated[
        str, typer.Option("--since", help="A head noted before: is it still in the log? Such as '41 9f2c...'.")
    ] = "",
    last: Annotated[int, typer.Option("--last", min=0, help="How many entries to show.")] = 20,
) -> None:
    """Verify the disclosure log: every line, its chain, its end, and each sealed release against it."""
    from headcount_aggregator.disclosure.against import faults_against
    from headcount_aggregator.disclosure.log import audit

    if form not in ("jsonl", "csv"):
        fail("--format: jsonl or csv.")
        raise typer.Exit(2)
    try:
        data = data_folder(config)
    except (OSError, ValueError) as error:
        fail(str(error))
        raise typer.Exit(2) from None
    found = audit(data / "disclosures")
    faults = [*found.faults]
    if not faults:
        faults += faults_against(found.entries, data / "releases")
    if since and not found.holds(since):
        faults.append("the head that was noted before is no line of this log: it was cut or made anew")
    if export:
        export.write_bytes(_csv(found.entries) if form == "csv" else _lines(found.entries))
    for entry in found.entries[len(found.entries) - min(last, len(found.entries)) :]:
        plain(f"{_moment(entry)}  {entry.event:18} {_about(entry)}")
    for fault in faults:
        fail(fault)
    if found.unfinished:
        plain("The last line is unfinished: a process died while it was written, and nothing had left by it.")
    if not faults:
        out.print(f"{len(found.entries)} entries: whole, in order, and as released.", style="green", highlight=False)
        plain(f"Head, to note elsewhere: {found.head}" if found.head else "Nothing has been disclosed yet.")
    raise typer.Exit(1 if faults else 0)


def _moment(entry: Entry) -> str:
    return datetime.fromtimestamp(entry.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _about(entry: Entry) -> str:
    shown = (f"{key}={value}" for key, value in entry.about.items() if value not in ("", None) and key != "fingerprint")
    return " ".join(shown)


def _lines(entries: list[Entry]) -> bytes:
    return b"".join(entry.line() + b"\n" for entry in entries)


def _csv(entries: list[Entry]) -> bytes:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("place", "at", "event", "sentence", "about"))
    for entry in entries:
        about = json.dumps(dict(entry.about), sort_keys=True)
        writer.writerow((entry.place, _moment(entry), entry.event.value, entry.event.sentence, about))
    return text.getvalue().encode()
