"""
What a storm of notifications costs those who chat.

`python -m benchmarks.storm [person|everyone]`: the same direct messages are measured
twice, on a quiet server and while a process on the server's core tells one person of
ten thousand things, or a hundred thousand people of one.
"""

import asyncio
import subprocess
import sys

from benchmarks.direct import measure_direct
from benchmarks.stage import choose_cores, on_core, set_stage
from benchmarks.storming import STORMS

_SECONDS = 15.0
_PAIRS = 20


def _main(kind: str) -> None:
    cores = choose_cores()
    with set_stage(cores) as stage:
        with on_core(cores.server):
            storm = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.storming", kind, stage.database_url],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert storm.stdout is not None
        assert storm.stdin is not None
        # It makes its people, then waits for a word.
        storm.stdout.readline()
        with on_core(cores.load):
            quiet = asyncio.run(measure_direct(stage, _PAIRS, 1, _SECONDS))
        before = stage.server_peak_megabytes()
        storm.stdin.write("\n")
        storm.stdin.flush()
        with on_core(cores.load):
            stormy = asyncio.run(measure_direct(stage, _PAIRS, 1, _SECONDS))
        became, _ = storm.communicate()
        after = stage.server_peak_megabytes()
    assert quiet.p50_ms
    assert quiet.p99_ms
    assert stormy.p50_ms
    assert stormy.p99_ms
    print("quiet ", quiet)
    print("stormy", stormy)
    print(
        f"p50 x{stormy.p50_ms / quiet.p50_ms:.1f},"
        f" p99 x{stormy.p99_ms / quiet.p99_ms:.1f};"
        f" the server's memory at its peak {before} -> {after} MB"
    )
    print(became)


if __name__ == "__main__":
    chosen = sys.argv[1] if len(sys.argv) > 1 else "person"
    if chosen not in STORMS:
        sys.exit(f"Choose one of {', '.join(STORMS)}.")
    _main(chosen)
