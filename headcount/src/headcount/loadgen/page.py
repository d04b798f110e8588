"""A load's result as one HTML page that needs nothing else."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from headcount.loadgen.live import warnings
from headcount.loadgen.measured import PERCENTILES, Latency, Second
from headcount.loadgen.plots import Points, chart
from headcount.loadgen.profiles import Profile
from headcount.loadgen.result import Result

RARENESS = {0.0: "all", 1.0: "1 in 10", 2.0: "1 in 100", 3.0: "1 in 1,000", 4.0: "1 in 10,000", 5.0: "1 in 100,000"}


def write_page(result: Result, file: Path) -> None:
    """Write the page."""
    template = files("headcount.loadgen").joinpath("page.html").read_text("utf-8")
    profile = Profile(str(result.settings["profile"]))
    account, measured = result.account, result.measured
    html = Environment(autoescape=True, undefined=StrictUndefined).from_string(template).render(
        title=f"headcount load: {profile.value}, {result.settings['devices']:,} devices",
        sentence=profile.sentence,
        result=result,
        warnings=list(warnings(result)),
        outcomes={
            "Refused": dict(account.refused),
            "Failed": dict(account.failed),
            "Hostile, answered otherwise": dict(account.otherwise),
            "Hostile, not answered": dict(account.hostile_silence),
        },
        shares=PERCENTILES,
        latencies={
            "from when it should have left": measured.intended,
            "from when it left": measured.served,
            "until it was accepted, with all pauses": measured.taken,
            "the load generator's own delay": measured.lag,
        },
        plots=_plots(result),
    )  # fmt: skip
    file.write_text(html, "utf-8")


def _plots(result: Result) -> dict[str, Markup]:
    seconds = result.measured.seconds

    def over_time(*names: str, of: list[Second] = seconds) -> dict[str, Points]:
        return {name: [(one.at, float(getattr(one, name))) for one in of] for name in names}

    answered = [one for one in seconds if one.accepted]  # of the others there is no latency

    return {
        "A second": chart(over_time("meant", "sent", "accepted", "refused", "failed"), "seconds"),
        "Latency over time, ms": chart(over_time("p50", "p99", "most", of=answered), "seconds"),
        "Latency by rareness, ms": chart(
            {
                "from when it should have left": by_rareness(result.measured.intended),
                "from when it left": by_rareness(result.measured.served),
                "until it was accepted": by_rareness(result.measured.taken),
            },
            "share of reports that took longer",
            ticks=RARENESS,
        ),
        "Reports that wait for a connection, or to try again": chart(
            {"reports": [(one.at, float(one.waiting)) for one in seconds]}, "seconds"
        ),
        "Open connections": chart({"connections": [(one.at, float(one.lines)) for one in seconds]}, "seconds"),
    }


def by_rareness(latency: Latency) -> Points:
    """``(log10 of one in how many, milliseconds)``, as far as there is anything to say of."""
    if not latency.count:
        return []
    found: list[tuple[float, float]] = []
    step = 0
    while 10 ** (step / 10) <= latency.count:
        found.append((step / 10, latency.at(100 * (1 - 10 ** (-step / 10)))))
        step += 1
    return found
