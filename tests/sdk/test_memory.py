"""What an app holds in memory for the SDK before there is anything to upload."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from headcount_wire.app_key import new_key

DAY = """
import sys
from headcount_sdk import Headcount
client = Headcount(sys.argv[1], "http://127.0.0.1:9", CATALOG, directory=sys.argv[2])
client.start(thread=False)
client.consent.grant("usage")
client.track("share.used")
assert client.pump() == []
late = {"headcount_sdk.delivery", "headcount_sdk.outbox", "headcount_sdk.transport", "headcount_wire.codec"}
print(*sorted(sys.modules.keys() & (late | {"http.client", "email", "gzip", "asyncio", "dataclasses"})))
client.shutdown()
"""
CATALOG = '''
CATALOG = """
[catalog]
name = "meet"
version = 1
[purposes.usage]
sentence.en = "Count what is used."
[measures."share.used"]
code = 3
kind = "flag"
purpose = "usage"
description = "Shared."
owner = "team@example.org"
"""
'''


def test_what_sends_is_not_loaded_before_something_is_due(tmp_path: Path) -> None:
    """Import, start, consent, recording and the question what is due load nothing that sends, and no data class."""
    command = [sys.executable, "-c", CATALOG + DAY, new_key("live"), str(tmp_path / "state")]
    assert subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.split() == []
