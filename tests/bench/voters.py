#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-only
"""The live row: a real nginx, voters who were there before and voters who come during the flood, and
the generator at its full rate, for floodwall and for what people use instead. One receive queue on
one CPU. Adds its rows to bench.json.

  tests/bench/voters.py [--rounds N] [--seconds S] [--json FILE]
"""

import argparse
import contextlib
import os
import statistics
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import bench_json  # noqa: E402
import lab as labs  # noqa: E402

PATIENCE_MS, SOON_MS = 10000, 3000  # who waits longer has left; within 3 s it is no bad night
LIMIT = 200  # packets a second and source, for everything that has such a limit

NFT_METER = """
table netdev bench {
    set seen { type ipv4_addr; size 65535; flags dynamic,timeout; timeout 60s; }
    chain in {
        type filter hook ingress device "%s" priority 0;
        update @seen { ip saddr limit rate over %d/second burst 50 packets } drop
    }
}
"""
NFT_SYNPROXY = """
table ip bench {
    chain early { type filter hook prerouting priority raw; tcp dport 80 tcp flags syn notrack; }
    chain in {
        type filter hook input priority filter;
        tcp dport 80 ct state invalid,untracked synproxy mss 1460 wscale 7 timestamp sack-perm
        ct state invalid drop
    }
}
"""


def nothing(lab):
    lab.sysctl(lab.srv, net__ipv4__tcp_syncookies=0)


def kernel_cookies(lab):
    lab.sysctl(lab.srv, net__ipv4__tcp_syncookies=1)


def nft_meter(lab):
    lab.inside(lab.srv, "nft", "-f", "-", input=NFT_METER % (lab.iface, LIMIT))


def nft_synproxy(lab):
    lab.inside(lab.srv, "nft", "-f", "-", input=NFT_SYNPROXY)
    lab.sysctl(lab.srv, net__netfilter__nf_conntrack_tcp_loose=0)


def hashlimit(lab):
    lab.inside(lab.srv, "iptables", "-t", "raw", "-A", "PREROUTING", "-i", lab.iface, "-m",
               "hashlimit", "--hashlimit-name", "bench", "--hashlimit-mode", "srcip",
               "--hashlimit-above", "%d/sec" % LIMIT, "--hashlimit-burst", "50",
               "--hashlimit-htable-size", "65536", "--hashlimit-htable-max", "65536", "-j", "DROP")


def floodwall(lab):
    lab.sysctl(lab.srv, net__ipv4__tcp_syncookies=2)
    lab.attach("--sources4", "1M", "--sources6", "64k")
    lab.fw("service", "add", "web", "--tcp", "80")


def floodwall_stamps(lab):
    """Cookies with time stamps: who had to repeat his SYN has measured the way all the same, and
    repeats a lost request after 0.2 s instead of 3 (RFC 6298 section 5.7)."""
    lab.sysctl(lab.srv, net__ipv4__tcp_timestamps=2)
    floodwall(lab)


def bare(lab):
    lab.foreign(lab.srv, lab.iface, "drop")


# In the order of the table. xdp-filter has no answer to sources that it does not know.
SYSTEMS = [("bare XDP_DROP", bare), ("no filter", nothing), ("kernel SYN cookies", kernel_cookies),
           ("nftables meter", nft_meter), ("nftables SYNPROXY", nft_synproxy),
           ("hashlimit", hashlimit), ("floodwall", floodwall),
           ("floodwall, stamps", floodwall_stamps)]
FLOODS = [("syn", "random SYN"), ("udp", "random UDP")]


def threads():
    """NAPI threads of all labs there are; their names do not tell whose they are."""
    return {p for dev in ("web0", "isp0") for p in labs.napi_threads(dev)}


def first_among_equals(mine):
    """The receiving threads stand for interrupts, which nothing on a machine can hold up."""
    for pid in mine:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, -20)


def one(name, set_up, mode, seconds, pps):
    """One flood against one system: what the voters saw, and what the interface handled."""
    others = threads()
    with labs.Lab("bench") as lab:
        first_among_equals(threads() - others)
        if set_up is not bare:
            lab.nginx()
        set_up(lab)
        if set_up is not bare:
            lab.voters(rate=100, seconds=1).result()  # now they are known
        flood = lab.flood(mode, fast=True, pps=pps, seconds=seconds + 2 + PATIENCE_MS / 1000)
        time.sleep(0.5)
        before, since = lab.links()["rx"]["packets"], time.monotonic()
        waits = {"rate": 20, "seconds": seconds, "timeout_ms": PATIENCE_MS, "soon_ms": SOON_MS}
        jobs = [] if set_up is bare else [lab.voters("known", **waits),
                                          lab.voters("newcomers", fresh=True, **waits)]
        time.sleep(seconds)
        handled = lab.links()["rx"]["packets"] - before
        took = time.monotonic() - since
        seen = [j.result() for j in jobs]  # the flood goes on until the last of them is through
        sent = flood.stop()
        out = {"system": name, "pps": handled / took, "sent": handled,
               "offered": (sent["sent"] + sent["ring_full"]) / sent["seconds"]}
        for v in seen:
            out[v["name"]] = v
        return out


