"""What ``headcount query`` asks, and whom: an API by address and token, or this machine's data folder."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from headcount.client import Headcount, Questions
from headcount.client.shapes import NumbersAnswer, PeriodKind, Statistic

USUAL: dict[str, Statistic] = {
    "active": "people",
    "flag": "people",
    "timing": "quantile",
    "distribution": "quantile",
    "funnel": "funnel",
    "quantity": "quantity",
}
"""What is asked of a kind of measure when no statistic is named; of the others, how often."""


MEASURED = frozenset({"quantile", "quantity"})
"""The statistics whose numbers are in the measure's own unit; all others count."""


def source(url: str, token: str, customer: str, app: str, config: Path | None) -> Questions:
    """Who answers: an API, or without an address the data folder. Raises ``ValueError`` and ``OSError``."""
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
    structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))
    settings = load_settings(config)
    if not settings.organisation.exists():
        where = "Name the settings file with --config, or an API with --url."
        raise ValueError(f"{settings.organisation}: there is no such file. {where}")
    organisation = load_organisation(settings.organisation)
    return Questions(LocalFolder(organisation, settings.data, SystemClock()), customer, app)


def ask(
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


def unit_of(asking: Questions, measure: str, found: NumbersAnswer) -> str:
    """What the numbers of an answer are in, such as ms; nothing where they count people or times."""
    if not found["numbers"] or found["numbers"][0]["statistic"] not in MEASURED:
        return ""
    units = {known["name"]: known["unit"] for known in asking.catalog()["measures"]}
    return units.get(measure, "").replace("_", " ")
