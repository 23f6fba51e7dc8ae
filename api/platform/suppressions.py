"""Addresses that are not written to, and writing to them again."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import ConfigDict, Field

from api.deps import ANode, APaging, next_page, platform_with
from api.errors import refusals
from api.examples import SUPPRESSION, page_of, shown
from api.shapes import EMAIL_CHARS, Body, Moment, Page
from realtime.actor import Platform
from realtime.errors import Forbidden, Invalid, NotFound, Unauthenticated, Unavailable
from realtime.mail.addresses import is_mail_address
from realtime.protocol import Instant, Line, Text, Wire
from storage.email import Scope

SCOPE = "suppressions"
_DETAIL_CHARS = 300

router = APIRouter(
    prefix="/v1/platform/suppressions",
    tags=["platform"],
    responses=refusals(Unauthenticated, Forbidden, Invalid, Unavailable),
)

APlatform = Annotated[Platform, Depends(platform_with(SCOPE))]
AnAddress = Annotated[Text, Path(max_length=EMAIL_CHARS)]


class Suppression(Wire):
    """An address that is not written to."""

    address: str
    scope: Scope = Field(description="`all`, or `commercial`: everything but services.")
    reason: Literal["hard_bounce", "soft_bounce", "complaint", "manual"]
    detail: str | None
    suppressed_at: Instant
    expires_at: Instant | None


class NewSuppression(Body):
    """For what an address is not to be written to, and how long."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"scope": "all", "detail": "asked us to"}]}
    )

    scope: Scope = "all"
    detail: Annotated[Line, Field(max_length=_DETAIL_CHARS)] | None = None
    expires_at: Moment | None = None


@router.get("", response_model=Page[Suppression], responses=shown(page_of(SUPPRESSION)))
async def list_suppressions(
    node: ANode, platform: APlatform, paging: APaging
) -> Page[Suppression]:
    """
    List the addresses that are not written to, in their order.

    Those that bounced for good, that bounced too often of late, whose people called a
    mail spam, and those that the platform has put here.
    """
    position = paging.position(str, str)
    async with node.transaction(key=platform.key_id) as work:
        found = await work.emails.suppressions(
            node.clock(),
            paging.limit + 1,
            (position[0], position[1]) if position else None,
        )
    here = found[: paging.limit]
    return Page(
        items=[Suppression.model_validate(each) for each in here],
        next=next_page(here[-1].address, here[-1].scope)
        if len(found) > paging.limit
        else None,
    )


@router.put("/{address}", status_code=204)
async def put_suppression(
    node: ANode, platform: APlatform, address: AnAddress, new: NewSuppression
) -> None:
    """Write no more to an address; safe to repeat."""
    if not is_mail_address(address):
        raise Invalid("address: this is none.")
    async with node.transaction(key=platform.key_id) as work:
        await work.emails.suppress(
            address,
            new.scope,
            "manual",
            detail=new.detail,
            expires_at=new.expires_at,
            now=node.clock(),
        )
        work.happen("email.suppressed", {}, {"scope": new.scope})


@router.delete("/{address}", status_code=204, responses=refusals(NotFound))
async def delete_suppression(
    node: ANode,
    platform: APlatform,
    address: AnAddress,
    scope: Annotated[
        Scope | None, Query(description="Only this one; otherwise both.")
    ] = None,
) -> None:
    """
    Write to an address again, because it works now or its owner asks for it.

    A person whose address the platform changes needs no call: the new one is tried,
    whatever bounced there before.
    """
    async with node.transaction(key=platform.key_id) as work:
        if not await work.emails.release(address, scope):
            raise NotFound
        work.happen("email.released", {}, {"scope": scope})
