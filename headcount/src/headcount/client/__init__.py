"""A client of the API, for scripts and notebooks: released numbers by name, page after page.

::

    from headcount.client import Headcount

    api = Headcount("https://numbers.example", token)
    for number in api.numbers(statistic="people", period="day", measure="active", first="2026-09-01"):
        print(number["first"], number["value"], number["why"])

It needs nothing but the standard library; ``shapes`` has the types of all answers, which are plain
dictionaries. What the API refuses is raised as a ``ProblemError``. An answer that did not change is not sent again.
"""

from __future__ import annotations

from headcount.client.asking import AnswerError, HeadcountError, ProblemError, UnreachableError
from headcount.client.headcount import Headcount, Questions

__all__ = ["AnswerError", "Headcount", "HeadcountError", "ProblemError", "Questions", "UnreachableError"]
