"""The rounds of the webhooks: see what is new, make messages of it, deliver what is due."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Iterable

import aiohttp
import msgspec
import structlog
from headcount_wire.clock import Clock
from headcount_wire.organisation import Reader

from headcount_aggregator.disclosure.entry import Event
from headcount_aggregator.disclosure.log import DisclosureLog
from headcount_aggregator.released import ReleasedReader
from headcount_aggregator.web import access
from headcount_aggregator.web.access import Subject
from headcount_aggregator.web.desk import DeskFile, Sends, Webhook
from headcount_aggregator.web.hooks.messages import Made, Teller
from headcount_aggregator.web.hooks.outbox import Message, Outbox
from headcount_aggregator.web.hooks.sending import Verdict, attempt
from headcount_aggregator.web.tenancy import Tenancy

log: structlog.stdlib.BoundLogger = structlog.get_logger("headcount.web")

ROUND_SECONDS = 30.0
PAUSE_SECONDS, PAUSE_MOST = 30.0, 6 * 3600.0
GIVEN_UP_SECONDS = 7 * 86_400.0


class Hooks:
    """All webhooks of one dashboard. ``draw`` spreads the retries."""

    def __init__(
        self,
        tenancy: Tenancy,
        released: ReleasedReader,
        desk: DeskFile,
        outbox: Outbox,
        clock: Clock,
        disclosures: DisclosureLog | None,
        draw: random.Random,
    ) -> None:
        self._tenancy = tenancy
        self._released = released
        self._desk = desk
        self._outbox = outbox
        self._clock = clock
        self._disclosures = disclosures
        self._draw = draw
        self._told: dict[tuple[Webhook, str, str, str], int | None] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Go round until it is time to stop; what goes wrong with one round is logged, and the next one comes."""
        async with aiohttp.ClientSession() as session:
            while not stop.is_set():
                try:
                    await self.make()
                    await self.send(session)
                except Exception as error:  # whatever it was: the next round may do better, and pages must go on
                    log.error("webhooks_failed", error=type(error).__name__)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), ROUND_SECONDS)

    async def make(self) -> None:
        """Make messages of what was sealed since the last round."""
        desk = self._desk.desk
        for webhook in desk.webhooks:
            for subject in self._subjects(webhook):
                freshness = await self._released.freshness(*subject.codes)
                key = (webhook, subject.customer.name, subject.app.name, desk.address)
                if self._told.get(key, -1) == freshness.sealed_through:
                    continue
                teller = Teller(subject, self._released, freshness, webhook.language, desk.address)
                made = [await teller.weekly()] if Sends.WEEKLY in webhook.sends else []
                made += await teller.changes() if Sends.CHANGES in webhook.sends else []
                self._put(webhook, subject, [message for message in made if message])
                self._told[key] = freshness.sealed_through
        self._outbox.forget(self._clock.now())

    async def send(self, session: aiohttp.ClientSession) -> None:
        """Try every message that is due; webhooks do not wait for each other."""
        due: dict[str, list[Message]] = {}
        for message in self._outbox.due(self._clock.now()):
            due.setdefault(message.webhook, []).append(message)
        await asyncio.gather(*(self._send_all(session, messages) for messages in due.values()))

    async def _send_all(self, session: aiohttp.ClientSession, messages: Iterable[Message]) -> None:
        for message in messages:
            webhook = next((hook for hook in self._desk.desk.webhooks if hook.name == message.webhook), None)
            subject = self._still_seen(webhook, message) if webhook else None
            if webhook is None or subject is None:
                self._end(message, "withdrawn")
                continue
            await self._disclose(webhook, subject, message)
            now = self._clock.now()
            match await attempt(session, webhook, message, now):
                case Verdict.DELIVERED:
                    self._end(message, "delivered")
                case Verdict.GONE:
                    self._end(message, "gone")
                case Verdict.LATER if now - message.made >= GIVEN_UP_SECONDS:
                    self._end(message, "given_up")
                case Verdict.LATER:
                    pause = min(PAUSE_MOST, PAUSE_SECONDS * 2.0 ** min(message.tries, 20))
                    self._outbox.again(message, now + pause * self._draw.uniform(0.5, 1.0))

    def _put(self, webhook: Webhook, subject: Subject, made: Iterable[Made]) -> None:
        now = self._clock.now()
        for one in made:
            names = subject.customer.name, subject.app.name
            message = Message(webhook.name, one.about, *names, made=now, due=now, tries=0, body=msgspec.Raw(one.body))
            if self._outbox.add(message):
                log.info("webhook_message_made", webhook=webhook.name, message=one.about)

    def _end(self, message: Message, outcome: str) -> None:
        self._outbox.end(message, self._clock.now(), outcome)
        say = log.info if outcome == "delivered" else log.warning
        say("webhook_message_over", webhook=message.webhook, message=message.name, outcome=outcome)

    async def _disclose(self, webhook: Webhook, subject: Subject, message: Message) -> None:
        """Who is told what stands in the log before it leaves."""
        reader = self._reader(webhook)
        if self._disclosures is None or message.tries or reader is None:
            return
        about = {
            "reader": reader.name,
            "scope": reader.scope,
            "customer": subject.customer.name,
            "app": subject.app.name,
            "by": "webhook",
            "what": message.name,
        }
        await asyncio.to_thread(self._disclosures.add, Event.EXPORTED, about)

    def _reader(self, webhook: Webhook) -> Reader | None:
        readers = self._tenancy.organisation.readers
        return next((reader for reader in readers if reader.name == webhook.reader), None)

    def _subjects(self, webhook: Webhook) -> list[Subject]:
        """What the webhook's reader sees now, as far as it is asked for; nothing for a reader that is not declared."""
        reader = self._reader(webhook)
        if reader is None:
            return []
        organisation = self._tenancy.organisation
        seen = [
            Subject(customer, app)
            for customer in access.sight_of(reader, organisation).customers
            for app in access.apps_of(organisation, customer)
        ]
        return [subject for subject in seen if webhook.place.holds(subject)]

    def _still_seen(self, webhook: Webhook, message: Message) -> Subject | None:
        """The subject of a message, if the reader still sees it: what was taken from a reader is not sent any more."""
        names = message.customer, message.app
        found = (s for s in self._subjects(webhook) if (s.customer.name, s.app.name) == names)
        return next(found, None)
