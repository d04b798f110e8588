"""``headcount query``: asks an API by address and token, or this machine's data folder, and prints what comes."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

import typer

from headcount.client import Headcount, HeadcountError, Questions
from headcount.client.shapes import NumbersAnswer, PeriodKind, Statistic
from headcount.query.show import as_csv, print_measures, print_numbers
from headcount.query.table import KINDS

USUAL: dict[str, Statistic] = {
    "active": "people",
    "flag": "people",
    "timing": "quantile",
    "distribution": "quantile",
    "funnel": "funnel",
    "quantity": "quantity",
}
"""What is asked of a kind of measure when no statistic is named; of the others, how often."""


class Form(StrEnum):
    """How numbers are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def query(
    measure: Annotated[str, typer.Argument(help="A measure of the catalog; without one, what there is.")] = "",
    statistic: Annotated[str, typer.Option("--statistic", "-s", help="people, count, new_people, quantile, ...")] = "",
    by: Annotated[str, typer.Option("--by", "-b", help=f"The period: {', '.join(KINDS)}.")] = "day",
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
    from headcount.consoles import fail, out

    try:
        asking = _source(url, token, customer, app, config)
        if not measure:
            print_measures(out, asking.catalog(), asking.freshness())
            return
        found = _ask(asking, measure, statistic, by, (first, last), cut, label)
    except (HeadcountError, ValueError, OSError) as error:
        fail(str(error))
        raise typer.Exit(2) from None
    match form:
        case Form.TABLE:
            print_numbers(out, found, measure)
        case Form.CSV:
            sys.stdout.write(as_csv(found["numbers"]))
        case Form.JSON:
            sys.stdout.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


def _source(url: str, token: str, customer: str, app: str, config: Path | None) -> Questions:
    if url:
        if not token:
            raise ValueError("A token is needed: set HEADCOUNT_TOKEN, or give --token.")
        return Headcount(url, token, customer=customer, app=app)
    import structlog
    from headcount_wire.clock import SystemClock
    from headcount_wire.organisation import load_organisation

    from headcount.query.local import LocalFolder
    from headcount.settings import load_settings

    # What the reader of the folder has to say goes where errors go: standard output is the answer's.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    settings = load_settings(config)
    organisation = load_organisation(settings.organisation)
    return Questions(LocalFolder(organisation, settings.data, SystemClock()), customer, app)


def _ask(
    asking: Questions, measure: str, statistic: str, by: str, span: tuple[str, str], cut: str, label: str
) -> NumbersAnswer:
    """All pages of an answer as one."""
    if not statistic:
        kinds = {known["name"]: known["kind"] for known in asking.catalog()["measures"]}
        statistic = USUAL.get(kinds.get(measure, ""), "count")
    pages = asking.pages(
        statistic=cast("Statistic", statistic),
        period=cast("PeriodKind", by),
        measure=measure,
        label="" if label == "all" else label or "whole",
        breakdown=cut or "total",
        first=span[0],
        last=span[1],
    )
    whole = next(pages)
    for page in pages:
        whole["numbers"] += page["numbers"]
        whole["hidden"] += page["hidden"]
    return whole
