"""
Run the Autobahn|Testsuite against our WebSocket layer.

Run by hand from the root of the repository; README.md beside this file says how
to get `wstest`. Exit status: 0 conforming, 1 a case failed, 2 the run itself
could not be completed, so that it proves nothing.
"""

import argparse
import asyncio
import json
import os
import re
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from tests.autobahn.report import (
    Outcome,
    list_of_exceptions,
    read_cases,
    render_document,
    table_of_groups,
)

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "autobahn.md"
AGENT = "callboard"
PERFORMANCE = "9.*"
STARTUP_SECONDS = 15.0
# Half a minute without permessage-deflate; with it the suite sends 216 times 1,000
# messages, which takes about twenty minutes on two cores.
DEFAULT_LIMIT_SECONDS = 3600.0


class RunIncomplete(Exception):
    """The suite did not run to its end, so there is no result to judge."""


@asynccontextmanager
async def echo_server(log: Path, *, has_deflate: bool) -> AsyncIterator[int]:
    """
    Keep our echo server running and give its port once it accepts connections.

    Its output goes to `log`: hundreds of violations on purpose would drown the
    result, and are wanted only when something went wrong.

    Raises:
        RunIncomplete: It ended by itself, or did not listen in time.
    """
    port = free_port()
    with log.open("wb") as output:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.autobahn.echo", "--port", str(port)),
            *(["--deflate"] if has_deflate else []),
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        if not await is_listening(server, port):
            raise RunIncomplete(f"the echo server did not start:\n{tail(log)}")
        yield port
        if server.returncode is not None:
            status = server.returncode
            raise RunIncomplete(f"the echo server ended ({status}):\n{tail(log)}")
    finally:
        if server.returncode is None:
            server.kill()
        await server.wait()


def free_port() -> int:
    """Find a loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def tail(log: Path) -> str:
    """Give the end of a log, where the reason stands."""
    return log.read_text(errors="replace")[-4000:]


async def is_listening(server: asyncio.subprocess.Process, port: int) -> bool:
    """Wait for `port` to be served; false if the server ended or the time is over."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + STARTUP_SECONDS
    while server.returncode is None and clock() < deadline:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            await writer.wait_closed()
            return True
    return False


async def run_wstest(wstest: Path, spec: Path, limit: float) -> tuple[str, int]:
    """
    Run the fuzzing client to its end; give its versions and the number of cases.

    Raises:
        RunIncomplete: It failed, took longer than `limit`, or matched no case.
    """
    process = await asyncio.create_subprocess_exec(
        *(wstest, "-m", "fuzzingclient", "-s", spec),
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    lines: list[str] = []
    try:
        async with asyncio.timeout(limit):
            await follow(process, lines)
            status = await process.wait()
    except TimeoutError:
        reached = lines[-1] if lines else "nothing"
        raise RunIncomplete(f"no end within {limit:g} s, at: {reached}") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = "\n".join(lines)
    suite = re.search(r"Testsuite Version (\S+) / Autobahn Version ([^)\s]+)", said)
    announced = re.search(r"will run (\d+) test cases", said)
    if status != 0 or suite is None or announced is None:
        raise RunIncomplete(f"wstest ended with status {status}:\n{said[-4000:]}")
    return f"{suite[1]} (autobahn {suite[2]})", int(announced[1])


async def follow(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    """
    Collect what wstest says until it ends.

    Raises:
        RunIncomplete: No case matches, in which case wstest would wait forever.
    """
    assert process.stdout is not None
    async for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip()
        lines.append(line)
        if "will run 0 test cases" in line:
            raise RunIncomplete("no case matches")


async def run_suite(
    wstest: Path,
    cases: Sequence[str],
    reports: Path,
    *,
    is_quick: bool,
    has_deflate: bool,
    limit: float,
) -> Outcome:
    """
    Put the fuzzing client on a fresh echo server and judge what comes of it.

    wstest leaves its own reports, with every octet exchanged, in `reports`.

    Raises:
        RunIncomplete: One of the two processes failed, or cases were left out.
    """
    clock = asyncio.get_running_loop().time
    with tempfile.TemporaryDirectory(prefix="autobahn-") as scratch:
        spec = Path(scratch) / "fuzzingclient.json"
        log = Path(scratch) / "echo.log"
        async with echo_server(log, has_deflate=has_deflate) as port:
            server = {"agent": AGENT, "url": f"ws://127.0.0.1:{port}"}
            wanted = {
                "outdir": str(reports),
                "servers": [server],
                "cases": list(cases),
                "exclude-cases": [PERFORMANCE] if is_quick else [],
                "exclude-agent-cases": {},
            }
            spec.write_text(json.dumps(wanted), encoding="utf-8")
            started = clock()
            suite, announced = await run_wstest(wstest, spec, limit)
            seconds = clock() - started
    judged = read_cases(reports / "index.json", AGENT)
    # As soon as it cannot connect wstest skips what is left and ends with status 0,
    # so a server that died halfway would pass unnoticed.
    if len(judged) != announced:
        raise RunIncomplete(f"only {len(judged)} of {announced} cases were run")
    patterns = " ".join(cases) + (f" without {PERFORMANCE}" if is_quick else "")
    suffix = ", permessage-deflate offered" if has_deflate else ""
    return Outcome(suite, f"`{patterns}`{suffix}", judged, seconds)


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, prog="tests.autobahn.run")
    option = parser.add_argument
    option("--wstest", type=Path, required=True, help="path of the wstest executable")
    option("--cases", nargs="+", default=["*"], metavar="CASE", help="'7.*' or 6.4.1")
    option("--quick", action="store_true", help="leave out the performance cases, 9.*")
    option(
        "--deflate", action="store_true", help="offer permessage-deflate: 12.*, 13.*"
    )
    option("--write", action="store_true", help=f"write {DOCUMENT.relative_to(ROOT)}")
    option("--reports", type=Path, help="keep the reports of wstest in this directory")
    option("--limit", type=float, default=DEFAULT_LIMIT_SECONDS, metavar="SECONDS")
    return parser.parse_args()


def main() -> int:
    """Run, print the table, write the page when asked; give the exit status."""
    chosen = parse_arguments()
    with tempfile.TemporaryDirectory(prefix="autobahn-reports-") as scratch:
        reports: Path = (chosen.reports or Path(scratch)).resolve()
        # An earlier run's index must not be taken for this one's.
        (reports / "index.json").unlink(missing_ok=True)
        run = run_suite(
            chosen.wstest,
            chosen.cases,
            reports,
            is_quick=chosen.quick,
            has_deflate=chosen.deflate,
            limit=chosen.limit,
        )
        try:
            outcome = asyncio.run(run)
        except (RunIncomplete, OSError) as problem:
            sys.stderr.write(f"{problem}\n")
            return 2
    sys.stdout.write(table_of_groups(outcome.cases))
    sys.stdout.write("\nNeither OK nor unimplemented:\n\n")
    sys.stdout.write(list_of_exceptions(outcome.cases))
    if chosen.write:
        DOCUMENT.write_text(render_document(outcome, ROOT), encoding="utf-8")
    return 1 if outcome.has_failed else 0


if __name__ == "__main__":
    sys.exit(main())
