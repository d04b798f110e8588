"""Attacks on a Customer: what one of them, or who reads sums of many, can work out about another."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import combinations

from headcount_aggregator.release.scope.panel import Panel, next_panel
from headcount_aggregator.release.scope.protection import BEHIND, Shown, is_safe, protect, together
from scipy.optimize import linprog

from tests.attacks.outcome import Engine, Outcome, of_share

WORLDS = 200
SOLVED = 150
CUSTOMERS = 60
PARTNERS = 8
VALUES = ("android", "ios", "linux", "web")
NEAR = float(BEHIND)
"""Closer than this, relative to the truth, an estimate tells."""

Table = Mapping[str, Mapping[int, int]]


def draw_table(seed: int, customers: int = CUSTOMERS) -> tuple[Table, dict[int, int]]:
    """Customers of very different sizes with Partners of very different sizes, and their devices by system."""
    draw = random.Random(seed)
    table: dict[str, dict[int, int]] = {value: {} for value in VALUES}
    partner_of = {}
    for code in range(1, customers + 1):
        size = round(draw.lognormvariate(5.5, 1.5))
        partner_of[code] = draw.choices(range(PARTNERS), [1 / (n + 1) for n in range(PARTNERS)])[0]
        weights = [draw.random() * weight for weight in (8, 10, 0.3, 3)]
        for value, weight in zip(VALUES, weights, strict=True):
            table[value][code] = round(size * weight / sum(weights))
    return table, partner_of


def told_sums(table: Table, partner_of: Mapping[int, int], shown: Shown) -> list[dict[int, int]]:
    """Every sum that is shown, by Customer: of all and of each open Partner, by value, merged ones together."""
    if not shown.whole:
        return []
    groups = [{value} for value in sorted(shown.values)]
    groups += [rest] if (rest := set(table) - shown.values) else []
    sums = [together(table[value] for value in group) for group in groups]
    of_partner = [
        {code: n for code, n in part.items() if partner_of[code] == partner}
        for partner in sorted(shown.open)
        for part in sums
    ]
    return [part for part in (*sums, *of_partner) if any(part.values())]


def nearest(part: Mapping[int, int]) -> float:
    """How near the second largest comes to the largest when it takes itself away; what is left is an upper bound."""
    sizes = sorted(part.values(), reverse=True)
    if len(sizes) < 2 or not sizes[1]:
        return 0.0
    return (sum(sizes) - sizes[1] - sizes[0]) / sizes[0]


def insider() -> Iterator[Outcome]:
    """A Customer takes itself out of a sum: what is left is nearly the largest other one."""
    naive = told = tried = published = 0
    for seed in range(WORLDS):
        table, partner_of = draw_table(seed)
        everything = protect(table, partner_of)
        naive_sums = told_sums(table, partner_of, Shown(True, frozenset(VALUES), frozenset(range(1, PARTNERS))))
        enough = [part for part in naive_sums if sum(n > 0 for n in part.values()) >= 5]
        naive += sum(nearest(part) < NEAR for part in enough)
        tried += len(enough)
        mine = told_sums(table, partner_of, everything)
        published += len(mine)
        told += sum(nearest(part) < NEAR for part in mine)
    yield of_share(Engine.NAIVE, naive, tried, "sums of five or more Customers tell the largest within 15 %")
    yield of_share(Engine.CUSTOMERS, told, published, "shown sums tell the largest within 15 %")


def hidden_sibling() -> Iterator[Outcome]:
    """Take the shown Partners from all Customers: what is left are the hidden ones."""
    naive = told = tried = 0
    for seed in range(WORLDS):
        table, partner_of = draw_table(seed)
        shown = protect(table, partner_of)
        tried += 1
        naive += _telling_rest(table, partner_of, _only_unsafe_hidden(table, partner_of))
        told += _telling_rest(table, partner_of, shown)
    yield of_share(Engine.NAIVE, naive, tried, "worlds in which what was hidden comes back by subtraction")
    yield of_share(Engine.CUSTOMERS, told, tried, "worlds in which what was hidden comes back by subtraction")


def _only_unsafe_hidden(table: Table, partner_of: Mapping[int, int]) -> Shown:
    """What hides each unsafe sum and looks no further."""
    values = frozenset(value for value in table if is_safe(table[value]))
    partners = set(partner_of.values())
    return Shown(
        True,
        values,
        frozenset(
            partner
            for partner in partners
            if partner
            and all(is_safe({c: n for c, n in table[value].items() if partner_of[c] == partner}) for value in values)
        ),
    )


def _telling_rest(table: Table, partner_of: Mapping[int, int], shown: Shown) -> bool:
    """Whether some value of all that is not shown by Partner, or all values not shown, are an unsafe sum."""
    if not shown.whole:
        return False
    sums = told_sums(table, partner_of, Shown(True, shown.values))
    rests = [{c: n for c, n in part.items() if partner_of[c] not in shown.open} for part in sums]
    rests += [together(table[value] for value in set(table) - shown.values)]
    return any(any(rest.values()) and not is_safe(rest) for rest in rests)


def solving() -> Iterator[Outcome]:
    """A Customer takes all shown sums, and what it knows of itself: the most that the largest other one can have."""
    found = {Engine.NAIVE: 0, Engine.CUSTOMERS: 0}
    tried = 0
    for seed in range(SOLVED):
        table, partner_of = draw_table(seed, 30)
        everything = Shown(True, frozenset(VALUES), frozenset(range(1, PARTNERS)))
        naive = [part for part in told_sums(table, partner_of, everything) if sum(n > 0 for n in part.values()) >= 5]
        mine = told_sums(table, partner_of, protect(table, partner_of))
        size = together(table.values())
        largest, second, *_ = sorted(size, key=lambda code: size[code], reverse=True)
        for insider_, target in ((second, largest), (largest, second)):
            tried += 1
            for engine, sums in ((Engine.NAIVE, naive), (Engine.CUSTOMERS, mine)):
                found[engine] += _most(sums, table, insider_, target) < (1 + NEAR) * size[target]
    for engine, n in found.items():
        yield of_share(engine, n, tried, "times the most that another can have is within 15 % of what it has")


def _most(sums: list[dict[int, int]], table: Table, insider_: int, target: int) -> float:
    """The most that a Customer can have, by all shown sums, for another one that knows itself."""
    if not sums:
        return float("inf")
    columns = [(code, value) for code in sorted(together(table.values())) for value in VALUES]
    rows, told = [], []
    for part in sums:
        values = [v for v in VALUES if all(table[v].get(code, 0) <= n for code, n in part.items())]
        exact = next(
            group
            for width in range(1, len(values) + 1)
            for group in combinations(values, width)
            if all(sum(table[v].get(code, 0) for v in group) == n for code, n in part.items())
        )
        rows.append([float(code in part and value in exact) for code, value in columns])
        told.append(float(sum(part.values())))
    known = [(float(table[v][c]),) * 2 if c == insider_ else (0.0, None) for c, v in columns]
    aim = [-float(code == target) for code, _ in columns]
    found = linprog(aim, A_eq=rows, b_eq=told, bounds=known, method="highs")
    return -float(found.fun) if found.success else float("inf")


def join_and_leave() -> Iterator[Outcome]:
    """Compare the sum before and after: the difference is who came, or who went."""
    naive = told = changes = 0
    for seed in range(WORLDS):
        draw = random.Random(seed)
        table, _ = draw_table(seed)
        sizes = together(table.values())
        willing = set(draw.sample(sorted(sizes), 40))
        panel = next_panel(None, 0, dict.fromkeys(willing, 0), sizes)
        for quarter in range(1, 9):
            willing ^= set(draw.sample(sorted(sizes), draw.choice([0, 1, 1, 2, 4])))
            able = {customer for customer in willing if sizes[customer]}
            changed = next_panel(panel, quarter, dict.fromkeys(willing, 0), sizes)
            changes += able != panel.members
            naive += any(len(moved) == 1 for moved in (able - panel.members, panel.members - able))
            told += _tells(panel, changed, sizes)
            panel = changed
    yield of_share(Engine.NAIVE, naive, changes, "changes of the Customers that tell one of them exactly")
    yield of_share(Engine.CUSTOMERS, told, changes, "changes of the Customers that tell one of them within 15 %")


def _tells(before: Panel, after: Panel, sizes: Mapping[int, int]) -> bool:
    """Whether a difference of two quarters' sums is nearly one Customer, for one who is of those who moved."""
    if not before.members or not after.members:
        return False
    moved = [after.members - before.members, before.members - after.members]
    return any(group and nearest({customer: sizes[customer] for customer in group}) < NEAR for group in moved)
