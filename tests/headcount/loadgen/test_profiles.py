"""Profiles: how many reports leave, and when."""

from __future__ import annotations

import random

import pytest
from headcount.loadgen.profiles import Plan, Profile, arrivals, even_arrivals


@pytest.mark.parametrize("profile", Profile)
def test_as_many_leave_as_the_profile_says(profile: Profile) -> None:
    """Within what a Poisson draw lets expect, in each tenth of the time."""
    plan = Plan(profile, rate=2_000.0, seconds=100.0)
    moments = list(arrivals(plan, random.Random(1)))
    assert moments == sorted(moments)
    assert abs(len(moments) - plan.expected) < 5 * plan.expected**0.5
    for tenth in range(10):
        meant = sum(plan.rate_at(tenth * 10 + step / 10) for step in range(100)) / 10
        found = sum(10 * tenth <= moment < 10 * (tenth + 1) for moment in moments)
        assert abs(found - meant) < 5 * meant**0.5 + 220, "one step of the spike lies at an edge"


def test_moments_hang_on_nothing_but_the_seed() -> None:
    """The same seed, the same moments; the second load is the first one again."""
    plan = Plan(Profile.RAMP, 50.0, 20.0)
    assert list(arrivals(plan, random.Random(3))) == list(arrivals(plan, random.Random(3)))
    assert list(even_arrivals(0.0, 10.0, random.Random(1))) == []


def test_only_an_outage_is_dark_and_only_hostile_is_hostile() -> None:
    """Each profile does what its sentence says, and nothing another one's does."""
    for profile in Profile:
        plan = Plan(profile, 100.0, 40.0)
        assert plan.dark == ((10.0, 20.0) if profile is Profile.OUTAGE else (0.0, 0.0))
        assert plan.hostile_rate == (25.0 if profile is Profile.HOSTILE else 0.0)
    assert Plan(Profile.RAMP, 100.0, 40.0).rate_at(20.0) == pytest.approx(50.0)
    assert Plan(Profile.SPIKE, 100.0, 40.0).rate_at(20.0) == pytest.approx(100.0)
    assert Plan(Profile.SPIKE, 100.0, 40.0).rate_at(5.0) == pytest.approx(20.0)
