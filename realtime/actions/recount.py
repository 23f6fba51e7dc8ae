"""Counting again what is counted, one conversation at a time, and mending it."""

from collections.abc import Sequence

from realtime.actions.threads import tell_updated
from storage.recount import Drift
from storage.unit_of_work import UnitOfWork


async def recount_conversation(
    work: UnitOfWork, suspected: Sequence[Drift], *, is_mending: bool
) -> tuple[list[Drift], list[Drift]]:
    """
    Look again at a conversation whose counts looked wrong, now that nothing moves.

    Gives what was wrong and what still is. Mending moves markers and counters, never
    messages, and shows everybody who takes part how the conversation is now.
    """
    conversation = suspected[0].conversation_id
    people = {drift.user_id for drift in suspected if drift.user_id is not None}
    await work.recount.lock(conversation, sorted(people))
    found = await work.recount.drift([conversation])
    if not found or not is_mending:
        return found, found
    await work.recount.mend(conversation)
    await tell_updated(work, [conversation])
    return found, await work.recount.drift([conversation])
