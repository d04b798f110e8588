"""The closed lists that both sides of a line share."""

from __future__ import annotations

from headcount_wire import facts, limits
from headcount_wire.problems import BY_URI, Dropped, Problem, Verdict


def test_every_entry_has_a_sentence_of_its_own() -> None:
    """No problem, reason, fact or limit is without its sentence, and none shares one."""
    sentences = [
        *(problem.sentence for problem in Problem),
        *(reason.sentence for reason in Dropped),
        *(rule.sentence for rule in facts.FACT_RULES.values()),
        *(limit.sentence for limit in limits.LIMITS),
    ]
    assert all(sentence.endswith(".") for sentence in sentences)
    assert len(set(sentences)) == len(sentences)
    assert set(facts.FACT_RULES) == set(facts.Fact)
    assert set(facts.FACTS_OF_KIND) == set(facts.Kind)


def test_problems_are_told_apart_by_their_uri() -> None:
    """Two problems with one status (503) are still two answers."""
    assert len(BY_URI) == len(Problem) == len({problem.name for problem in Problem})
    assert BY_URI["urn:headcount:problem:draining"] is Problem.DRAINING


def test_only_answers_that_can_change_are_tried_again() -> None:
    """4xx answers that say the report is bad drop it; what may pass later keeps it."""
    kept = {problem for problem in Problem if problem.verdict is Verdict.KEEP}
    assert {problem for problem in kept if problem.status == 400} == {Problem.BAD_HTTP}
    assert {problem.status for problem in kept} == {400, 408, 429, 500, 503, 507}
    assert {problem.status for problem in Problem if problem.verdict is Verdict.KEEP_A_DAY} == {401, 403}
