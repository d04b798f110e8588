"""Whether this edge is the compiled one: what every report passes through as machine code (``docs/operate.md``)."""

from __future__ import annotations

from headcount_ingest import counted

COMPILED = not counted.__file__.endswith(".py")
