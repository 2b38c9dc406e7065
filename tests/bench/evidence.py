#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What an export costs: an invented night with many sources, its report, bundle and check.

  tests/bench/evidence.py [PROVEN [UNPROVEN]]     300,000 and 2,700,000 unless told otherwise

Needs `make lab`; no root. Prints seconds, CPU seconds and the most memory each step took."""

import os
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("O", "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import mmdb  # noqa: E402


def step(name, *argv, env):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%-10s %6.1f s, CPU %6.1f s, memory of the largest so far %d MiB" % (
        name, time.monotonic() - start,
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        after.ru_maxrss >> 10), flush=True)


def main():
    proven, other = (sys.argv[1:] + ["300000", "2700000"][len(sys.argv) - 1:])[:2]
    floodwall = os.path.join(BUILD, "floodwall")
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, FLOODWALL_HISTORY=folder + "/history.db")
        # Every /20 a network of its own: some hundred files for providers.
        mmdb.write(folder + "/asn.mmdb", "Test-ASN", {
            "41.%d.%d.0/20" % (80 + i // 16, i % 16 * 16): {
                "autonomous_system_number": 64512 + i,
                "autonomous_system_organization": "Network %d" % i} for i in range(800)})
        print("%s proven sources, %s others" % (proven, other))
        step("night", os.path.join(BUILD, "tests/netns/night"), folder + "/history.db", "flood", proven,
             other, env=env)
        print("history    %d MiB" % (os.path.getsize(folder + "/history.db") >> 20))
        step("report", floodwall, "incident", "report", "1", "--to", folder + "/r.html", env=env)
        step("export", floodwall, "incident", "export", "1", "--to", folder + "/night.tar", "--asn",
             folder + "/asn.mmdb", env=env)
        print("bundle     %d MiB" % (os.path.getsize(folder + "/night.tar") >> 20))
        step("verify", floodwall, "incident", "verify", folder + "/night.tar", env=env)
        step("compare", floodwall, "incident", "compare", "1", folder + "/night.tar", env=env)


if __name__ == "__main__":
    main()
