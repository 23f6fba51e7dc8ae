"""
Uploading files into a conversation, and getting at them.

Whoever may write there may upload, whoever reads the message that carries a file may
have it, and until it is sent only who has uploaded it.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from realtime.actor import Actor
from realtime.attachments import AttachmentRules, why_no_file_name
from realtime.errors import BY_CODE, Internal, Invalid, NotFound, RateLimited
from realtime.protocol import Attachment
from realtime.uploads import FileStore
from storage.ids import uuid7
from storage.records import ConversationId, Upload, UploadId
from storage.unit_of_work import UnitOfWork

# To put a file where its upload says; time for a slow network to begin.
PUT_LINKS_LAST = timedelta(minutes=15)

# Counted from its announcing; an hour more than it can be sent for (3_uploads.sql).
UNSENT_KEPT_FOR = timedelta(hours=25)
_REMOVED_AT_ONCE = 100

# What one person may have uploaded and not sent; the worker throws old ones away.
UNSENT = 100


async def announce_upload(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    *,
    name: str,
    mime_type: str,
    size: int,
    rules: AttachmentRules,
) -> Upload:
    """
    Note a file that the actor wants to put into a conversation.

    Raises:
        Problem: The ledger's reason why the actor may not write there.
        Invalid, TooLarge: The server does not take such a file.
        RateLimited: Too many files of the actor wait to be sent.
    """
    rules.check_upload(mime_type, size)
    if message := why_no_file_name(name):
        raise Invalid(f"name: {message}")
    reason = await work.ledger.may_write(actor.user_id, conversation)
    if reason is not None:
        raise BY_CODE.get(reason, Internal)
    if await work.uploads.count_unsent(actor.user_id, UNSENT) >= UNSENT:
        raise RateLimited(
            "Send what you have uploaded before you upload more.",
            retry_after_ms=60_000,
        )
    return await work.uploads.add(
        UploadId(uuid7()),
        conversation,
        actor.user_id,
        name=name,
        mime_type=mime_type,
        size=size,
    )


async def find_upload(work: UnitOfWork, upload: UploadId) -> Upload:
    """
    Give an upload that the user of this transaction may have.

    Raises:
        NotFound: There is none, it was deleted, or it is not theirs to see.
    """
    found = await work.uploads.get(upload)
    if found is None:
        raise NotFound
    return found


async def require_sendable(
    work: UnitOfWork,
    actor: Actor,
    conversation: ConversationId,
    named: Mapping[UploadId, Attachment],
    client_id: UUID,
) -> Sequence[Upload]:
    """
    Give the uploads that a message is to carry; none where it was sent before.

    Whether they are still there and unsent when it is stored, the statement that
    stores it decides.

    Raises:
        Invalid: They are not the actor's for this conversation, sent or deleted
            already, or not what the message says of them.
    """
    if await work.uploads.knows_draft(actor.user_id, client_id):
        return ()
    found = await work.uploads.of(named)
    for id_, attachment in named.items():
        upload = found.get(id_)
        if (
            upload is None
            or upload.uploader_id != actor.user_id
            or upload.conversation_id != conversation
            or upload.seq is not None
        ):
            raise Invalid(f"attachments: there is no upload {id_} to send here.")
        if (attachment.name, attachment.mime_type, attachment.size) != (
            upload.name,
            upload.mime_type,
            upload.size,
        ):
            raise Invalid(f"attachments: {id_} was announced otherwise.")
    return list(found.values())


async def remove_discarded(work: UnitOfWork, files: FileStore) -> int:
    """
    Remove some files of deleted messages and some that nobody sent; gives how many.

    What is known of a file goes after its bytes, so that what fails is tried again.

    Raises:
        Unavailable: The store does not answer.
    """
    discarded = await work.uploads.take_discarded(UNSENT_KEPT_FOR, _REMOVED_AT_ONCE)
    for upload in discarded:
        await files.remove(upload)
    await work.uploads.forget(discarded)
    return len(discarded)
