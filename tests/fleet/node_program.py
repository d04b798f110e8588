"""A worker of a node, as ``headcount up`` starts it; with a planted bug, it counts whatever it gets."""

from __future__ import annotations

import sys

from headcount_ingest import path
from headcount_ingest.decode import Decoded
from headcount_ingest.own import Owned

from headcount import role

COUNTS_EVERYTHING = "counts-everything"


def everything(decoded: Decoded, *_: object) -> Owned:
    """The planted bug: no report is another node's."""
    return Owned(decoded.report_id, decoded.account, decoded.report)


if __name__ == "__main__":
    if COUNTS_EVERYTHING in sys.argv:
        sys.argv.remove(COUNTS_EVERYTHING)
        for name, planted in (("own", everything), ("another_s", lambda *_: None)):
            setattr(path, name, planted)
    sys.exit(role.main())
