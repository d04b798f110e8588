"""What axe-core finds wrong with a page (``vendor/README.md``)."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.async_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text("utf-8")


async def violations(page: Page) -> list[str]:
    """What axe finds, run through the debugger: the page's own policy would not let it in, rightly."""
    session = await page.context.new_cdp_session(page)
    await session.send("Runtime.evaluate", {"expression": AXE})
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    run = f"axe.run(document, {{runOnly: {json.dumps(tags)}}}).then((found) => found.violations)"
    answer = await session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True, "returnByValue": True})
    await session.detach()
    return [
        f"{violation['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for violation in answer["result"]["value"]
        for node in violation["nodes"][:2]
    ]
