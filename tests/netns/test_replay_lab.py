# SPDX-License-Identifier: GPL-2.0-only
"""The same capture through the filter on an interface, and through replay under the policy that
runs there: the same reasons. Spacing on the wire differs a little from the capture's, and a busy
machine loses some frames on the way, so what limits let through may differ a little, too."""

import pytest

import lab
import pcaps
from replays import T0, flood

SECONDS = 2  # that each of the captures below lasts


def every(n, pps, packet):
    return [(T0 + i / pps, packet(i)) for i in range(n)]


FLOODS = {
    "udp": every(8000, 4000, lambda i: pcaps.udp("20.9.9.%d" % (i % 20 + 1), lab.SRV4, 5000, 9)),
    "syn": every(8000, 4000, lambda i: pcaps.tcp("20.9.9.%d" % (i % 40 + 1), lab.SRV4, 1024 + i, 80,
                                                 pcaps.SYN, i)),
    "crowd": [(t + s, p[:16] + pcaps.socket.inet_aton(lab.SRV4) + p[20:]) for s in range(2)
              for t, p in flood(T0, 9000)],
    "icmp": every(6000, 3000, lambda i: pcaps.ip("20.9.9.%d" % (i % 5 + 1), lab.SRV4, 1,
                                                 b"\x08" + bytes(7))),
}


def wire(box, path):
    """The capture through the filter, in the capture's own time: what moved, or None where the machine was
    held up or lost more than a few of the packets."""
    box.attach()
    box.fw("service", "add", "web", "--to", "%s,%s" % (lab.SRV4, lab.SRV6), "--tcp", "80", "--closed")
    for kind in ("syn", "udp", "icmp"):
        box.fw("limit", "set", kind, "20/s", "burst", "40")
    box.fw("budget", "set", "syn", "1k/s", "burst", "1k", "--service", "web")
    box.quiet()
    before = box.counted()
    f = box.flood(pcap=path, own_clock=True).result()
    moved = box.arrived(before, f)
    if f["seconds"] < SECONDS * 1.05 and sum(moved.values()) > 0.95 * (f["sent"] + f["ring_full"]):
        return moved
    box.fw("detach", "--all")
    return None


@pytest.mark.parametrize("name", FLOODS)
def test_replay_says_what_the_filter_does(box, tmp_path, name):
    path = pcaps.write(tmp_path / "x.pcap", [(t, pcaps.ether(p)) for t, p in FLOODS[name]])
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.nginx()
    live = next((moved for moved in (wire(box, path) for _ in range(5)) if moved), None)
    if not live:
        pytest.skip("this machine does not keep a capture's time, five times over")
    told = {r: n for r, n in box.fwj("replay", path, "--running")["reasons"].items() if n}
    packets = len(FLOODS[name])
    assert sum(told.values()) == packets
    lost = packets - sum(live.values())
    for reason in set(live) | set(told):
        assert told.get(reason, 0) == pytest.approx(live.get(reason, 0), abs=0.03 * packets + lost + 20), \
            (reason, live, told)
