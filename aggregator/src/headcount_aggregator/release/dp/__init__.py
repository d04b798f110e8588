"""Differential privacy: noise in place of a threshold, with a budget that is fixed in advance.

``Noise`` draws whole numbers (``noise.py``), ``Budget`` says how much each declared view gets of what a device
may cost in a month (``budget.py``), ``Ledger`` keeps what releases have spent (``ledger.py``).
"""

from headcount_aggregator.release.dp.budget import PRESETS, Budget, Planned, budget_of
from headcount_aggregator.release.dp.ledger import Ledger, Spending
from headcount_aggregator.release.dp.noise import DiscreteGaussian, Noise
from headcount_aggregator.release.dp.views import View, declared_views

__all__ = [
    "PRESETS",
    "Budget",
    "DiscreteGaussian",
    "Ledger",
    "Noise",
    "Planned",
    "Spending",
    "View",
    "budget_of",
    "declared_views",
]