def percent(v, what="served"):
    return 100.0 * v[what] / v["tried"] if v["tried"] else 0.0


def summary(results, path, name):
    mine = [r for r in results if r["system"] == name]
    row = {"path": path, "system": name, "sources": int(statistics.median(r["sent"] for r in mine)),
           "cpus": 1, "rounds": len(mine)}
    ns = [1e9 / max(r["pps"], 1.0) for r in mine]
    row.update(median_ns=round(statistics.median(ns), 1), min_ns=round(min(ns), 1),
               max_ns=round(max(ns), 1), budget_ns=None,
               pps=round(statistics.median(r["pps"] for r in mine)),
               offered_pps=round(statistics.median(r["offered"] for r in mine)))
    for who in ("known", "newcomers"):
        if who in mine[0]:
            row[who + "_served_pct"] = round(statistics.median(percent(r[who]) for r in mine), 1)
            row[who + "_served_min_pct"] = round(min(percent(r[who]) for r in mine), 1)
            row[who + "_soon_pct"] = round(
                statistics.median(percent(r[who], "soon") for r in mine), 1)
            row[who + "_p50_ms"] = round(statistics.median(r[who]["p50_ms"] for r in mine), 1)
            row[who + "_p99_ms"] = round(statistics.median(r[who]["p99_ms"] for r in mine), 1)
    return row


def print_rows(title, rows):
    print("\n" + title)
    print("%-19s %9s %9s   %-29s %-29s" % ("system", "offered/s", "handled/s",
                                          "known voters", "newcomers"))
    for r in rows:
        cells = ["%5.1f (%3.0f) %5.1f %% %5.0f/%5.0f ms" % (
            r[w + "_served_pct"], r[w + "_served_min_pct"], r[w + "_soon_pct"], r[w + "_p50_ms"],
            r[w + "_p99_ms"])
            if w + "_served_pct" in r else "-" for w in ("known", "newcomers")]
        print("%-19s %9d %9d   %-29s %-29s" % (r["system"], r["offered_pps"], r["pps"], *cells))
    print("served within 10 s: median (worst round), and within 3 s; latency of the served: median/99th "
          "percentile\nstamps: net.ipv4.tcp_timestamps 2, else 1")


def budgets(rows, path):
    for r in rows:
        if not r["system"].startswith("floodwall"):
            continue
        for who in ("known", "newcomers"):
            got = r[who + "_served_pct"]
            print("%s, %s, %s served: goal >= 99 %%, measured %.1f %%: %s" %
                  (path, r["system"], who, got, "met" if got >= 99 else "MISSED"))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=float, default=4)
    p.add_argument("--pps", type=int, default=2000000, help="offered; 0 = all that it can")
    p.add_argument("--json", default=os.path.join(labs.BUILD, "bench.json"))
    p.add_argument("--system", action="append", help="only these")
    o = p.parse_args()
    labs.default_signals()
    with contextlib.suppress(OSError):
        os.nice(-20)  # what else runs here is no part of the question
    systems = [s for s in SYSTEMS if not o.system or s[0] in o.system]
    rows = []
    for mode, what in FLOODS:
        path, results = "live flood, " + what, []
        for n in range(o.rounds):
            for name, set_up in systems:
                if sys.stderr.isatty():
                    print("\r\033[K%s: round %d of %d: %s" % (path, n + 1, o.rounds, name), end="",
                          file=sys.stderr)
                results.append(one(name, set_up, mode, o.seconds, o.pps))
        if sys.stderr.isatty():
            print("\r\033[K", end="", file=sys.stderr)
        mine = [summary(results, path, name) for name, _ in systems]
        base = next((r["median_ns"] for r in mine if r["system"] == "bare XDP_DROP"), None)
        for r in mine:
            r["over_bare_ns"] = round(r["median_ns"] - base, 1) if base else 0
        print_rows(path + ", %s, one receive queue on one CPU" %
                   ("%.1f Mpps" % (o.pps / 1e6) if o.pps else "unpaced"), mine)
        budgets(mine, path)
        rows += mine
    bench_json.save(o.json, rows, lambda r: r["path"].startswith("live flood"))


if __name__ == "__main__":
    try:
        main()
    except labs.LabError as e:
        print("bench: live flood: %s" % e, file=sys.stderr)
        sys.exit(1)
