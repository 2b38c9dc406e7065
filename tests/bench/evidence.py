#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""What an export costs: an invented night with many sources, its report, bundle and check.

  tests/bench/evidence.py [PROVEN [UNPROVEN]]     300,000 and 2,700,000 unless told otherwise
  tests/bench/evidence.py live [SOURCES [SECONDS]]   a flood of 3,000,000 sources for 60 s instead, through
                                                     the program and the recorder, in namespaces

Needs `make lab`; live also root. Prints seconds, CPU seconds and the most memory each step took."""

import glob
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("O", "build"))
sys.path.insert(0, os.path.join(ROOT, "tests", "lib"))
import lab  # noqa: E402
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


def record(box):
    with open(glob.glob(box.run_dir + "/recorder-*")[0], encoding="utf-8") as f:
        return json.load(f)


def used(pid):
    """CPU seconds of a process, and MiB it has had at most."""
    with open("/proc/%d/stat" % pid, encoding="utf-8") as f:
        stat = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        most = [int(line.split()[1]) >> 10 for line in f if line.startswith("VmHWM")][0]
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), most


def live(sources, seconds):
    with lab.Lab("evidence") as box:
        policy = os.path.join(box.dir, "policy.yaml")
        with open(policy, "w", encoding="utf-8") as f:
            f.write("sampling: {rate: 50}\n")
        p = box.daemon("--policy", policy, box.iface, "--sources4", "4M", small=False)
        assert lab.until(lambda: (box.fwj("status", check=False).get("recording") or {}).get("ok")), p.said()
        box.fw("budget", "set", "newcomers4", "4M/s")
        box.fw("limit", "set", "udp", "1/m", "burst", "1")
        box.fw("service", "add", "open", "--to", lab.SRV4, "--udp", "9")
        number = box.fwj("incident", "open")["incident"]
        before = used(p.pid)[0]
        flood = box.flood("udp", sources=sources, **{"from": "60.0.0.1"}, port=9, seconds=seconds, fast=True)
        for _ in range(seconds // 5):
            time.sleep(5)
            r, (cpu, most) = record(box), used(p.pid)
            print("%8d sources, %d packets in no account, history %d KiB, log %d KiB, CPU %.1f s, memory "
                  "%d MiB with maps" % (r["sources"], r["ledger_lost"], r["bytes"] >> 10,
                                        r["log_bytes"] >> 10, cpu - before, most), flush=True)
        print(flood.result())
        before, start = used(p.pid)[0], time.monotonic()
        box.fw("incident", "close", number)
        assert lab.until(lambda: box.fwj("incident", "show", number)["sources_complete"], 600)
        print("close      %6.1f s, CPU %6.1f s" % (time.monotonic() - start, used(p.pid)[0] - before))
        for what, end in (("report", "html"), ("export", "tar")):
            step(what, lab.FLOODWALL, "incident", what, str(number), "--to", box.dir + "/x." + end, env=box.env())
        p.terminate()
        p.wait(60)


if __name__ == "__main__":
    if sys.argv[1:2] == ["live"]:
        live(*(list(map(int, sys.argv[2:])) + [3000000, 60][len(sys.argv) - 2:]))
    else:
        main()
