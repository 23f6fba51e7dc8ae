"""Valkeys that a module of contracts has for itself."""

from collections.abc import Iterator

import pytest

from tests.services import ValkeyServer


@pytest.fixture(scope="module")
def valkey() -> Iterator[ValkeyServer]:
    """A Valkey of one process."""
    with ValkeyServer() as server:
        yield server


@pytest.fixture(scope="module")
def valkey_cluster() -> Iterator[ValkeyServer]:
    """A Valkey that is a cluster."""
    with ValkeyServer(cluster=True) as server:
        yield server
