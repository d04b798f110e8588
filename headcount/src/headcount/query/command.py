"""``headcount query``: asks an API by address and token, or this machine's data folder, and prints what comes."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

KINDS = "day, week, month, quarter, year, rolling_7, rolling_28, rolling_30"


class Form(StrEnum):
    """How numbers are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(
    measure: Annotated[str, typer.Argument(help="A measure of the catalog; without one, what there is.")] = "",
    statistic: Annotated[str, typer.Option("--statistic", "-s", help="people, count, new_people, quantile, ...")] = "",
    by: Annotated[str, typer.Option("--by", "-b", help=f"The period: {KINDS}.")] = "day",
    first: Annotated[str, typer.Option("--from", help="The first day, YYYY-MM-DD; 27 before the last.")] = "",
    last: Annotated[str, typer.Option("--to", help="The last day; the newest sealed one if not given.")] = "",
    cut: Annotated[str, typer.Option(help="A breakdown of the measure, such as os or 'os x app_version'.")] = "",
    label: Annotated[str, typer.Option(help="One value of its label; 'all' for each of them.")] = "",
    form: Annotated[Form, typer.Option("--format", "-f", help="CSV and JSON hold every field.")] = Form.TABLE,
    url: Annotated[str, typer.Option(envvar="HEADCOUNT_URL", help="An API; this machine's data if not given.")] = "",
    token: Annotated[str, typer.Option(envvar="HEADCOUNT_TOKEN", help="A reader's token; best as the variable.")] = "",
    customer: Annotated[str, typer.Option(help="Whose numbers; the first if not given.")] = "",
    app: Annotated[str, typer.Option(help="Of which app; the first if not given.")] = "",
    config: Annotated[Path | None, typer.Option("--config", help="The settings file that names the data.")] = None,
) -> None:
    """Print released numbers in the terminal: the same as dashboard and API show, by the same rule."""
    from headcount.client import HeadcountError
    from headcount.consoles import fail, out
    from headcount.query.ask import ask, source, unit_of
    from headcount.query.show import as_csv, print_measures, print_numbers

    try:
        asking = source(url, token, customer, app, config)
        if not measure:
            print_measures(out, asking.catalog(), asking.freshness())
            return
        found = ask(asking, measure, statistic, by, (first, last), cut, label)
        unit = unit_of(asking, measure, found) if form is Form.TABLE else ""
    except (HeadcountError, ValueError, OSError) as error:
        fail(str(error))
        raise typer.Exit(2) from None
    match form:
        case Form.TABLE:
            print_numbers(out, found, measure, unit)
        case Form.CSV:
            sys.stdout.write(as_csv(found["numbers"]))
        case Form.JSON:
            sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
