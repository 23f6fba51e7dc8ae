"""`callboard intake`, and what other processes hear of it."""

import asyncio
import signal
import smtplib
import socket

from sqlalchemy import text

from api.doctor import diagnose
from realtime.mail.links import open_links
from realtime.node import Node
from tests.api.calling import Ear
from tests.api.programs import Program
from tests.conftest import running_node, settings_for
from tests.databases import TestDatabase
from tests.factories import make_pair
from tests.realtime.intake.mailing import DOMAIN, GRACE, Post, reply
from tests.services import free_ports
from tests.waiting import until


async def mailed(node: Node, port: int) -> Post:
    """Make two people of whom one was mailed what the other has written."""
    ada, grace, conversation = await make_pair(node)
    async with node.transaction() as work:
        await work.connection.execute(
            text("UPDATE callboard.users SET email = :email WHERE id = :id"),
            {"email": GRACE, "id": grace.id},
        )
        links = await open_links(work, node.settings)
    post = Post(node, port, links, ada, grace, conversation)
    await post.mailed()
    return post


async def test_an_answer_taken_by_the_command_reaches_sockets_elsewhere(
    database: TestDatabase,
) -> None:
    settings = settings_for(database, mail_domain=DOMAIN)
    with Program(
        *("intake", "--port", "0"),
        CALLBOARD_DATABASE_URL=database.url,
        CALLBOARD_MAIL_DOMAIN=DOMAIN.upper(),
    ) as intake:
        found = await asyncio.to_thread(intake.wait_for, r'taking mail.*"port": (\d+)')
        port = int(found[1])
        async with running_node(settings) as node:
            post = await mailed(node, port)
            environment = {
                "CALLBOARD_MAIL_DOMAIN": DOMAIN,
                "CALLBOARD_INTAKE_PORT": str(port),
            }
            (found_well,) = [
                each for each in await diagnose(environment) if "mail" in each.says
            ]
            assert found_well.level == "ok"
            ear = Ear()
            node.hub.add(post.ada.id, ear)
            assert await post.send(reply("By mail.")) == "250 2.0.0 Taken."
            await until(lambda: bool(ear.heard))
            assert ear.heard[0]["data"]["message"]["body"] == "By mail."
        with smtplib.SMTP("127.0.0.1", port, local_hostname="mx") as idle:
            intake.send_signal(signal.SIGTERM)
            assert await asyncio.to_thread(intake.ends) == 0
            assert idle.noop()[0] == 421
    with socket.create_server(("127.0.0.1", port)):
        pass


async def test_the_doctor_notices_that_no_mail_comes_in() -> None:
    (free_port,) = free_ports(1)
    smtp = {
        "CALLBOARD_SMTP_URL": "smtps://mail.chat.example",
        "CALLBOARD_MAIL_FROM": "board@chat.example",
    }
    domain = {
        "CALLBOARD_MAIL_DOMAIN": DOMAIN,
        "CALLBOARD_INTAKE_PORT": str(free_port),
    }
    for environment, says in (
        (smtp, "nobody hears of those that come back"),
        (smtp | domain, f"Nothing takes mail at port {free_port}."),
    ):
        (found,) = [each for each in await diagnose(environment) if says in each.says]
        assert found.level == "warning"
        assert found.remedy
