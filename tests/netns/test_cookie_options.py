# SPDX-License-Identifier: GPL-2.0-only
"""TCP options through a SYN cookie: what the client offered is in force on both ends."""

import re
import subprocess

import pytest

import lab

HOLD = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 5)
s.sendall(b"GET /results.html HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
while len(s.recv(65536, socket.MSG_PEEK)) < 1000: pass
print("ready", flush=True)
time.sleep(20)
"""


CONNECT = """
import socket, subprocess, sys
s = socket.create_connection((sys.argv[1], 80), 30)
subprocess.run(["ss", "-tniH", "dport = :80"])
"""
FIRST_SYN_LOST = """
table ip first {
    chain out {
        type filter hook output priority 0;
        tcp dport 80 tcp flags & (syn | ack) == syn limit rate 1/hour burst 1 packets drop
    }
}
"""


def both_ends(box, v6):
    """Options that `ss` shows for one connection, at the client and at the server."""
    server = lab.SRV6 if v6 else lab.SRV4
    p = subprocess.Popen(["nsenter", "--net=/run/netns/" + box.world, "/usr/bin/python3", "-c", HOLD,
                          server], stdout=subprocess.PIPE, text=True)
    try:
        assert p.stdout.readline() == "ready\n"
        world = box.inside(box.world, "ss", "-tnioH", "dport = :80").stdout
        srv = box.inside(box.srv, "ss", "-tnioH", "sport = :80").stdout
    finally:
        p.kill()
        p.wait()
    return world, srv


def scales(text):
    m = re.search(r"wscale:(\d+),(\d+)", text)
    return m and m.groups()


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("stamps", [1, 2])
def test_options_survive_a_cookie(box, stamps, v6):
    """With time stamps that carry no offset, window scale, SACK and time stamps are kept, and each
    end reckons with the scale that the other one uses; else a cookie keeps the MSS alone."""
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2, net__ipv4__tcp_timestamps=stamps)
    box.nginx()
    said = [f for f in box.fwj("doctor", check=False)["findings"] if f["probe"] == "cookie-options"]
    assert [f["level"] for f in said] == ["ok" if stamps == 2 else "note"], said
    box.attach()
    box.fw("service", "add", "web", "--to", "any", "--tcp", "80")
    box.fw("service", "set", "web", "--level", "siege")  # every stranger gets a cookie
    world, srv = both_ends(box, v6)
    assert box.reasons().get("cookie_sent") and box.reasons().get("cookie_valid")
    assert not box.fwj("stats")["total"]["drop_packets"], box.reasons()
    for end in (world, srv):
        assert end.startswith("ESTAB"), end
        assert (" ts " in end) == (stamps == 2), end
        assert ("sack" in end) == (stamps == 2), end
    if stamps == 2:
        assert scales(world) and scales(world) == scales(srv)[::-1], (world, srv)
    else:
        assert not scales(world) and not scales(srv), (world, srv)


def test_stamps_measure_the_way_after_a_lost_syn(box):
    """Who had to repeat his SYN takes the way to be 3 s long (RFC 6298 section 5.7) unless the time
    stamp that he sent came back with the cookie: so long he waits with a request that is lost."""
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2, net__ipv4__tcp_timestamps=2)
    box.nginx()
    box.attach()
    box.fw("service", "set", "host", "--level", "siege")
    box.inside(box.world, "nft", "-f", "-", input=FIRST_SYN_LOST)
    said = box.inside(box.world, "/usr/bin/python3", "-c", CONNECT, lab.SRV4).stdout
    assert box.reasons().get("cookie_sent") == 1, box.reasons()
    rto = re.search(r"\brto:(\d+)", said)  # ss leaves 3000 out
    assert rto and int(rto[1]) < 3000, said
