"""The server under measurement: the real one, with its address on standard output."""

import asyncio

import uvloop

from api.app import create_app
from api.server import build_node, listen, serve
from realtime.settings import load


async def _run() -> None:
    node = build_node(load())
    await node.open()
    listener = listen("127.0.0.1", 0)

    def tell_port() -> None:
        print(listener.getsockname()[1], flush=True)

    try:
        await serve(node, create_app(node), listener, ready=tell_port)
    finally:
        await node.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run())
