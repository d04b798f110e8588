"""Released numbers as text: a table with its plot and its rule, CSV, and the list of what there is to ask."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from headcount.client.shapes import CatalogAnswer, FreshnessAnswer, NumberAnswer, NumbersAnswer
from headcount.query.plot import bar, spark
from headcount.query.table import Sheet, said, sheet_of

BAR_WIDTH = 24
SPARK_WIDTH = 48


def print_numbers(out: Console, found: NumbersAnswer, measure: str, unit: str = "") -> None:
    """A table of the numbers in their unit, a plot beside or under it, and what stands behind them."""
    numbers = found["numbers"]
    if not numbers:
        out.print(_text(f"Nothing was released of {measure} for these days."))
        _print_rule(out, found)
        return
    sheet = sheet_of(numbers)
    statistic = numbers[0]["statistic"].replace("_", " ")
    table = Table(title=_text(f"{measure}: {statistic}{f' in {unit}' if unit else ''}"), title_justify="left")
    table.add_column("days")
    for column in sheet.columns:
        table.add_column(_text(column.name), justify="right")
    alone = len(sheet.columns) == 1
    if alone:
        table.add_column("")
    top = max((value for value in sheet.columns[0].values if value is not None), default=0)
    unicode = _has_blocks(out)
    for at, row in enumerate(sheet.rows):
        cells = [column.numbers[at] for column in sheet.columns]
        plot = [bar(cells[0]["value"] if cells[0] else None, top, BAR_WIDTH, unicode=unicode)] if alone else []
        table.add_row(row, *(said(cell, found["k"]) for cell in cells), *plot)
    out.print(table)
    if not alone and len(sheet.rows) > 1:
        _print_sparks(out, sheet, unicode)
    if sheet.left:
        more = "1 more column is" if sheet.left == 1 else f"{sheet.left} more columns are"
        out.print(_text(f"{more} in --format csv."))
    _print_rule(out, found)
    if any(number is None for column in sheet.columns for number in column.numbers):
        out.print(_text("-: nothing was released of it for this time; too small a group counts as other."))


def print_measures(out: Console, catalog: CatalogAnswer, freshness: FreshnessAnswer) -> None:
    """What can be asked of: each measure, how it may be cut, and how far the numbers have come."""
    table = Table(title=_text(f"{catalog['name']}: what may be counted"), title_justify="left")
    for name in ("measure", "kind", "labels", "cuts", "what"):
        # A name is what the next question is asked with: it is never cut short.
        table.add_column(name, no_wrap=name in ("measure", "kind"))
    for measure in catalog["measures"]:
        table.add_row(
            _text(measure["name"]),
            measure["kind"],
            _text(", ".join(measure["labels"])),
            _text(", ".join(measure["breakdowns"])),
            _text(measure["description"]),
        )
    out.print(table)
    sealed = freshness["sealed_through"]
    out.print(_text(f"Sealed through {sealed}." if sealed else "No day is sealed yet."))


def as_csv(numbers: Sequence[NumberAnswer]) -> str:
    """One line a number with every field; a hidden value is empty, and why stands beside it."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(NumberAnswer.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(numbers)
    return text.getvalue()


def _print_sparks(out: Console, sheet: Sheet, unicode: bool) -> None:
    table = Table.grid(padding=(0, 2))
    for column in sheet.columns:
        top = max((value for value in column.values if value is not None), default=0)
        table.add_row(_text(column.name), spark(column.values, SPARK_WIDTH, unicode=unicode), f"0 to {top:,}")
    out.print(table)


def _print_rule(out: Console, found: NumbersAnswer) -> None:
    sealed = found["sealed_through"]
    rule = f"{found['rule']}, at least {found['k']} people"
    if found["rule"] == "dp":
        rule = "dp, noise is in every number; the true one lies in its interval in 95 of 100 cases"
    lines = [f"Rule: {rule}. Hidden: {found['hidden']} of {len(found['numbers'])}."]
    # What a cell has room for is "hidden"; why it is, once.
    reasons = {n["state"]: n["why"] for n in found["numbers"] if n["value"] is None and n["state"] != "fewer_than_k"}
    lines += reasons.values()
    rounding = max((number["rounding"] for number in found["numbers"]), default=1)
    if rounding > 1:
        lines.append(f"Rounded to {rounding}.")
    if any(number["left_out"] for number in found["numbers"]):
        lines.append("Some leave out days on which too few people stood behind the number.")
    lines.append(f"Sealed through {sealed}." if sealed else "No day is sealed yet.")
    out.print(_text(" ".join(lines)))
    out.print(_text(found["footnote"]))


def _has_blocks(out: Console) -> bool:
    return out.encoding.lower().startswith("utf")


def _text(words: str) -> Text:
    """Words as they are: names from a catalog are no markup."""
    return Text(words)
