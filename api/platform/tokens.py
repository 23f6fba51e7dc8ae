"""Tokens for the platform's people, where a shared secret is configured."""

from datetime import datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field

from api import shapes
from api.errors import refusals
from api.examples import GRACE, shown
from api.idempotency import Once, once_with
from realtime.errors import (
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from realtime.protocol import Id, Instant, Wire
from realtime.settings import Settings
from realtime.tokens import mint
from storage.unit_of_work import UnitOfWork

router = APIRouter(prefix="/v1/platform/tokens", tags=["platform"])

# A token cannot be taken back one by one, so none is good for longer than a month.
LONGEST_SECONDS = 31 * 24 * 3600


class TokenRequest(shapes.Body):
    """For whom, and for how many seconds."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"user_id": GRACE, "expires_in": 3600}]}
    )

    user_id: Id
    expires_in: Annotated[int, Field(ge=1, le=LONGEST_SECONDS)]


class Token(Wire):
    """A token, and until when it is good."""

    token: str
    expires_at: Instant


class _Claims(Wire):
    """What is remembered under an Idempotency-Key: enough to sign the same again."""

    user_id: UUID
    issued_at: datetime
    expires_in: int


@router.post(
    "",
    status_code=201,
    response_model=Token,
    responses=shown(
        {
            "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.…",
            "expires_at": "2026-11-21T02:20:00.000Z",
        },
        201,
    )
    | refusals(Unauthenticated, Forbidden, NotFound, Invalid, Unavailable),
)
async def create_token(
    once: Annotated[Once, Depends(once_with("tokens"))], wanted: TokenRequest
) -> Response:
    """
    Sign a token for a person, known here or not.

    `not_found` where the server has no shared secret to sign with.
    """
    settings = once.node.settings
    if settings.jwt_secret is None:
        raise NotFound("No shared secret is configured, so no token can be signed.")

    async def act(work: UnitOfWork) -> _Claims:
        lasts = {"expires_in": wanted.expires_in}
        work.happen("token.created", {"user_id": wanted.user_id}, lasts)
        return _Claims(
            user_id=wanted.user_id,
            issued_at=once.node.clock(),
            expires_in=wanted.expires_in,
        )

    return await once.answer(act, status=201, show=lambda kept: _signed(settings, kept))


def _signed(settings: Settings, kept: bytes) -> bytes:
    """Sign what is remembered; the token itself is kept nowhere."""
    secret = settings.jwt_secret
    assert secret is not None  # noqa: S101 - asked before
    claims = _Claims.model_validate_json(kept)
    lasts = timedelta(seconds=claims.expires_in)
    token = mint(
        secret.get_secret_value(),
        claims.user_id,
        lasts,
        now=claims.issued_at,
        audience=settings.jwt_audience,
        issuer=settings.jwt_issuer,
    )
    # The token knows whole seconds only.
    expires_at = (claims.issued_at + lasts).replace(microsecond=0)
    return Token(token=token, expires_at=expires_at).model_dump_json().encode()
