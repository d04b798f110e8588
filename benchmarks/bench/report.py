"""The report: ``index.html``, ``bench.json`` and a PNG for each plot; and the targets, in a terminal."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure as Canvas
from rich.table import Table

from benchmarks.bench import alt
from benchmarks.bench.chapter import Chapter

PAGE = Path(__file__).with_name("page.html")
INCHES, DOTS = (6.4, 2.8), 100


def write(chapters: Sequence[Chapter], machine: Mapping[str, Any], folder: Path, target: str) -> None:
    """Write everything into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    alts: dict[str, str] = {}
    for chapter in chapters:
        for plot in chapter.plots:
            canvas = Canvas(figsize=INCHES, layout="constrained")
            axes = canvas.subplots()
            plot.draw(axes)
            alts[plot.name] = alt.told(axes)
            canvas.savefig(folder / f"{plot.name}.png", dpi=DOTS)
    whole = {"machine": dict(machine), "chapters": {chapter.slug: chapter.to_plain() for chapter in chapters}}
    (folder / "bench.json").write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
    template = Environment(autoescape=True, undefined=StrictUndefined).from_string(PAGE.read_text("utf-8"))
    html = template.render(chapters=chapters, machine=machine, target=target, alts=alts)
    (folder / "index.html").write_text(html, "utf-8")


def table(chapters: Sequence[Chapter]) -> Table:
    """Every figure beside its target."""
    shown = Table("", "figure", "found", "target", "", title="Against the targets")
    for chapter in chapters:
        for figure in chapter.figures:
            mark = "" if figure.holds is None else "[green]holds[/]" if figure.holds else "[red]missed[/]"
            shown.add_row(chapter.slug, figure.what, figure.found, figure.target, mark)
    return shown
