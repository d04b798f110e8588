"""What ``headcount catalog check`` says of a catalog."""

from __future__ import annotations

from pathlib import Path

from headcount_wire.catalog import Catalog, Measure
from headcount_wire.catalog_file import parse_catalog
from headcount_wire.errors import CatalogError, Finding
from headcount_wire.organisation import read_text
from rich.box import SIMPLE
from rich.table import Table


def check(file: Path) -> tuple[Catalog | None, tuple[Finding, ...]]:
    """The catalog and no finding, or ``None`` and every fault of the file; raises ``OSError``."""
    try:
        return parse_catalog(read_text(file, CatalogError), str(file)), ()
    except CatalogError as error:
        return None, error.findings


def describe(catalog: Catalog) -> Table:
    """A table of what the catalog lets an app count, a measure a row."""
    title = f"{catalog.name}, version {catalog.version}, sent {catalog.cadence}"
    table = Table(title=title, title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for column in ("code", "measure", "kind", "purpose", "label", "cap", "cut by"):
        table.add_column(column, overflow="fold", no_wrap=column not in ("label", "cut by"))
    for measure in sorted(catalog.measures.values(), key=lambda measure: measure.code):
        table.add_row(*_row(measure))
    fields = ", ".join(f"{dimension.field} ({purpose})" for dimension, purpose in catalog.context.items())
    table.caption = f"Context fields that may be read, each only with its purpose: {fields or 'none'}"
    return table


def _row(measure: Measure) -> tuple[str, ...]:
    label = f"{measure.label.key}: {', '.join(measure.label.values)}, other" if measure.label else ""
    cuts = "\n".join(breakdown.name for breakdown in measure.breakdowns)
    kind = f"{measure.kind}, reach" if measure.reach else str(measure.kind)
    return str(measure.code), measure.name, kind, measure.purpose, label, str(measure.cap), cuts
