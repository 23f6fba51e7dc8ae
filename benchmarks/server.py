"""The server under measurement: the real one, with its address on standard output."""

from api.server import listen
from api.serving import run, serve_until_signal
from realtime.settings import load


def _main() -> None:
    with listen("127.0.0.1", 0) as listener:

        def tell_port() -> None:
            print(listener.getsockname()[1], flush=True)

        run(serve_until_signal(load(), listener, ready=tell_port))


if __name__ == "__main__":
    _main()
