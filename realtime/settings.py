"""
Settings: the only reader of the environment.

Every name begins with `CALLBOARD_`; a name that does not exist is refused, because a
misspelt setting is a setting that silently does not hold. Secrets never print.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from re import fullmatch
from typing import Annotated, Literal, Self, get_args
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import orjson
from pydantic import (
    AfterValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from realtime.lifecycle import DEFAULT_RULES, Rule, read_rules
from realtime.mail.addresses import SmtpAddress, is_mail_address
from realtime.notifications.catalogue import CatalogueError, load_catalogue
from realtime.push.addresses import PUSH_SERVICES, PushHosts
from realtime.rates import Rate

PREFIX = "CALLBOARD_"


def _is_a_rate(text: str) -> str:
    Rate.parse(text)
    return text


_Rate = Annotated[str, AfterValidator(_is_a_rate)]

Weekday = Literal[
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)

# As people write it, on a clock of 24 hours.
TIME_OF_DAY = r"([01][0-9]|2[0-3]):[0-5][0-9]"

OrganizationRole = Literal["admin", "recruiter", "account_manager", "viewer"]

# What people send each other at work. Nothing that a browser or a system would run:
# no HTML, no SVG, no programs.
_ATTACHMENT_TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/heic",
    "image/heif",
    "image/bmp",
    "image/tiff",
    "audio/*",
    "video/*",
    "application/pdf",
    "application/rtf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.*",
    "application/vnd.oasis.opendocument.*",
    "application/zip",
    "application/x-zip-compressed",
    "text/plain",
    "text/csv",
    "text/markdown",
    "text/calendar",
)


class SettingsError(Exception):
    """A setting is wrong; says which and what to do."""


class Settings(BaseSettings):
    """What an operator can choose."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True
    )

    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL 15 or newer, postgresql://user:password@host/name.",
    )
    migrate_database_url: SecretStr | None = Field(
        None,
        description="Login for `callboard migrate` where it is not the server's own.",
    )
    database_connections: int = Field(
        10, ge=2, le=200, description="Connections for transactions, per process."
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey, redis://…. None: one process, or messages up to"
        " half a second later, and presence and typing known in each process only.",
    )
    redis_cluster: bool = Field(
        default=False, description="The URL names a Redis Cluster (sharded pub/sub)."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=64, description="Processes sharing the port.")

    jwt_secret: SecretStr | None = Field(
        None, description="Shared secret of user tokens (HS256); 32 bytes or more."
    )
    jwt_public_key: str | None = Field(
        None, description="Public key of user tokens, as PEM or the path of a PEM file."
    )
    jwt_jwks_url: str | None = Field(
        None, description="Where the identity provider publishes its keys (JWKS)."
    )
    jwt_audience: str | None = Field(None, description="Required `aud`, if set.")
    jwt_issuer: str | None = Field(None, description="Required `iss`, if set.")
    create_users: bool = Field(
        default=True, description="A valid token of an unknown user creates the user."
    )
    bootstrap_key: SecretStr | None = Field(
        None, description="A full-scope API key (cbk_…) that exists from the start."
    )

    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Origins of pages that may connect, with commas; * for any."
        " The server's own is always allowed.",
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1", description="Proxies whose X-Forwarded-For is believed."
    )
    max_connections: int = Field(
        50_000, ge=1, description="Sockets of one process; more are refused."
    )
    max_connections_per_user: int = Field(
        32, ge=1, description="Sockets of one user per process; more are refused."
    )
    max_connections_per_address: int = Field(
        1000, ge=1, description="Sockets of one address per process, but loopback."
    )
    handshake_seconds: float = Field(10, gt=0, description="Time for the handshake.")
    auth_seconds: float = Field(10, gt=0, description="Time for the first frame.")
    heartbeat_seconds: float = Field(25, gt=0, description="Pings, this far apart.")
    outbound_bytes: int = Field(
        1_048_576, ge=65_536, description="What a slow reader may be owed."
    )
    permessage_deflate: bool = Field(
        default=False, description="Offer compression: less traffic, more memory."
    )

    repair_seconds: float = Field(
        0.5,
        gt=0,
        description="Sweep of the feed: what no announcement brought comes by then.",
    )
    feed_keep_seconds: float = Field(
        600,
        ge=60,
        description="How long the feed remembers; resuming does not need it.",
    )
    audit_keep_days: int = Field(
        365, ge=1, le=36_500, description="How long the audit log remembers."
    )
    domain_events_keep_days: int = Field(
        30, ge=1, le=36_500, description="How long domain events can be read."
    )
    notifications_keep_days: int = Field(
        365,
        ge=1,
        le=36_500,
        description="How long notifications that are read, archived or expired stay.",
    )
    deliveries_keep_days: int = Field(
        90, ge=1, le=36_500, description="How long it can be asked why something left."
    )
    delivery_concurrency: int = Field(
        8,
        ge=1,
        le=256,
        description="Mails, and as many pushes, that a worker carries at a time; what a"
        " worker that is killed was carrying is carried once more.",
    )
    push_attempts: int = Field(
        8, ge=1, le=100, description="Tries of a push, over an hour or two."
    )
    email_attempts: int = Field(
        20, ge=1, le=100, description="Tries of a mail, over half a day."
    )
    daily_pushes: int = Field(
        100,
        ge=0,
        description="Pushes to a device in a day, where its person chooses no other"
        " number; what is more goes into the next daily mail.",
    )
    daily_emails: int = Field(20, ge=0, description="The same for mails to a person.")
    worker_metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port of `callboard worker` for its metrics; 0: none.",
    )
    resume_limit: int = Field(
        1000, ge=1, le=10_000, description="Changes that a resume replays at the most."
    )
    drain_seconds: float = Field(
        10, ge=0, description="Time to close sockets in when the server stops."
    )

    edit_seconds: float = Field(
        0, ge=0, description="How long one's message may be edited; 0: for ever."
    )
    public_url: str | None = Field(
        None, description="Where people reach this server, https://chat.example."
    )
    catalogue: Path | None = Field(
        None,
        description="TOML with more types of notifications, or with other values for"
        " those that there are (docs/notifications.md).",
    )
    timezone: str = Field(
        "UTC", description="Zone (IANA) of people for whom the platform names none."
    )
    digest_at: str = Field(
        "08:00", description="When digests leave, where people choose nothing else."
    )
    digest_weekday: Weekday = Field("monday", description="The same for weekly ones.")

    attachment_bytes: int = Field(
        26_214_400, ge=1, description="Size of the largest attachment."
    )
    attachment_types: Annotated[tuple[str, ...], NoDecode] = Field(
        _ATTACHMENT_TYPES,
        description="Types of attachments, with commas; a * at the end stands for"
        " anything, */* takes all.",
    )
    attachment_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Hosts at which attachments may be besides uploads, with commas;"
        " none: anywhere.",
    )
    uploads_directory: Path | None = Field(
        None, description="Takes uploads into this folder (docs/uploads.md)."
    )
    uploads_secret: SecretStr | None = Field(
        None, description="Signs the folder's links; none: made and kept in the folder."
    )
    upload_link_seconds: int = Field(
        300, ge=10, le=86_400, description="How long the link to a file works."
    )
    s3_bucket: str | None = Field(
        None, description="Takes uploads into this bucket (docs/uploads.md)."
    )
    s3_endpoint: str | None = Field(
        None, description="Where the bucket is; none: at AWS, by its region."
    )
    s3_region: str = Field("us-east-1", description="The region that signatures name.")
    s3_access_key: str | None = Field(None, description="Who signs for the bucket.")
    s3_secret_key: SecretStr | None = Field(None, description="With which secret.")
    s3_path_style: bool = Field(
        default=False, description="The bucket stands in the path, not in the host."
    )

    app_url: str | None = Field(
        None, description="The platform's own page, to which links in mails lead."
    )
    smtp_url: SecretStr | None = Field(
        None,
        description="Sends mail: smtp://user:password@host:587 (with STARTTLS;"
        " ?starttls=opportunistic or off) or smtps://… (docs/email.md).",
    )
    smtp_ca_file: Path | None = Field(
        None, description="Certificates to trust there; none: the system's."
    )
    smtp_connections: int = Field(
        4, ge=1, le=100, description="Connections to it, per process, at the most."
    )
    mail_from: str | None = Field(
        None, description="The address that mails come from, board@chat.example."
    )
    mail_name: str = Field(
        "Callboard", min_length=1, max_length=100, description="What mails call you."
    )
    mail_directory: Path | None = Field(
        None, description="Without an SMTP server, mails are put here, as .eml files."
    )
    mail_domain: str | None = Field(
        None, description="Domain whose mail `callboard intake` takes; none: no intake."
    )
    intake_host: str = Field(
        "127.0.0.1", description="Address at which mail comes in (docs/email.md)."
    )
    intake_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port at which mail comes in; none: 2525, and not in"
        " `callboard dev`.",
    )
    intake_protocol: Literal["smtp", "lmtp"] = Field(
        "smtp", description="What the mail server in front of it speaks."
    )
    intake_bytes: int = Field(
        1_048_576, ge=65_536, le=33_554_432, description="Size of the largest mail."
    )
    intake_connections: int = Field(
        100, ge=1, le=10_000, description="Connections that bring mail, at once."
    )
    intake_seconds: float = Field(
        60, ge=1, description="How long such a connection may say nothing."
    )
    intake_authserv_id: str | None = Field(
        None,
        min_length=1,
        description="Answers by mail need a DMARC, DKIM or SPF pass that the mail"
        " server of this name has written into them (docs/email.md).",
    )
    reply_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="Days after a mail in which it can be answered by mail.",
    )

    team_roles: Annotated[tuple[OrganizationRole, ...], NoDecode] = Field(
        ("admin", "recruiter", "account_manager"),
        description="Roles in an organization that take part in its gigs' threads,"
        " with commas.",
    )
    gig_history: Literal["all", "joined"] = Field(
        "all", description="What who joins a gig's thread may read of the past."
    )
    group_history: Literal["all", "joined"] = Field(
        "joined", description="The same for groups which do not say it themselves."
    )
    group_members: int = Field(
        1000, ge=2, le=10_000, description="Members of a group at the most."
    )
    lifecycle: Annotated[Mapping[str, Rule], NoDecode] = Field(
        DEFAULT_RULES,
        description="Rules for threads whose gig or application ends, as JSON:"
        ' {"gig.filled": {"read_only_days": 14, "archive_days": 90}}.',
    )

    limit_messages: _Rate = Field(
        "5000/100",
        description="Messages of one sender: so many at once, then so many a second"
        " (1m: a minute, 1h, 1d); off.",
    )
    limit_messages_to: _Rate = Field(
        "10000/200",
        description="Messages to one recipient of direct conversations, likewise.",
    )
    limit_conversations: _Rate = Field(
        "200/12m", description="Conversations that one person begins."
    )
    limit_connections: _Rate = Field(
        "100/2m", description="Connections that one person asks for."
    )
    limit_connections_to: _Rate = Field(
        "300/6m", description="Connections that one person is asked for."
    )
    limit_searches: _Rate = Field(
        "120/2", description="Searches of one person; besides, one at a time."
    )
    limit_changes: _Rate = Field(
        "1000/20",
        description="What one person changes: messages, reactions, members, blocks.",
    )

    webpush: bool = Field(
        default=True,
        description="Web Push is sent from here; false: a relay takes it.",
    )
    webpush_subject: str | None = Field(
        None,
        description="How push services reach the operator, mailto:… or https://…;"
        " none: CALLBOARD_PUBLIC_URL.",
    )
    webpush_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        PUSH_SERVICES,
        description="Push services that devices may name, with commas: push.example,"
        " *.push.example; with a port also private ones (docs/push.md).",
    )
    devices_keep_days: int = Field(
        270, ge=1, le=3650, description="Devices not seen for so long are forgotten."
    )
    fcm_service_account: Path | None = Field(
        None, description="The JSON key of a Firebase service account: FCM is sent."
    )
    fcm_url: str = Field(
        "https://fcm.googleapis.com", description="Where FCM is, or a stand-in."
    )
    apns_key: Path | None = Field(
        None, description="The .p8 key of an Apple team: APNs is sent."
    )
    apns_key_id: str | None = Field(None, description="The id of that key.")
    apns_team_id: str | None = Field(None, description="The id of the team.")
    apns_topic: str | None = Field(
        None, description="The bundle id of the app, for devices that name none."
    )
    apns_url: str = Field(
        "https://api.push.apple.com",
        description="Where APNs is: https://api.sandbox.push.apple.com for builds"
        " that are in development.",
    )

    relay_patience_hours: float = Field(
        72,
        gt=0,
        le=8760,
        description="What the server carries nowhere itself and no relay comes for is"
        " given up after so long.",
    )
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="Hosts of one's own that webhooks may lead to, host or host:port,"
        " with commas; all others must be https and public.",
    )
    webhook_pause_days: float = Field(
        5, gt=0, le=365, description="A webhook that fails for so long is paused."
    )
    webhook_keep_days: float = Field(
        30, ge=5, le=365, description="How long the deliveries of webhooks are kept."
    )
    webhook_backlog: int = Field(
        100_000,
        ge=1000,
        description="A webhook for which more than this is waiting is paused.",
    )

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="What is worth a line."
    )
    log_format: Literal["auto", "json", "text"] = Field(
        "auto", description="auto: text on a terminal, JSON elsewhere."
    )
    postgres_bin: Path | None = Field(
        None, description="Programs of PostgreSQL for `callboard dev`."
    )

    @field_validator("lifecycle", mode="before")
    @classmethod
    def _read_rules(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        try:
            given = orjson.loads(value)
        except orjson.JSONDecodeError:
            raise ValueError("is not JSON") from None
        if not isinstance(given, dict):
            raise ValueError("is not a JSON object")  # noqa: TRY004 - pydantic's
        return read_rules(given)

    @field_validator(
        "allowed_origins",
        "attachment_types",
        "attachment_hosts",
        "team_roles",
        "webhook_hosts",
        "webpush_hosts",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("webpush_hosts")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        PushHosts.parse(value)
        return value

    @field_validator("webpush_subject")
    @classmethod
    def _is_a_contact(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("mailto:", "https://")):
            raise ValueError("must begin with mailto: or https://")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("must be a name of the IANA time zone database")
        return value

    @field_validator("catalogue")
    @classmethod
    def _is_a_catalogue(cls, value: Path | None) -> Path | None:
        try:
            load_catalogue(value)
        except CatalogueError as error:
            raise ValueError(str(error)) from None
        return value

    @field_validator("digest_at")
    @classmethod
    def _is_a_time(cls, value: str) -> str:
        if not fullmatch(TIME_OF_DAY, value):
            raise ValueError("must be a time of day as 08:00")
        return value

    @field_validator("bootstrap_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not (
            value.get_secret_value().startswith("cbk_")
            and len(value.get_secret_value()) >= 20  # noqa: PLR2004 - "cbk_" and 16 more
        ):
            raise ValueError("must begin with cbk_ and have at least 20 characters")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _is_an_smtp_server(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            SmtpAddress.parse(value.get_secret_value())
        return value

    @field_validator("mail_from")
    @classmethod
    def _is_an_address(cls, value: str | None) -> str | None:
        if value is not None and not is_mail_address(value):
            raise ValueError("must be an address like board@chat.example")
        return value

    @field_validator("mail_domain")
    @classmethod
    def _is_a_domain(cls, value: str | None) -> str | None:
        if value is not None and not is_mail_address(f"board@{value}"):
            raise ValueError("must be a domain like mail.chat.example")
        return value and value.lower()

    @field_validator("app_url", "apns_url", "fcm_url", "public_url", "s3_endpoint")
    @classmethod
    def _is_a_base(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
            is_base = parts.scheme in {"http", "https"} and bool(parts.hostname)
            is_base = is_base and parts.port != 0
        except ValueError:
            is_base = False
        if not is_base or set(value) & set("?#@\\ "):
            raise ValueError("must be an https URL without credentials or query")
        return value.rstrip("/")

    @field_validator("jwt_public_key")
    @classmethod
    def _read_pem(cls, value: str | None) -> str | None:
        if value is None or value.lstrip().startswith("-----BEGIN"):
            return value
        path = Path(value)
        if not path.is_file():
            raise ValueError("is neither a PEM text nor the path of a file")
        return path.read_text(encoding="utf-8")

    @model_validator(mode="after")
    def _plausible(self) -> Self:
        if self.redis_cluster and self.redis_url is None:
            raise ValueError("CALLBOARD_REDIS_CLUSTER needs CALLBOARD_REDIS_URL")
        if self.smtp_url and not self.mail_from:
            raise ValueError("CALLBOARD_SMTP_URL needs CALLBOARD_MAIL_FROM")
        if self.s3_bucket and not (self.s3_access_key and self.s3_secret_key):
            raise ValueError(
                "CALLBOARD_S3_BUCKET needs CALLBOARD_S3_ACCESS_KEY and"
                " CALLBOARD_S3_SECRET_KEY"
            )
        if self.s3_bucket and self.uploads_directory:
            raise ValueError(
                "give CALLBOARD_S3_BUCKET or CALLBOARD_UPLOADS_DIRECTORY, not both"
            )
        if self.apns_key and not (self.apns_key_id and self.apns_team_id):
            raise ValueError(
                "CALLBOARD_APNS_KEY needs CALLBOARD_APNS_KEY_ID and"
                " CALLBOARD_APNS_TEAM_ID"
            )
        if (self.s3_bucket or self.uploads_directory) and not self.public_url:
            raise ValueError("uploads need CALLBOARD_PUBLIC_URL")
        return self

    @property
    def session_variables(self) -> Mapping[str, str]:
        """Give what SQL has to know of these settings, as `callboard.<name>`."""
        hours, minutes = self.digest_at.split(":")
        return {
            "timezone": self.timezone,
            "digest_minute": str(int(hours) * 60 + int(minutes)),
            "digest_weekday": str(WEEKDAYS.index(self.digest_weekday)),
        }


def load(environment: Mapping[str, str] | None = None, **overrides: object) -> Settings:
    """
    Read the settings; `overrides` (from the command line) win where not None.

    Raises:
        SettingsError: With one sentence per wrong setting, no values.
    """
    environment = os.environ if environment is None else environment
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    given = {name for name in environment if name.upper().startswith(PREFIX)}
    if unknown := sorted(name for name in given if name.upper() not in known):
        raise SettingsError(
            f"There is no setting {', '.join(unknown)}."
            " .env.example lists those which exist."
        )
    chosen = {name: value for name, value in overrides.items() if value is not None}
    values = {
        name: environment[PREFIX + name.upper()]
        for name in Settings.model_fields
        if environment.get(PREFIX + name.upper())
    }
    try:
        return Settings.model_validate(values | chosen)
    except ValidationError as error:
        raise SettingsError(
            "; ".join(
                f"{PREFIX}{str(problem['loc'][0]).upper() if problem['loc'] else ''}"
                f" {problem['msg'].removeprefix('Value error, ')}"
                for problem in error.errors(include_input=False, include_url=False)
            )
        ) from None
