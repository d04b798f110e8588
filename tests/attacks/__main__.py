"""``python -m tests.attacks``: attack the release layer and a naive engine, and print the table of outcomes."""

from __future__ import annotations

import sys

from tests.attacks.suite import ATTACKS
from tests.attacks.table import show

sys.exit(show([attack for attack in ATTACKS if not sys.argv[1:] or attack.name in sys.argv[1:]]))
