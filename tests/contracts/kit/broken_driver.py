"""Drivers with one planted bug each: the kit must say no to every one of them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from headcount_sdk import delivery, device, funnels, journal, outbox, recorder, sessions, state, timetable, uploader
from headcount_sdk.journal import Note
from headcount_sdk.tallies import Day
from headcount_sdk.transport import Answer
from headcount_sdk.uploader import Fate, Outcome
from headcount_wire.report import new_report_id

from tests.contracts.kit import python_driver


def plant(where: Any, name: str, bug: Callable[..., Any]) -> Callable[..., Any]:
    """Put a bug in place of a function, and return the function."""
    sound: Callable[..., Any] = getattr(where, name)
    setattr(where, name, bug)
    return sound


def new_id_for_each_try() -> None:
    def upload(network: Any, host: str, key: str, sealed: Any, *rest: Any) -> Any:
        return sound(network, host, key, sealed.replaced(report_id=new_report_id()), *rest)

    sound = plant(delivery, "upload", upload)


def believes_any_202() -> None:
    def judge(answer: Answer) -> Any:
        return Outcome(Fate.ACCEPTED) if answer.status in (200, 202) else sound(answer)

    sound = plant(uploader, "judge", judge)


def drops_what_is_not_ours() -> None:
    def judge(answer: Answer) -> Any:
        foreign = answer.status in (404, 413, 307) and b"urn" not in answer.body
        return Outcome(Fate.DROPPED) if foreign else sound(answer)

    sound = plant(uploader, "judge", judge)


def tries_again_at_once() -> None:
    plant(timetable.Timetable, "postpone", lambda *_: None)


def counts_without_consent() -> None:
    plant(device.Device, "countable", lambda *_: True)


def no_daily_cap() -> None:
    def record(day: Day, *arguments: Any) -> Any:
        day.used = {}
        return sound(day, *arguments)

    sound = plant(device, "record", record)


def markers_move_before_the_answer() -> None:
    def seal(self: Any, *arguments: Any) -> Any:
        found = sound(self, *arguments)
        if found:
            state.advance(self._device.state.markers, found)
        return found

    sound = plant(outbox.Outbox, "seal", seal)


def days_in_utc() -> None:
    plant(recorder.Recorder, "_local_day", lambda self, _: int(self._clock.now() // 86_400))


def funnels_without_a_window() -> None:
    plant(funnels, "_is_over", lambda attempt, *_: not attempt.open)


def every_end_is_clean() -> None:
    def recover(self: Any, note: int, seconds: int) -> None:
        sound(self, Note.AWAY if note == Note.OPEN else note, seconds)

    sound = plant(sessions.Sessions, "recover", recover)


def forgets_without_the_journal() -> None:
    plant(journal.Journal, "append", lambda *_: None)


def withdrawal_keeps_tallies() -> None:
    plant(device.Device, "_erase", lambda *_: None)


def follows_every_region() -> None:
    def conclude(self: Any, sealed: Any, outcome: Outcome, tried: set[str]) -> Any:
        self._address = self._address._replace(hosts=(*self._address.hosts, outcome.elsewhere))
        return sound(self, sealed, outcome, tried)

    sound = plant(delivery.Delivery, "_conclude", conclude)


def moves_with_one_report() -> None:
    def conclude(self: Any, sealed: Any, outcome: Outcome, tried: set[str]) -> Any:
        if outcome.elsewhere:
            self._outbox.move(outcome.elsewhere)
        return sound(self, sealed, outcome, tried)

    sound = plant(delivery.Delivery, "_conclude", conclude)


BUGS: Mapping[str, Callable[[], None]] = {
    bug.__name__: bug
    for bug in (
        new_id_for_each_try,
        believes_any_202,
        drops_what_is_not_ours,
        tries_again_at_once,
        counts_without_consent,
        no_daily_cap,
        markers_move_before_the_answer,
        days_in_utc,
        funnels_without_a_window,
        every_end_is_clean,
        forgets_without_the_journal,
        withdrawal_keeps_tallies,
        follows_every_region,
        moves_with_one_report,
    )
}

if __name__ == "__main__":
    BUGS[sys.argv[1]]()
    python_driver.main()
