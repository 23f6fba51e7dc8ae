"""
Settings: the only reader of the environment.

Every name begins with `CALLBOARD_`; a name that does not exist is refused, because a
misspelt setting is a setting that silently does not hold. Secrets never print.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "CALLBOARD_"


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
        None, description="Redis or Valkey, redis://…; none: one node, or slower."
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
    resume_limit: int = Field(
        1000, ge=1, le=10_000, description="Changes that a resume replays at the most."
    )
    drain_seconds: float = Field(
        10, ge=0, description="Time to close sockets in when the server stops."
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

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
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
        return self


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
