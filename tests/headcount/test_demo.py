"""The demo says how far it is, and simulates people whose retention can be shown."""

from __future__ import annotations

import inspect
import io
from collections import Counter, defaultdict
from pathlib import Path

from headcount.demo.ground import CUSTOMERS, SIMULATED, prepare
from headcount.demo.population import DEVICES, SPAN, people, use_of
from headcount.demo.progress import progress_of
from headcount.demo.show import demo_settings, newest_release, settings_file
from headcount.settings import load_settings
from headcount_aggregator.periods import PeriodKind
from headcount_aggregator.release.dp import budget_of
from headcount_aggregator.release.scope.protection import is_safe
from headcount_aggregator.released import Statistic
from headcount_wire import days
from headcount_wire.catalog_file import parse_catalog
from rich.console import Console
from typer.testing import CliRunner

from headcount import command, demo

FIRST = days.parse("2026-10-13")
K = 20
CATALOG = Path(demo.__file__).with_name("catalog.toml")


def test_a_pipe_gets_plain_lines() -> None:
    """Without a terminal each tenth of the days is one whole line, at once, the last one included."""
    text = io.StringIO()
    with progress_of(Console(file=text), 42) as step:
        for day in range(42):
            step(day * 1000)
            lines = text.getvalue().splitlines()
            assert len(lines) == (day + 1) // 4 + (day == 41)
    assert lines[0] == "day 4 of 42: 3,000 reports on disk"
    assert lines[-1] == "day 42 of 42: 41,000 reports on disk"
    assert "\x1b" not in text.getvalue()


def test_retention_is_more_than_hidden_cells() -> None:
    """The first Customer has several weeks of newcomers of whom 20 or more come back, and 20 or more do not."""
    first_week: dict[int, set[int]] = defaultdict(set)
    active: dict[int, set[int]] = {}
    for person in people(DEVICES, SPAN, CUSTOMERS, seed=1):
        weeks = [days.week_start(FIRST + day) for day in range(SPAN) if use_of(person, day, FIRST, 1) is not None]
        if person.customer == CUSTOMERS[0][0] and person.consents() and weeks:
            first_week[min(weeks)].add(person.number)
            active[person.number] = set(weeks)
    shown = 0
    for week, cohort in first_week.items():
        for later in range(week + 7, days.week_start(FIRST + SPAN), 7):
            back = sum(later in active[number] for number in cohort)
            shown += back >= K and len(cohort) - back >= K
    assert shown >= 8


def test_sums_over_customers_can_be_told() -> None:
    """In each whole week enough Customers stand out of their noise, with none above half: all scopes show people."""
    catalog = parse_catalog(CATALOG.read_text("utf-8"), str(CATALOG))
    scale = {
        noise: next(
            planned.scale
            for planned in budget_of(catalog, noise).planned
            if (planned.view.statistic, planned.view.kind) == (Statistic.PEOPLE, PeriodKind.WEEK)
        )
        for noise in ("light", "standard")
    }
    day_scale = {
        noise: next(planned.scale for planned in budget_of(catalog, noise).planned if planned.view.kind == "day")
        for noise in ("light", "standard")
    }
    weekly: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    codes = {customer.name: code for code, customer in enumerate(SIMULATED)}
    for person in people(DEVICES, SPAN, CUSTOMERS, seed=1):
        for day in range(SPAN):
            if person.consents() and use_of(person, day, FIRST, 1) is not None:
                weekly[days.week_start(FIRST + day)][codes[person.customer]].add(person.number)
    first_day = Counter(
        codes[person.customer]
        for person in people(DEVICES, SPAN, CUSTOMERS, seed=1)
        if person.consents() and use_of(person, 0, FIRST, 1) is not None
    )
    # Who is in a quarter's sums is decided by the first days, with their noise: each must stand out of it.
    assert all(first_day[code] > 2 * day_scale[SIMULATED[code].noise or "standard"] for code in codes.values())
    whole = [week for week in weekly if week >= FIRST and week + 6 < FIRST + SPAN]
    assert len(whole) >= 5
    for week in whole:
        sizes = {code: len(found) for code, found in weekly[week].items()}
        least = {code: 2 * scale[customer.noise or "standard"] for code, customer in enumerate(SIMULATED)}
        assert all(sizes[code] > least[code] for code in least), (week, sizes)
        assert is_safe(sizes)


def test_other_commands_find_the_demos_house(tmp_path: Path) -> None:
    """The settings file beside the demo's data reads back as what it runs with, and names a release to look at."""
    ground = prepare(tmp_path)
    settings = demo_settings(ground)
    assert load_settings(settings_file(ground, settings)) == settings
    assert newest_release(ground) == "ID"
    (tmp_path / "data/releases/11-1").mkdir(parents=True)
    for name in ("000001-day-20001-20001", "000002-day-20002-20002"):
        (tmp_path / f"data/releases/11-1/{name}.json").touch()
    assert newest_release(ground) == "11-1/000002-day-20002-20002"


def test_a_command_without_a_data_folder_says_so(tmp_path: Path) -> None:
    """Where there is no data, nothing is called whole: the log and a release are asked for by a settings file."""
    config = tmp_path / "headcount.toml"
    config.write_text('data = "elsewhere"\n')
    for asked in (("audit", "log"), ("release", "show", "11-1/000001")):
        result = CliRunner().invoke(command.app, [*asked, "--config", str(config)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "elsewhere: there is no such folder" in result.stderr


def test_the_usual_size_is_that_of_the_command() -> None:
    """The command's defaults are the size whose pages are looked at here."""
    defaults = inspect.signature(command.demo).parameters
    assert (defaults["devices"].default, defaults["days"].default) == (DEVICES, SPAN)
