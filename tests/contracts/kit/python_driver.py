"""The driver of the Python SDK; what a driver in another language does, it does the same way."""

from __future__ import annotations

import json
import sys
from typing import Any

from headcount_sdk import DeviceFacts, Headcount, Severity
from headcount_sdk.testing import ManualClock
from headcount_sdk.transport import Answer, HttpTransport, Request

TIMEOUT_SECONDS = 1.0


class Quick(HttpTransport):
    """The real transport, which here does not wait twenty seconds for a server that is slow on purpose."""

    def send(self, request: Request, timeout: float) -> Answer:
        return super().send(request, min(timeout, TIMEOUT_SECONDS))


class GivenFacts(DeviceFacts):
    """Facts that the kit states; a field it does not state is not known."""

    def __init__(self, given: dict[str, str]) -> None:
        super().__init__()
        self.given = given

    def os(self) -> str | None:
        return self.given.get("os")

    def app_version(self) -> str | None:
        return self.given.get("app_version")


class Player:
    """Does what the kit says."""

    def __init__(self) -> None:
        self._clock = ManualClock()
        self._offset = 0.0
        self._facts = GivenFacts({})
        self._client: Headcount | None = None

    @property
    def client(self) -> Headcount:
        assert self._client is not None
        return self._client

    def do(self, command: dict[str, Any]) -> dict[str, Any]:
        """One command; what it returns is part of the answer."""
        found = getattr(self, f"do_{command.pop('do')}")(**command)
        return found if isinstance(found, dict) else {}

    def do_open(self, **given: Any) -> None:
        self._clock.set_now(given["now"])
        self._offset = given["offset_hours"] * 3600.0
        self._facts = GivenFacts(given["facts"])
        self._client = Headcount(
            given["app_key"],
            given["host"],
            given["catalog"],
            directory=given["directory"],
            hosts=given["hosts"],
            clock=self._clock,
            facts=self._facts,
            transport=Quick(),
            utc_offset=lambda _: self._offset,
            msgpack="--msgpack" in sys.argv,
        )
        self._client.start(thread=False)

    def do_grant(self, purposes: list[str]) -> None:
        self.client.consent.grant(*purposes)

    def do_withdraw(self, purposes: list[str]) -> None:
        self.client.consent.withdraw(*purposes)

    def do_switch(self, field: str, on: bool) -> None:
        self.client.consent.switch(field, on)

    def do_status(self) -> dict[str, Any]:
        return {"status": {name: status.value for name, status in self.client.consent.status().items()}}

    def do_track(self, name: str, labels: dict[str, str]) -> None:
        self.client.track(name, **labels)

    def do_measure(self, name: str, value: float) -> None:
        self.client.measure(name, value)

    def do_screen(self, name: str) -> None:
        self.client.screen(name)

    def do_problem(self, category: str, severity: int | None, screen: str, send: bool) -> None:
        preview = self.client.report_problem(category, Severity(severity) if severity else None, screen)
        if send:
            preview.send()

    def do_quantity(self, name: str, value: int) -> None:
        self.client.quantity(name, value)

    def do_facts(self, facts: dict[str, str]) -> None:
        self._facts.given.update(facts)

    def do_background(self) -> None:
        self.client.on_background()

    def do_foreground(self) -> None:
        self.client.on_foreground()

    def do_advance(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def do_set_clock(self, seconds: float) -> None:
        self._clock.set_now(self._clock.now() + seconds)

    def do_offset(self, hours: float) -> None:
        self._offset = hours * 3600.0

    def do_pump(self) -> None:
        self.client.pump()

    def do_flush(self) -> None:
        self.client.flush()

    def do_close(self) -> None:
        self.client.shutdown()


def main() -> None:
    """Answer every line until there is no more."""
    player = Player()
    for line in sys.stdin:
        try:
            answer = {"ok": True, **player.do(json.loads(line))}
        except Exception as error:  # the kit must hear of it, whatever it is
            answer = {"ok": False, "error": repr(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
