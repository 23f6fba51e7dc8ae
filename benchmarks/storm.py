"""
What a storm of notifications for one person costs those who chat.

`python -m benchmarks.storm`: the same direct messages are measured twice, on a quiet
server and while a process on the server's core plans and delivers ten thousand
notifications for one person.
"""

import asyncio
import subprocess
import sys

from benchmarks.direct import measure_direct
from benchmarks.stage import choose_cores, on_core, set_stage

_SECONDS = 15.0
_PAIRS = 20


def _main() -> None:
    cores = choose_cores()
    with set_stage(cores) as stage:
        with on_core(cores.load):
            quiet = asyncio.run(measure_direct(stage, _PAIRS, 1, _SECONDS))
        with on_core(cores.server):
            storm = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.storming", stage.database_url],
                stdout=subprocess.PIPE,
                text=True,
            )
        with on_core(cores.load):
            stormy = asyncio.run(measure_direct(stage, _PAIRS, 1, _SECONDS))
        became, _ = storm.communicate()
    print("quiet ", quiet)
    print("stormy", stormy)
    print(became)


if __name__ == "__main__":
    _main()
