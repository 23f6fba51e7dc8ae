"""
How fast it is, beside what this machine can do at all: `python -m benchmarks`.

Read `stage` (what is measured runs there), `sockets` (who measures), `direct` and
`fanout` (what is measured), `yardsticks` (what it is compared with), `report`.
"""
