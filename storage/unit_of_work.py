"""
One transaction, its stores, and what it will announce.

Nobody calls commit: leaving the block commits, an exception rolls back. Events are
recorded while working, written to the feed with the commit, and published by the
node only after it.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage import feed, happenings
from storage.applications import Applications
from storage.audit import Audit
from storage.broadcasts import Broadcasts
from storage.connections import Blocks, Connections
from storage.consumers import Consumers
from storage.content_preferences import ContentPreferences
from storage.conversations import Conversations
from storage.database import SERVICE_ROLE, USER_ROLE, Database, busy_when_unreachable
from storage.deliveries import Deliveries
from storage.delivery_log import DeliveryLog
from storage.devices import Devices
from storage.digests import Digests
from storage.domain_events import DomainEvents
from storage.edits import Edits
from storage.email import Emails
from storage.gigs import Gigs
from storage.happenings import Happening
from storage.inbound import InboundEmails
from storage.inbox import Inbox
from storage.job_alerts import JobAlerts
from storage.keys import ApiKeys, IdempotencyKeys
from storage.ledger import Ledger
from storage.messages import Messages
from storage.moderation import Moderation
from storage.notifications import Notifications
from storage.organizations import Organizations
from storage.preferences import Preferences
from storage.presence import Presences
from storage.privacy import Privacies
from storage.receipts import Receipts
from storage.rechecks import Rechecks
from storage.records import Announced, ApiKeyId, UserId
from storage.recount import Recount
from storage.relay import RelayLeases
from storage.releases import Releases
from storage.reminders import Reminders
from storage.reports import Reports
from storage.resume import Resume
from storage.retention import Retention
from storage.retracts import Retracts
from storage.search import Search
from storage.server_keys import ServerKeys
from storage.threads import Threads
from storage.topics import Topics
from storage.unread_messages import UnreadMessages
from storage.uploads import Uploads
from storage.users import Users
from storage.webhook_deliveries import WebhookDeliveries
from storage.webhooks import Webhooks


@dataclass
class UnitOfWork:
    """
    The stores of one transaction.

    After the block `xid` is the transaction that committed, 0 where nothing was
    announced.
    """

    connection: AsyncConnection
    user: UserId | None = None
    key: ApiKeyId | None = None
    recorded: list[dict[str, Any]] = field(default_factory=list)
    appended: list[Announced] = field(default_factory=list)
    happenings: list[Happening] = field(default_factory=list)
    xid: int = 0

    def __post_init__(self) -> None:
        self.api_keys = ApiKeys(self.connection)
        self.applications = Applications(self.connection)
        self.audit = Audit(self.connection)
        self.blocks = Blocks(self.connection)
        self.broadcasts = Broadcasts(self.connection)
        self.connections = Connections(self.connection)
        self.consumers = Consumers(self.connection)
        self.content_preferences = ContentPreferences(self.connection)
        self.conversations = Conversations(self.connection)
        self.deliveries = Deliveries(self.connection)
        self.delivery_log = DeliveryLog(self.connection)
        self.devices = Devices(self.connection)
        self.digests = Digests(self.connection)
        self.domain_events = DomainEvents(self.connection)
        self.edits = Edits(self.connection)
        self.emails = Emails(self.connection)
        self.gigs = Gigs(self.connection)
        self.idempotency_keys = IdempotencyKeys(self.connection)
        self.inbound = InboundEmails(self.connection)
        self.inbox = Inbox(self.connection)
        self.job_alerts = JobAlerts(self.connection)
        self.ledger = Ledger(self.connection)
        self.messages = Messages(self.connection)
        self.moderation = Moderation(self.connection)
        self.notifications = Notifications(self.connection)
        self.organizations = Organizations(self.connection)
        self.preferences = Preferences(self.connection)
        self.presences = Presences(self.connection)
        self.privacy = Privacies(self.connection)
        self.receipts = Receipts(self.connection)
        self.rechecks = Rechecks(self.connection)
        self.recount = Recount(self.connection)
        self.releases = Releases(self.connection)
        self.relay_leases = RelayLeases(self.connection)
        self.reminders = Reminders(self.connection)
        self.reports = Reports(self.connection)
        self.resume = Resume(self.connection)
        self.retracts = Retracts(self.connection)
        self.retention = Retention(self.connection)
        self.search = Search(self.connection)
        self.server_keys = ServerKeys(self.connection)
        self.threads = Threads(self.connection)
        self.topics = Topics(self.connection)
        self.unread_messages = UnreadMessages(self.connection)
        self.uploads = Uploads(self.connection)
        self.users = Users(self.connection)
        self.webhook_deliveries = WebhookDeliveries(self.connection)
        self.webhooks = Webhooks(self.connection)

    def record(
        self, audience: Iterable[UserId], kind: str, at: str, data: Mapping[str, Any]
    ) -> None:
        """
        Say what these users are to be told when the transaction has committed.

        `data` is JSON as the client will get it, `at` the moment as the wire has it.
        """
        to = [str(user) for user in audience]
        self.recorded.append({"to": to, "type": kind, "at": at, "data": data})

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """
        Do something that may fail without taking the rest of the work with it.

        After an exception nothing of it is left, neither rows nor what it recorded.

        Raises:
            Busy: The database is busy, or away, which ends the work itself.
        """
        before = len(self.recorded), len(self.appended), len(self.happenings)
        try:
            with busy_when_unreachable():
                async with self.connection.begin_nested():
                    yield
        except BaseException:
            del self.recorded[before[0] :]
            del self.appended[before[1] :]
            del self.happenings[before[2] :]
            raise

    @asynccontextmanager
    async def as_the_server(self) -> AsyncIterator[None]:
        """
        See everything for a moment, to tell others what a user's act means to them.

        What is read here goes to those others only, never to the user who acts.
        """
        if self.user is not None:
            await self._become(SERVICE_ROLE, "")
        # After an exception the transaction is rolled back, and the role with it.
        yield
        await self.become_user()

    async def become_user(self) -> None:
        """Go on as the user for whom this transaction works, if it is for one."""
        if self.user is not None:
            await self._become(USER_ROLE, str(self.user))

    async def _become(self, role: str, user: str) -> None:
        await self.connection.execute(
            text(
                "SELECT set_config('role', :role, true),"
                " set_config('callboard.user_id', :user, true)"
            ),
            {"role": role, "user": user},
        )

    def happen(
        self,
        kind: str,
        subject: Mapping[str, UUID | str | None],
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """
        Keep for the platform what happened, and for the audit who did it.

        `kind` is the event's type (`connection.accepted`), `subject` names whom and
        what it concerns by id; neither holds what people wrote to each other.
        """
        named = {name: str(value) for name, value in subject.items() if value}
        self.happenings.append(Happening(kind, named, dict(data or {})))


@asynccontextmanager
async def begin(
    database: Database,
    node_id: UUID,
    *,
    user: UserId | None = None,
    key: ApiKeyId | None = None,
    is_snapshot: bool = False,
) -> AsyncIterator[UnitOfWork]:
    """
    Work in one transaction: as a user, who sees their own, or as the service.

    `key` names the platform's key that asks, for the audit. `is_snapshot` makes all
    its reads see one moment, and writes impossible.

    Raises:
        Busy: The database is away; nothing was committed, or, if it went away in
            the very moment of commit, the caller cannot know.
    """
    with busy_when_unreachable():
        async with database.engine.connect() as connection:
            if is_snapshot:
                await connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            async with connection.begin():
                work = UnitOfWork(connection, user, key)
                if user is not None:
                    await work.become_user()
                yield work
                if work.happenings:
                    await happenings.keep(
                        connection, work.happenings, user=user, key=key
                    )
                if work.recorded or work.appended:
                    work.xid = await feed.announce(
                        connection, node_id, work.recorded, work.appended
                    )
