"""Which channels tell one of what, and how."""

from collections.abc import Mapping, Sequence
from typing import Annotated, get_args

from fastapi import APIRouter
from pydantic import ConfigDict, Field, StringConstraints

from api.deps import AnActor, ANode
from api.errors import refusals
from api.examples import NOTIFICATION_PREFERENCES, shown
from api.shapes import Body
from realtime.actions.preferences import Chosen, change_preferences
from realtime.errors import (
    Invalid,
    NotFound,
    Suspended,
    Unauthenticated,
    Unavailable,
)
from realtime.notifications.catalogue import Catalogue, Mode
from realtime.notifications.notifier import Class
from realtime.notifications.preferences import (
    CHANNELS,
    EVERYTHING,
    Decider,
    PreferenceChannel,
    default,
    modes,
    of_class,
    resolve,
)
from realtime.protocol import Instant, Wire
from storage.preferences import PreferenceRow, Source

router = APIRouter(
    prefix="/v1/notification-preferences",
    tags=["notifications"],
    responses=refusals(Unauthenticated, Suspended, NotFound, Unavailable),
)

# A catalogue of a hundred types, all channels.
_CHOICES = 500


class Choice(Wire):
    """What one has chosen, how and when."""

    mode: Mode
    source: Source
    changed_at: Instant


class ChannelPreference(Wire):
    """How a channel tells of a type."""

    mode: Mode = Field(description="What holds.")
    default: Mode = Field(description="What the catalogue says.")
    source: Decider = Field(
        description="What decides: the choice for the `type`, its `class` or the whole"
        " `channel`; the `default`; or a rule: the type is `required`, a `service` is"
        " always in the app, a promotion without `consent` goes nowhere."
    )
    modes: Sequence[Mode] = Field(description="What one may choose here.")
    choice: Choice | None = Field(description="What one has chosen for this very type.")


class TypePreferences(Wire):
    """How one is told of a type."""

    type: str
    class_: Class = Field(serialization_alias="class")
    required: bool
    channels: Mapping[PreferenceChannel, ChannelPreference]


Choices = Mapping[PreferenceChannel, Choice | None]


class NotificationPreferences(Wire):
    """How one is told of everything, and what one has chosen for more than a type."""

    types: Sequence[TypePreferences]
    channels: Choices
    classes: Mapping[Class, Choices]


class ChoiceToMake(Body):
    """A choice for a type, a class, or everything (`*`) on a channel."""

    type: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    channel: PreferenceChannel
    mode: Mode | None = Field(
        description="null takes the choice back: the catalogue says again."
    )


class PreferenceChanges(Body):
    """What one chooses anew; what is left out stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "preferences": [
                        {"type": "message_received", "channel": "email", "mode": "off"},
                        {"type": "class:alert", "channel": "email", "mode": "weekly"},
                        {"type": "*", "channel": "push", "mode": "off"},
                    ]
                }
            ]
        }
    )

    preferences: Annotated[list[ChoiceToMake], Field(max_length=_CHOICES)]


@router.get(
    "",
    response_model=NotificationPreferences,
    responses=shown(NOTIFICATION_PREFERENCES),
)
async def get_notification_preferences(
    node: ANode, actor: AnActor
) -> NotificationPreferences:
    """
    Give for each type how every channel tells one of it, and what decides that.
    """
    async with node.transaction(actor.user_id) as work:
        rows = (await work.preferences.of([actor.user_id]))[actor.user_id]
    return _shown(node.catalogue, rows)


@router.put(
    "",
    response_model=NotificationPreferences,
    responses=shown(NOTIFICATION_PREFERENCES) | refusals(Invalid),
)
async def put_notification_preferences(
    node: ANode, actor: AnActor, changes: PreferenceChanges
) -> NotificationPreferences:
    """
    Choose how one is told; only what is given changes.

    The nearest choice wins: of the type, of its class (`class:alert`), of the channel
    (`*`). A channel that is `off` as a whole carries only what is required. In the app
    and as a push one is told at once or not at all; a mail may gather what an hour, a
    day or a week brings. Services stay in the app, required types stay on, and a
    promotion needs one's own yes, for the type or for `class:promotion`.
    """
    chosen = [
        Chosen(each.type, each.channel, each.mode) for each in changes.preferences
    ]
    async with node.transaction(actor.user_id) as work:
        await change_preferences(
            work, node.catalogue, actor.user_id, chosen, "user", node.clock()
        )
        rows = (await work.preferences.of([actor.user_id]))[actor.user_id]
    return _shown(node.catalogue, rows)


def _shown(
    catalogue: Catalogue, rows: Sequence[PreferenceRow]
) -> NotificationPreferences:
    chosen = {(row.type, row.channel): row for row in rows}

    def choice_of(type_: str, channel: PreferenceChannel) -> Choice | None:
        row = chosen.get((type_, channel))
        return None if row is None else Choice.model_validate(row)

    types = []
    for entry in catalogue.entries.values():
        resolved = resolve(entry, rows)
        channels = {
            channel: ChannelPreference(
                mode=resolved[channel].mode,
                default=default(entry, channel),
                source=resolved[channel].source,
                modes=modes(entry, channel),
                choice=choice_of(entry.name, channel),
            )
            for channel in CHANNELS
        }
        types.append(
            TypePreferences(
                type=entry.name,
                class_=entry.class_,
                required=entry.required,
                channels=channels,
            )
        )
    classes: Sequence[Class] = get_args(Class)
    return NotificationPreferences(
        types=types,
        channels={channel: choice_of(EVERYTHING, channel) for channel in CHANNELS},
        classes={
            class_: {
                channel: choice_of(of_class(class_), channel) for channel in CHANNELS
            }
            for class_ in classes
        },
    )
