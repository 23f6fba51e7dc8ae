"""What is said about Redis in a log, and what is not."""

import pytest
from redis.exceptions import ConnectionError as ConnectionLost
from redis.exceptions import ResponseError

from realtime.redis_link import Address, describe


def test_a_refused_command_is_described_without_its_arguments() -> None:
    refused = ResponseError(
        "unknown command 'SPUBLISH', with args beginning with: 'channel' 'dear Ada'"
    )
    assert describe(refused) == "ResponseError: unknown command 'SPUBLISH'"


def test_faults_that_come_together_are_described_once_each() -> None:
    lost = ConnectionLost("Connection closed by server.")
    group = ExceptionGroup("", [lost, TimeoutError(), lost])
    assert describe(group) == (
        "ConnectionError: Connection closed by server.; TimeoutError"
    )


@pytest.mark.parametrize("is_cluster", [False, True])
def test_an_address_does_not_show_its_password(*, is_cluster: bool) -> None:
    address = Address.parse("rediss://me:open-sesame@host/0", is_cluster=is_cluster)
    assert address.options["password"] == "open-sesame"
    assert "open-sesame" not in repr(address)
