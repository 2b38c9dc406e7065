# SPDX-License-Identifier: GPL-2.0-only
"""Voters behind VLAN tags, one and two, on a kernel that has VLAN devices: a pair of veth inside the
guest, tagged at both ends, the filter on the untagged device below."""

import json

import pytest

import lab

TAGS = {"vlan": (7,), "qinq": (100, 7)}


def devices(base, tags):
    """Lines of ip that put tagged devices on base, and the name of the last."""
    lines, dev = [], base
    for tag, proto in zip(tags, ("802.1ad", "802.1Q") if len(tags) > 1 else ("802.1Q",)):
        lines += ["link add link %s name %s.%d type vlan proto %s id %d" % (dev, dev, tag, proto, tag),
                  "link set %s.%d mtu 1500 up" % (dev, tag)]
        dev = "%s.%d" % (dev, tag)
    return lines, dev


@pytest.fixture(params=list(TAGS), scope="module")
def tagged(request, guest):
    """A tagged pair: ts here with the filter on it, tw in namespace w, where the voters are."""
    tags = TAGS[request.param]
    guest.run("ip netns add w; ip link add ts address 02:00:00:00:77:01 type veth peer name tw "
              "address 02:00:00:00:77:02 netns w")
    for where, base, n in (("", "ts", 1), ("ip netns exec w ", "tw", 2)):
        # A tag must be in the frame: one beside it is lost on an answer from the driver.
        off = ("ethtool -K %s tx off gso off tso off gro on txvlan off rxvlan off "
               "tx-vlan-stag-hw-insert off rx-vlan-stag-hw-parse off" % base)
        lines, dev = devices(base, tags)
        guest.run(where + off)
        for line in ["link set %s mtu 1508 up" % base] + lines + [
                "addr add 10.77.0.%d/24 dev %s" % (n, dev), "addr add fd77::%d/64 dev %s nodad" % (n, dev)]:
            guest.run(where + "/own/ip " + line)
        guest.run(where + "ethtool -K %s tx off gso off tso off" % dev, check=False)
        if n == 2:  # every voter has an address of its own, none seen before
            guest.run(where + "sysctl -qw net.ipv6.ip_nonlocal_bind=1")
            guest.run(" && ".join(where + "/own/ip " + line for line in (
                # Without a program at the other end a veth forgets to say that XDP_TX sent something.
                "link set dev tw xdpdrv obj /obj/pass.bpf.o sec xdp.frags",
                "link set lo up", "route add local %s dev lo" % lab.VOTERS4,
                "route add local %s dev lo" % lab.VOTERS6)))
        else:
            guest.run("ip route add 41.80.0.0/13 via 10.77.0.2; ip route add 2c0f:fe38::/32 via fd77::2")
    guest.run("sysctl -qw net.ipv4.tcp_syncookies=2; httpd -p 8077 -h /tmp/www")
    guest.fw("attach", "ts")
    guest.fw("service", "add", "tagged", "--to", "10.77.0.1,fd77::1", "--tcp", "8077")
    yield tags
    guest.fw("service", "del", "tagged")
    guest.fw("detach", "ts")
    guest.run("ip link del ts; ip netns del w; kill $(pidof httpd)", check=False)


def served(guest, addr, start, **options):
    """Share of voters' requests that were served, each from an address of its own."""
    flags = lab._flags(dict({"server": addr, "start": start, "port": 8077, "path": "/index.html",
                             "sources": 100, "rate": 4, "seconds": 1, "timeout_ms": 30000}, **options))
    r = json.loads(guest.run("ip netns exec w /own/voters " + " ".join(flags)).stdout.splitlines()[-1])
    return r["served"] / r["tried"]


def dropped(guest):
    return int(guest.run("ip netns exec w cat /sys/class/net/tw/statistics/tx_dropped").stdout)


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_voters_behind_tags_are_served_under_siege(guest, tagged, v6):
    """The cookie goes back with the tags it came with, and the page comes, flood or none."""
    addr = "fd77::1" if v6 else "10.77.0.1"
    before, lost = guest.reasons(), dropped(guest)
    start = "2c0f:fe38:%d:%%d00::1" % len(tagged) if v6 else "41.8%d.%%d.1" % len(tagged)
    assert served(guest, addr, start % 1) == 1, "calm"
    guest.fw("service", "set", "tagged", "--level", "siege")
    assert served(guest, addr, start % 2) == 1, "siege"
    moved = lab.minus(guest.reasons(), before)
    assert moved["cookie_sent"] >= 1 and moved["cookie_valid"] >= 1, moved
    assert not moved.get("other_l3"), "tags were not understood"
    guest.run("ip netns exec w /own/flood --iface tw --dst %s --dmac 02:00:00:00:77:01 --mode syn "
              "--sources 0 --port 8077 --pps 1000 --seconds 300 --vlan %s > /tmp/flood.out 2>&1 &" %
              (addr, ",".join(map(str, tagged))))
    share = served(guest, addr, start % 3, seconds=4)
    guest.run("kill -TERM $(pidof flood)")
    guest.wait_for("! pidof flood")
    sent = json.loads(guest.run("cat /tmp/flood.out").stdout)["sent"]
    moved = lab.minus(guest.reasons(), before)
    assert share == 1, (share, moved)
    came = sent - (dropped(guest) - lost)  # the sender is not told what found the ring full
    assert moved["cookie_sent"] > 0.9 * came > 400, (moved, sent, came)
    guest.fw("service", "set", "tagged", "--level", "auto")
    assert guest.splats() == []
