#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The paths in x86 instructions a packet, next to a bare drop. A guest whose clock moves on by a
nanosecond with every instruction that it executes runs the bench's own paths, so what the bench takes
for time there is a count: the same on a busy machine as on an idle one, to the instruction. It says
nothing of caches and of branches that were guessed wrong. Adds its rows to bench.json.

  tests/bench/instructions.py [--kernel KERNEL] [--path TEXT] [--packets N] [--json FILE]
"""

import argparse
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench_json  # noqa: E402
import lab as labs  # noqa: E402
import vm  # noqa: E402

BENCH = os.path.join(labs.BUILD, "tests/bench/bench")


class Tools(vm.Initramfs):
    binaries = vm.Initramfs.binaries + (BENCH,)


class Counting(vm.Guest):
    """One CPU and no cards. The kernel must not doubt a clock that runs in fits and starts."""

    initramfs, nics, cpus = Tools, {}, 1
    accel = "tcg,thread=single"
    machine = vm.Guest.machine + ("-icount", "shift=0,sleep=off")
    append = vm.Guest.append + " tsc=reliable mitigations=off"


def measure(o):
    """Returns the kernel's release, and a row for each path."""
    command = "bench --only paths --rounds 1 --packets %d --json /tmp/rows%s" % (
        o.packets, " --path " + vm.quote(o.path) if o.path else "")
    with Counting(o.kernel, vm.kernel(o.kernel), memory=3072) as guest:
        guest.run(command, timeout=1800)
        rows = json.loads(guest.run("cat /tmp/rows").stdout)
        return guest.release, [
            {"path": r["path"], "system": r["system"], "sources": r["sources"],
             "kernel": guest.release, "instructions": round(r["median_ns"]),
             "over_bare": round(r["over_bare_ns"])}
            for r in rows if r["system"] == "floodwall"]


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--kernel", default="6.12", help="6.1, 6.12 (the default) or sid")
    p.add_argument("--path", help="only paths whose names hold this")
    p.add_argument("--packets", type=int, default=30000, help="a path")
    p.add_argument("--json", default=os.path.join(labs.BUILD, "bench.json"))
    o = p.parse_args()
    labs.default_signals()
    release, rows = measure(o)
    print("\nx86 instructions a packet, %s\n%-46s %8s %13s %10s" %
          (release, "path", "sources", "instructions", "over bare"))
    for r in rows:
        print("%-46s %8d %13d %+10d" % (r["path"], r["sources"], r["instructions"],
                                        r["over_bare"]))
    bench_json.save(o.json, rows, lambda r: "instructions" in r)


if __name__ == "__main__":
    try:
        main()
    except (vm.NoKernel, labs.LabError, OSError) as e:
        print("bench: instructions: %s" % e, file=sys.stderr)
        sys.exit(1)
