"""``python -m benchmarks.utility``: what stays visible under each rule, for Customers of 50 to 5,000 daily devices.

Prints a table, and writes the figures and two plots into ``benchmarks/utility/report``.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.utility.measured import Line, measure, rules
from benchmarks.utility.population import Population

SIZES = (50, 200, 1_000, 5_000)
FOLDER = Path(__file__).parent / "report"
PLOTTED = (
    "people a day, whole",
    "people a day, by system",
    "people a day, by version",
    "joins a day, by language",
    "people a week, by version",
    "joins a week, by version",
)
Figures = dict[str, dict[str, dict[str, dict[str, float | None]]]]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.utility")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-plots", action="store_true")
    arguments = parser.parse_args()
    figures: Figures = {}
    for size in arguments.sizes:
        population = Population(size, arguments.seed)
        for rule in rules():
            lines = measure(population, rule, arguments.seed)
            figures.setdefault(rule, {})[str(size)] = {name: line.plain for name, line in sorted(lines.items())}
            show(size, rule, lines)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "utility.json").write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    if not arguments.no_plots:
        plot(figures)
    return 0


def show(size: int, rule: str, lines: dict[str, Line]) -> None:
    """Print one rule's table."""
    print(f"\n{size} daily devices, {rule}")
    print(f"  {'':38} {'numbers':>8} {'activity':>9} {'error':>8}")
    for name, line in sorted(lines.items()):
        plain = line.plain
        print(f"  {name:38} {_percent(plain['numbers_shown']):>8} {_percent(plain['activity_shown']):>9} "
              f"{_percent(plain['relative_error'], 1):>8}")  # fmt: skip


def _percent(share: float | None, digits: int = 0) -> str:
    return "-" if share is None else f"{100 * share:.{digits}f} %"


def plot(figures: Figures) -> None:
    """One picture of how much is shown, one of how far it is off."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    for what, title, most in (
        ("activity_shown", "share of what is counted that is shown", 1.02),
        ("relative_error", "median relative error of shown numbers", None),
    ):
        figure, axes = pyplot.subplots(2, 3, figsize=(13, 7), sharex=True)
        for axis, name in zip(axes.flat, PLOTTED, strict=True):
            for rule, by_size in figures.items():
                points = [(int(size), lines.get(name, {}).get(what)) for size, lines in by_size.items()]
                seen = [(size, value) for size, value in points if value is not None]
                axis.plot([size for size, _ in seen], [value for _, value in seen], marker="o", label=rule)
            axis.set_xscale("log")
            axis.set_title(name, fontsize=10)
            axis.set_ylim(bottom=0, top=most)
            axis.grid(alpha=0.3)
        axes.flat[0].legend(fontsize=8)
        figure.suptitle(f"{title}, by daily devices of the Customer")
        figure.tight_layout()
        figure.savefig(FOLDER / f"{what}.png", dpi=80)


if __name__ == "__main__":
    raise SystemExit(main())
