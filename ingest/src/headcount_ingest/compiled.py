"""Whether this edge is the compiled one: what every report passes through as machine code (``docs/operate.md``)."""

from __future__ import annotations

from headcount_ingest import connection

COMPILED = not connection.__file__.endswith(".py")
