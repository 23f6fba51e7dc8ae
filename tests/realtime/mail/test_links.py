"""Signed addresses and links: read back exactly, and made by nobody else."""

from uuid import uuid4

import pytest

from realtime.mail.addresses import SmtpAddress, is_mail_address
from realtime.mail.links import Links, message_id, open_links, read_message_id
from realtime.node import Node
from realtime.settings import load
from storage.records import ConversationId, UserId

KEY, OLD_KEY = b"k" * 32, b"o" * 32
USER, CONVERSATION, DELIVERY = UserId(uuid4()), ConversationId(uuid4()), uuid4()
DOMAIN = "mail.chat.example"
PUBLIC_URL = "https://chat.example"


def links(*keys: bytes) -> Links:
    return Links(keys or (KEY,), public_url=PUBLIC_URL, mail_domain=DOMAIN)


def token(made: Links, purpose: str = "gig_published") -> str:
    link = made.unsubscribe_link(USER, purpose, DELIVERY, "daily")
    assert link is not None
    head, _, found = link.rpartition("/")
    assert head == f"{PUBLIC_URL}/v1/unsubscribe"
    return found


def test_what_was_made_is_read_back() -> None:
    made = links()
    read = made.read_unsubscribe(token(made))
    assert read is not None
    assert (read.user_id, read.purpose) == (USER, "gig_published")
    assert (read.delivery_id, read.frequency) == (DELIVERY, "daily")
    reply = made.reply_address(USER, CONVERSATION) or ""
    replying = made.read_reply(reply)
    assert replying is not None
    assert (replying.user_id, replying.conversation_id) == (USER, CONVERSATION)
    bounce = made.bounce_address(DELIVERY) or ""
    assert made.read_bounce(bounce) == DELIVERY
    end = made.unsubscribe_address(DELIVERY) or ""
    assert made.read_unsubscribe_address(end) == DELIVERY
    for address in (reply, bounce, end):
        local = address.partition("@")[0]
        assert len(local) <= 64
        assert local == local.lower()
        assert is_mail_address(address)
    # There are servers that write all in capitals.
    assert made.read_bounce(bounce.upper()) == DELIVERY


def test_a_retired_key_is_still_understood_and_a_foreign_one_is_not() -> None:
    old = links(OLD_KEY)
    bounce = old.bounce_address(DELIVERY) or ""
    assert links(KEY, OLD_KEY).read_bounce(bounce) == DELIVERY
    assert links(KEY).read_bounce(bounce) is None
    assert links(KEY, OLD_KEY).read_unsubscribe(token(old)) is not None
    assert links(KEY).read_unsubscribe(token(old)) is None


def test_no_kind_passes_for_another() -> None:
    made = links()
    bounce = made.bounce_address(DELIVERY) or ""
    assert made.read_unsubscribe_address("u" + bounce[1:]) is None
    assert made.read_unsubscribe_address(bounce) is None
    assert made.read_reply(bounce) is None


def test_each_changed_letter_is_noticed() -> None:
    made = links()
    bounce = made.bounce_address(DELIVERY) or ""
    right = token(made)
    for at in range(1, bounce.index("@")):
        other = "a" if bounce[at] != "a" else "b"
        changed = made.read_bounce(bounce[:at] + other + bounce[at + 1 :])
        # Of the last letter some bits stand for nothing.
        assert changed is None or at == bounce.index("@") - 1
    for at in range(len(right) - 1):
        other = "A" if right[at] != "A" else "B"
        assert made.read_unsubscribe(right[:at] + other + right[at + 1 :]) is None


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "b@mail.chat.example",
        "bä@mail.chat.example",
        "b" + "a" * 500 + "@mail.chat.example",
        "postmaster@mail.chat.example",
        "b====@mail.chat.example",
    ],
)
def test_what_is_not_ours_is_nothing(address: str) -> None:
    made = links()
    assert made.read_bounce(address) is None
    assert made.read_reply(address) is None
    assert made.read_unsubscribe(address) is None
    bounce = made.bounce_address(DELIVERY) or ""
    assert made.read_bounce(bounce.replace(DOMAIN, "elsewhere.example")) is None


def test_without_a_place_nothing_is_made() -> None:
    nowhere = Links((KEY,))
    assert nowhere.unsubscribe_link(USER, "digest", DELIVERY) is None
    assert nowhere.reply_address(USER, CONVERSATION) is None
    assert nowhere.bounce_address(DELIVERY) is None
    assert nowhere.read_bounce(links().bounce_address(DELIVERY) or "") is None


def test_a_message_id_names_its_delivery() -> None:
    assert read_message_id(message_id(DELIVERY, DOMAIN)) == DELIVERY
    assert read_message_id("<somebody@else.example>") is None


async def test_all_processes_sign_with_the_same_key(node: Node) -> None:
    settings = load({}, mail_domain=DOMAIN)
    async with node.transaction() as work:
        one = await open_links(work, settings)
    async with node.transaction() as work:
        other = await open_links(work, settings)
    assert other.read_bounce(one.bounce_address(DELIVERY) or "") == DELIVERY


@pytest.mark.parametrize(
    ("url", "host", "port", "is_tls", "starttls", "user"),
    [
        ("smtp://mail.example", "mail.example", 587, False, "required", None),
        (
            "smtps://a%40b:c%2Fd@mail.example",
            "mail.example",
            465,
            True,
            "required",
            "a@b",
        ),
        ("smtp://[::1]:25?starttls=off", "::1", 25, False, "off", None),
    ],
)
def test_where_mail_is_handed_over_is_read(
    url: str, host: str, port: int, *, is_tls: bool, starttls: str, user: str | None
) -> None:
    read = SmtpAddress.parse(url)
    assert (read.host, read.port, read.is_tls) == (host, port, is_tls)
    assert (read.starttls, read.user) == (starttls, user)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example",
        "smtp://",
        "smtp://mail.example/path",
        "smtp://mail.example?starttls=perhaps",
        "smtp://mail.example?tls=off",
        "smtp://user@mail.example",
        "smtp://user:secret@mail.example?starttls=opportunistic",
        "smtp://mail.example:99999",
    ],
)
def test_no_mail_server_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"must|needs|may") as refused:
        SmtpAddress.parse(url)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("ada@chat.example", True),
        ("ada.b+c@chat.example", True),
        ("düsi@bücher.example", True),
        ("ada@chat.example\r\nBcc: all@chat.example", False),
        ("ada@chat.example\n", False),
        ("Ada <ada@chat.example>", False),
        ("a, b@chat.example", False),
        ('"a b"@chat.example', False),
        ("ada", False),
        ("@chat.example", False),
        ("ada@", False),
        ("ada@-.example", False),
        ("a" * 65 + "@chat.example", False),
    ],
)
def test_an_address_is_one_that_can_be_written_to(text: str, *, is_one: bool) -> None:
    assert is_mail_address(text) is is_one
