# SPDX-License-Identifier: GPL-2.0-only
"""What the controller costs while it watches a flood of millions of sources: memory has a bound that
is held; time is measured and printed, with the same controller's cost on empty tables beside it. And
that no counter falls meanwhile."""

import os
import time

import pytest
from lab import until
from test_metrics import get, samples, served, total  # noqa: F401


def scrapes(box, n=5):
    """Median seconds that a reading took in the controller, by its own clock."""
    took = []
    for _ in range(n):
        time.sleep(0.3)  # not the copy of the one before
        took.append(total(samples(get(box)[2]), "floodwall_scrape_duration_seconds"))
    return sorted(took)[n // 2]


def cpu(p):
    """Seconds on a CPU, all threads; /proc/PID/stat would count in hundredths."""
    ns = 0
    for task in os.listdir("/proc/%d/task" % p.pid):
        with open("/proc/%d/task/%s/schedstat" % (p.pid, task), encoding="ascii") as f:
            ns += int(f.read().split()[0])
    return ns / 1e9


def memory(p):
    """Bytes besides the maps: everything resident that is not a view of a BPF map."""
    kib = maps = 0
    with open("/proc/%d/smaps" % p.pid, encoding="ascii", errors="replace") as f:
        for line in f:
            if line[0] in "0123456789abcdef" and "-" in line.split()[0]:
                maps = "bpf-map" in line
            elif line.startswith("Rss:") and not maps:
                kib += int(line.split()[1])
    return kib << 10


QUIET = """\
interfaces:
  web0: native
recording:
  enabled: %s
services:
  host:
    crowd: {syn: none, packets: none, bytes: none}
    network: {syn: none, packets: none, bytes: none}
budgets:
  newcomers4: none
"""
# More seconds of flood fill the tables further, and measure without the recorder, too.
SECONDS = float(os.environ.get("FLOODWALL_COST_SECONDS", "5"))


@pytest.mark.parametrize("recording", ["off", "on"] if SECONDS > 5 else ["on"])
def test_cost_under_a_flood_of_sources(box, figure, recording):
    path = os.path.join(box.dir, "policy.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write(QUIET % recording)
    p = box.daemon("--policy", path, small=False)
    assert until(lambda: "is ready" in p.said()), p.said()
    box.ip(box.srv, "link set lo up")
    empty = scrapes(box)
    flood = box.flood("udp", sources=4000000, start="45.0.0.1", port=9, fast=True,
                      seconds=SECONDS)
    time.sleep(max(1, SECONDS - 5))
    before, start = cpu(p), time.monotonic()
    time.sleep(3.5)
    share = (cpu(p) - before) / (time.monotonic() - start)
    peak = memory(p)
    flood.result()
    told = next(t for t in box.fwj("status", check=False)["tables"] if t["name"] == "sources4")["used"]

    def sampled():
        return total(samples(get(box)[2]), "floodwall_table_entries", table="sources4")
    assert until(lambda: abs(sampled() - told) < 0.02 * told), (sampled(), told)
    sources = sampled()
    full = scrapes(box)
    figure("controller, recording %s, %.2f M sources: scrape %.2f ms (empty tables: %.2f ms), %.2f "
           "%% of a CPU under the flood, %.1f MiB besides the maps" %
           (recording, sources / 1e6, full * 1e3, empty * 1e3, share * 100, peak / (1 << 20)))
    assert sources > 5e4, "the flood did not fill the table"
    assert peak < 32 << 20


def test_no_counter_falls(box, served):  # noqa: F811
    """While a class of its own is flooded and the policy changes again and again. What is left for the
    default class, which sent before, is reckoned from counters that move meanwhile."""
    box.fw("class", "new", "cgnat")
    box.fw("class", "add", "cgnat", "45.0.0.0/8")
    box.flood("udp", sources=100, start="46.0.0.1", port=9, pps=50000, seconds=1).result()
    flood = box.flood("udp", sources=1000, start="45.0.0.1", port=9, pps=400000, seconds=120)
    last, fell = {}, []
    for i in range(48):
        box.fw("limit", "set", "udp", "%d/s" % (100 + i))
        time.sleep(0.3)  # a reading is given out for a quarter of a second
        now = samples(get(box)[2])
        fell += [(key, last[key], now[key]) for key in now
                 if key[0].endswith("_total") and now[key] < last.get(key, 0)]
        last.update(now)
    flood.stop()
    assert not fell, fell
    assert total(last, "floodwall_class_packets_total", **{"class": "default"}) > 0
