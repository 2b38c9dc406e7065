# SPDX-License-Identifier: GPL-2.0-only
"""Limits, blocks, lanes and modes, with packets of one source or of a few: other files of tests run
meanwhile."""

import time

import pytest

import lab
from lab import until

LIMITS = [
    ("udp", "udp", "source_udp"),
    ("icmp", "icmp", "source_icmp"),
    ("syn", "syn", "source_syn"),
    ("fragments", "frag", "source_fragments"),
    ("packets", "udp", "source_packets"),
    ("bytes", "udp", "source_bytes"),
]


@pytest.fixture(scope="module")
def limited():
    """One attached lab for all limits: each comes with a source of its own, and is taken away again."""
    with lab.Lab("limits") as one:
        one.attach()
        yield one


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("kind, mode, reason", LIMITS)
def test_limit_holds_and_is_tuned_live(limited, kind, mode, reason, v6):
    """One source: never more than burst + rate x time passes; a new limit counts from the next
    packet on; taken away, everything passes."""
    box, who = limited, LIMITS.index((kind, mode, reason))
    unit = 500 if kind == "bytes" else 1  # 1000 frames of 60 bytes are beyond either
    src = dict(sources=1, start=("2a00:%x::" if v6 else "45.0.%d.9") % who, v6=v6, port=9)
    rate, burst = 20 * unit, 40 * unit
    box.fw("limit", "set", kind, "%d/s" % rate, "burst", burst)
    field = "bytes" if kind == "bytes" else "packets"

    def flood(count):
        box.quiet()
        before, packets = box.reasons(field), box.counted()
        f = box.flood(mode, pps=1000, count=count, **src).result()
        box.arrived(packets, f)
        took = time.monotonic() - f["first_ns"] / 1e9  # the last ones may have waited in the ring
        moved = lab.minus(box.reasons(field), before)
        passed = sum(moved.get(n, 0) for n in ("newcomer", "source_ok", "crowd_ok"))
        return passed, moved, took

    passed, moved, took = flood(1000)
    tick = 0.02
    assert passed <= burst + rate * (took + tick), moved
    assert passed >= 0.9 * burst, moved
    assert moved.get(reason), moved
    box.fw("limit", "set", kind, "%d/s" % (4 * rate), "burst", 4 * burst)
    more, moved, took = flood(1000)
    assert more <= 4 * (burst + rate * (took + tick)), moved
    assert more > passed, "the wider limit did not count"
    box.fw("limit", "set", kind, "off")
    _, moved, _ = flood(50)
    assert reason not in moved


def test_block_expires_by_itself(box):
    """No command and no daemon runs between the block and its end."""
    box.nginx()
    box.attach()
    for life in (4, 16, 64):  # long enough for this machine to look while it lasts
        ends = time.monotonic() + life
        box.fw("block", "add", lab.KNOWN4, "--for", "%ds" % life, "--why", "a test")
        seen = box.fwj("block", "list")["prefixes"]
        before = box.reasons().get("blocked", 0)
        r = box.voters(sources=1, rate=20, seconds=1, timeout_ms=500).result()
        if time.monotonic() < ends:
            break
    assert [p["prefix"] for p in seen] == [lab.KNOWN4 + "/32"] and seen[0]["why"] == "a test"
    assert r["served"] == 0 and r["tried"] >= 10, r
    assert until(lambda: box.reasons().get("blocked", 0) - before >= r["tried"]), (box.reasons(), r)
    assert until(lambda: box.voters(sources=1, rate=20, seconds=0.1, timeout_ms=500).result()[
        "served"], 120), "the block never ended"
    assert box.fwj("block", "list")["prefixes"] == []


def test_lanes_win_in_their_order(box):
    box.attach()
    src = dict(sources=1, start="45.0.0.5", port=9, pps=1000, count=200)

    def reason():
        box.quiet()
        before = box.counted()
        moved = box.arrived(before, box.flood("udp", **src).result())
        return max(moved, key=moved.get)

    box.fw("class", "new", "carriers")
    box.fw("class", "add", "carriers", "45.0.0.0/16")
    assert reason() in ("newcomer", "source_ok")
    box.fw("block", "add", "45.0.0.0/24")
    assert reason() == "blocked"
    box.fw("trust", "add", "45.0.0.5")
    assert reason() == "trusted"
    box.fw("manage", "add", "45.0.0.0/20")
    assert reason() == "management"
    box.fw("manage", "flush")
    box.fw("trust", "del", "45.0.0.5")
    assert reason() == "blocked"
    box.fw("block", "flush")
    assert reason() in ("newcomer", "source_ok")


def test_monitor_drops_nothing(box):
    """Counts what enforce would drop, and the server's stack gets every packet."""
    box.attach("--monitor")
    assert box.fwj("mode")["mode"] == "monitor"
    box.fw("block", "add", "45.0.0.0/24")
    before = box.counted()
    f = box.flood("udp", sources=100, start="45.0.0.1", port=9, pps=20000, count=5000).result()
    sent = sum(box.arrived(before, f).values())
    doc = box.fwj("stats")
    total = doc["total"]
    assert total["drop_packets"] == 0 and total["tx_packets"] == 0
    assert total["would_packets"] >= sent

    def no_ports():
        stack = box.inside(box.srv, "cat", "/proc/net/snmp").stdout
        udp = [l.split() for l in stack.splitlines() if l.startswith("Udp:")]
        return int(udp[1][udp[0].index("NoPorts")])
    assert until(lambda: no_ports() == sent), (no_ports(), sent)  # counted first, then handed on
    box.fw("mode", "enforce")
    before = box.counted()
    f = box.flood("udp", sources=100, start="45.0.0.1", port=9, pps=20000, count=1000).result()
    sent = sum(box.arrived(before, f).values())
    assert box.fwj("stats")["total"]["drop_packets"] == sent > 0


def test_doctor_says_which_proof_fits(box):
    """Before an attack, not in it; and the command it prints mends the finding."""
    box.attach()

    def cookies():
        return [c for c in box.fwj("doctor", check=False)["findings"] if "syncookies" in str(c)][0]

    box.sysctl(box.srv, net__ipv4__tcp_syncookies=1)
    finding = cookies()
    assert finding["level"] != "ok"
    command = finding["mend"].split()
    box.inside(box.srv, *command)
    assert cookies()["level"] == "ok"


def test_watch_tells_quiet_from_never(box):
    """A look after which nothing came does not say that nothing ever did."""
    box.attach()
    box.flood("udp", sources=1, start="45.0.0.9", port=9, pps=200, seconds=0.2).result()
    box.quiet()
    assert "45.0.0.9" in box.fw("source", "top").stdout
    p = box.popen_fw("source", "top", "--watch=0.1")
    said = next(line for line in p.stdout if line.startswith("no source"))
    p.terminate()
    assert p.wait(timeout=60) == 0
    assert said.rstrip() == "no source was counted since the last look"
