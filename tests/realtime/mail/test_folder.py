"""Mails as files, for development."""

from email import message_from_bytes
from email.policy import default
from pathlib import Path
from uuid import UUID

import pytest

from realtime.clock import system_clock
from realtime.mail import folder
from realtime.mail.building import build_mail_notifiers, mail_kinds
from realtime.node import Node
from realtime.notifications.notifier import Rejected, Retry, Sent
from tests.conftest import settings_for
from tests.databases import TestDatabase
from tests.realtime.mail.parcels import messages, parcel, recipient


async def test_mails_are_put_into_a_folder_of_which_the_last_are_kept(
    node: Node, database: TestDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "_KEPT", 2)
    mails = tmp_path / "some" / "mail"
    settings = settings_for(database, mail_directory=mails)
    (notifier,) = build_mail_notifiers(settings, node.transaction, system_clock)
    assert notifier.kinds == mail_kinds(settings) == {"email"}
    for number in (1, 2, 3):
        made = parcel(messages("Hi"), delivery_id=UUID(int=number))
        assert await notifier.send(made) == Sent(f"{UUID(int=number)}.eml")
    kept = sorted(mails.iterdir())
    assert [path.name[-5:] for path in kept] == ["2.eml", "3.eml"]
    read = message_from_bytes(kept[0].read_bytes(), policy=default)
    assert read["To"] == "Ada Lovelace <ada@chat.example>"
    nobody = parcel(messages("Hi"), recipient=recipient(email=None))
    assert await notifier.send(nobody) == Rejected("bad_address")
    await notifier.close()


async def test_a_folder_that_cannot_be_written_is_tried_again(
    node: Node, database: TestDatabase, tmp_path: Path
) -> None:
    (tmp_path / "mail").write_text("a file")
    settings = settings_for(database, mail_directory=tmp_path / "mail")
    (notifier,) = build_mail_notifiers(settings, node.transaction, system_clock)
    assert await notifier.send(parcel(messages("Hi"))) == Retry("disk")


def test_without_a_server_or_a_folder_nothing_carries_mail(
    node: Node, database: TestDatabase
) -> None:
    settings = settings_for(database)
    assert build_mail_notifiers(settings, node.transaction, system_clock) == []
    assert mail_kinds(settings) == frozenset()
