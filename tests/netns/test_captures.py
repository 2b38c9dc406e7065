# SPDX-License-Identifier: GPL-2.0-only
"""Real floods replayed at the server, at their own pace and compressed to one second: what reaches
the server's stack is within the budgets, and every packet is counted. Figures are printed."""

import glob
import os
import time

import pytest

import lab

FOLDER = os.path.join(lab.ROOT, "../shared/captures/attack")
CAPTURES = sorted(os.path.basename(p) for p in glob.glob(FOLDER + "/*.pcap")) or [None]


def budgets(box):
    return box.fwj("budget", "show")["services"]["web"]


@pytest.mark.parametrize("compressed", [False, True], ids=["own-pace", "one-second"])
@pytest.mark.parametrize("capture", CAPTURES)
def test_attack_capture(make_lab, figure, capture, compressed):
    if not capture:
        pytest.skip("no captures in ../shared/captures/attack")
    box = make_lab(mtu=9000)  # some captured frames were put together by the card
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.nginx()
    box.attach()
    box.fw("service", "add", "web", "--to", "%s,%s" % (lab.SRV4, lab.SRV6), "--tcp", "80", "--closed")
    # Slow captures in their own time would take minutes; five seconds say the same of a limit.
    box.quiet()
    before = box.counted()
    f = box.flood(pcap=os.path.join(FOLDER, capture), own_clock=True,
                  to_port=True,
                  seconds=1 if compressed else 5).result()
    moved = box.arrived(before, f, others=True)  # whose addresses were spoofed
    took = time.monotonic() - f["first_ns"] / 1e9  # the last ones may have waited in the ring
    arrived = sum(moved.values())
    assert arrived
    passing = {r["reason"] for r in box.fwj("stats")["reasons"] if r["verdict"] == "pass"}
    passed = sum(n for r, n in moved.items() if r in passing)
    figure("%s, %d packets in %.1f s: %.2f %% passed; %s" %
           (capture, arrived, f["seconds"], 100 * passed / arrived,
            ", ".join("%s %d" % m for m in sorted(moved.items(), key=lambda m: -m[1]))))
    if "UDP" in capture or "dns" in capture:
        assert moved.get("unspoken", 0) + moved.get("reflected", 0), "the service speaks no UDP"
    b = budgets(box)
    kind = "syn" if "syn" in capture.lower() and "SYNACK" not in capture else "packets"
    budget = b[kind]["burst"] + b[kind]["count"] * (took + 0.02)
    assert passed <= budget + 0.001 * arrived, moved
