# SPDX-License-Identifier: GPL-2.0-only
"""A carrier's NAT: thousands of voters behind one address, each proven as a connection, all judged by
their class's limits, while strangers flood."""

import pytest

import lab

NAT4, NAT6 = "41.82.8.1", "2c0f:fe38:6008::1"
RATE, SECONDS = 400, 5


def own_class(box, v6):
    box.watch("carrier", NAT6[:-1] + "/64" if v6 else NAT4 + "/32")
    for kind, rate in (("syn", "2k/s"), ("packets", "200k/s"), ("bytes", "200MB/s")):
        box.fw("limit", "set", kind, rate, "burst", rate.split("/")[0], "--class", "carrier")


def night(box, v6, pps):
    """Everybody behind the NAT wants the page; returns how they fared, the flood, and the part of it
    that this machine lost outside the filter."""
    before = box.lost_by_machine()
    storm = box.flood("syn", v6=v6, sources=0, pps=pps, seconds=SECONDS + 1, fast=True)
    r = box.voters("carrier", v6=v6, start=NAT6 if v6 else NAT4, sources=1, rate=RATE,
                   seconds=SECONDS, timeout_ms=4000).result()
    storm = storm.result()
    return r, storm, (box.lost_by_machine() - before) / storm["sent"]


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("known", [True, False], ids=["class", "default"])
def test_thousands_behind_one_address(box, capacity, v6, known, figure):
    """In a class of their own not one packet of theirs is dropped. In the default class too many of
    their SYNs come at once: those are answered with cookies, and still nobody is shut out or banned."""
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.nginx()
    box.attach()
    if known:
        own_class(box, v6)
    served = 0
    for part in (4, 8, 16):  # a cookie costs more than a drop: how much more differs
        r, storm, lost = night(box, v6, int(capacity / part))
        served += r["served"]
        if lost <= lab.LOST_MAX:
            break
    figure("behind one address, %s, %s: %d of %d served under %d SYN/s" % (
        "IPv6" if v6 else "IPv4", "a class of its own" if known else "default class", r["served"],
        r["tried"], storm["pps"]))
    assert box.fwj("ban", "list")["bans"] == []
    if known:
        passed, dropped = box.watched("carrier")
        assert passed > 4 * served and dropped == 0, (passed, dropped)
    if r["served"] < 0.99 * r["tried"] and lost > lab.LOST_MAX:
        pytest.skip("nobody was banned, but this machine lost %.1f %% of the flood" % (100 * lost))
    assert lab.came_through(r["served"], r["tried"], lost), (r, lost, box.reasons())
