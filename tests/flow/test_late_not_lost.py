"""What a house could not take for days is in the numbers once it can: late, not lost, and not twice."""

from __future__ import annotations

from pathlib import Path

from headcount.demo.drive import Drive
from headcount.demo.ground import CUSTOMERS, prepare
from headcount.demo.population import people, use_of
from headcount.demo.show import demo_settings
from headcount.file_clock import FileClock
from headcount.stack import Stack
from headcount_aggregator.cell_reader import read_cells
from headcount_aggregator.cells import CellQuery
from headcount_wire import limits
from headcount_wire.facts import Fact

from tests.flow.test_whole_house import DAY, FIRST, settings_on_free_ports

THREE = CUSTOMERS[:3]
"""Too few to be added up over Customers, which is not looked at here."""

USED, REFUSED, AFTER, PEOPLE, SEED = 3, limits.CREATED_PAST_DAYS + 3, 2, 60, 5


def test_what_is_answered_507_for_longer_than_a_report_lives_comes_all_the_same(tmp_path: Path) -> None:
    """For ten days every report is answered 507; when the edge can write again, each day has all its people, once."""
    ground = prepare(tmp_path / "demo")
    clock = FileClock.create(tmp_path / "clock", FIRST * DAY)
    settings = settings_on_free_ports(demo_settings(ground))
    persons = [person for person in people(PEOPLE, USED, THREE, SEED) if person.withdraws is None]
    in_the_way = settings.data / "spool/fleet.json.new"
    refused = accepted = 0
    with Stack(settings, clock_file=tmp_path / "clock", log=tmp_path / "log") as stack:
        stack.await_ready()
        in_the_way.mkdir()  # no day can be noted, so none is taken
        drive = Drive(persons, ground, stack.edge, clock, FIRST, SEED)
        for day, tally in drive.days(USED, REFUSED - USED + AFTER):
            if day < REFUSED:
                refused, accepted = refused + tally.sent, accepted + tally.accepted
            if day == REFUSED - 1:
                assert accepted == 0
                assert refused > PEOPLE
                in_the_way.rmdir()
                stack.await_ready()
        drive.close()
        clock.set_now((FIRST + 60) * DAY)  # few that are late wait for the end of their month
        stack.await_settled(clock.now())

    truth = {
        (code, FIRST + day): sum(
            person.customer == name and person.consents() and use_of(person, day, FIRST, SEED) is not None
            for person in persons
        )
        for code, (name, _) in enumerate(THREE, 11)
        for day in range(USED)
    }
    cells = read_cells(settings.data / "warehouse")
    query = CellQuery(FIRST, FIRST + 60, ("customer", "day"), measures=(1,), labels=(0,), facts=(int(Fact.GAP),))
    found = {(row.customer, row.day): row.n for row in cells.sums(query)}
    cells._warehouse.close()
    assert found == {key: n for key, n in truth.items() if n}
