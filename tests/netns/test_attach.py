# SPDX-License-Identifier: GPL-2.0-only
"""Attaching, replacing, detaching; other people's programs; modes and sizes of packets."""

import json
import os
import subprocess
import sys

import pytest

import lab

REPLACED = 12


def program(box):
    """Id of the XDP program that the kernel runs on the server's interface, or None."""
    j = json.loads(lab.run(["ip", "-n", box.srv, "-j", "link", "show", box.iface]).stdout)[0]
    return j.get("xdp", {}).get("prog", {}).get("id")


def kernel_mode(box):
    j = json.loads(lab.run(["ip", "-n", box.srv, "-j", "link", "show", box.iface]).stdout)[0]
    return {1: "native", 2: "generic"}.get(j.get("xdp", {}).get("mode"))


def served(job):
    r = job.result()
    return r["served"], r["tried"]


@pytest.mark.parametrize("v6", [False, True])
def test_attach_native_serve_detach(box, v6):
    box.nginx()
    done = box.attach()
    assert done["interfaces"][0]["mode"] == "native"
    assert kernel_mode(box) == "native" and program(box)
    status = box.fwj("status")["interfaces"][0]
    assert status["interface"] == box.iface and status["attached"] and status["mode"] == "native"
    got, tried = served(box.voters(v6=v6, rate=50, seconds=1))
    assert (got, got > 0) == (tried, True)
    box.fw("detach", box.iface)
    assert program(box) is None
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)
    got, tried = served(box.voters(v6=v6, rate=50, seconds=0.5))
    assert got == tried


# Answers each datagram and each connection; says so once it can.
ANSWERS = """
import socket, sys, threading
at = (sys.argv[1], 9999)
family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
udp, tcp = socket.socket(family, socket.SOCK_DGRAM), socket.create_server(at, family=family)
udp.bind(at)
def datagrams():
    while True:
        udp.sendto(b"yes", udp.recvfrom(99)[1])
threading.Thread(target=datagrams, daemon=True).start()
print("ready", flush=True)
while True:
    tcp.accept()[0].sendall(b"yes")
"""
ASKS = """
import socket, sys
at = (sys.argv[1], 9999)
family = socket.AF_INET6 if ":" in at[0] else socket.AF_INET
for connected in (True, False):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(30)
    if connected:
        s.connect(at)
    s.sendto(b"?", at)
    assert s.recv(99) == b"yes"
    print(s.getsockname()[1])
s = socket.create_connection(at, timeout=30)
assert s.recv(99) == b"yes"
print(s.getsockname()[1])
"""


@pytest.mark.parametrize("gate", [lab.GATE4, lab.GATE6], ids=["v4", "v6"])
def test_answers_come_to_the_ports_that_this_host_picks(box, gate):
    """Busy servers widen net.ipv4.ip_local_port_range downwards: what they ask others is answered to
    ports from there on, and a closed address must hear it."""
    box.sysctl(box.srv, net__ipv4__ip_local_port_range="20000 20999")
    box.attach()
    box.fw("service", "add", "web", "--to", "%s,%s" % (lab.SRV4, lab.SRV6), "--tcp", "80",
           "--closed")
    there = subprocess.Popen(["nsenter", "--net=/run/netns/" + box.world, sys.executable, "-c",
                              ANSWERS, gate], stdout=subprocess.PIPE, text=True)
    try:
        assert there.stdout.readline() == "ready\n"
        asked = box.inside(box.srv, sys.executable, "-c", ASKS, gate, check=False)
    finally:
        there.kill()
        there.communicate()
    assert not asked.returncode, (asked.stderr, box.reasons())
    ports = list(map(int, asked.stdout.split()))
    assert len(ports) == 3 and all(20000 <= p < 21000 for p in ports), ports


def carrier_changes(box):
    """How often the link went down or up."""
    return int(lab.run(["ip", "netns", "exec", box.srv, "cat",
                        "/sys/class/net/%s/carrier_changes" % box.iface]).stdout)


def test_replace_is_without_a_gap(box):
    """While the program is replaced again and again every packet is counted exactly once: none slips
    through between two programs, none is lost, no limit starts anew, and the link stays up."""
    box.attach()
    link = carrier_changes(box)
    box.fw("block", "add", "45.0.0.7", "--why", "must never pass")
    box.quiet()
    before = box.counted()
    good = box.flood("udp", sources=1, start="45.0.0.1", sport=5000, port=9, pps=500, seconds=300)
    bad = box.flood("udp", sources=1, start="45.0.0.7", port=9, pps=5000, seconds=300)
    for _ in range(REPLACED):
        assert box.attach()["interfaces"][0]["replaced"]
    good, bad = good.stop(), bad.stop()
    assert carrier_changes(box) == link
    moved = box.arrived(before, good, bad)
    assert set(moved) <= {"blocked", "newcomer", "source_ok"}, moved
    untold = good["ring_full"] + bad["ring_full"]
    for f, seen in ((bad, moved["blocked"]), (good, sum(moved.values()) - moved["blocked"])):
        assert f["sent"] - (box.lost() - before[1]) <= seen <= f["sent"] + untold, (moved, f)


def test_attach_beside_a_foreign_program(box):
    """Kept beside ours where the dispatcher works, refused by name where it does not; in no case
    is it touched."""
    box.foreign(box.srv, box.iface, "drop")
    before = program(box)
    p = box.fw("attach", box.iface, check=False)
    if p.returncode == 0:
        status = box.fwj("status")["interfaces"][0]
        assert status["dispatcher"] and status["others"]
        box.fw("detach", box.iface)
    else:
        assert p.returncode == 2
        assert "lab_drop" in p.stderr
        assert program(box) == before
        assert not os.path.exists(box.pins) or not os.listdir(box.pins)
    assert program(box) is not None, "the foreign program is gone"


def test_foreign_program_survives_our_detach(box):
    box.attach()
    p = box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "xdpdrv", "off", check=False)
    if program(box) is None:  # someone took ours off: status says so, detach mends the record
        assert p.returncode == 0
        assert box.fwj("status", check=False)["interfaces"][0]["attached"] is False
        box.foreign(box.srv, box.iface, "drop")
        other = program(box)
        box.fw("detach", box.iface, check=False)
        assert program(box) == other


@pytest.mark.parametrize("argv, code, names", [
    (["attach", "nosuch0"], 1, "nosuch0"),
    (["attach"], 1, "IFACE"),
    (["attach", "web0", "--mode", "fast"], 1, "fast"),
    (["attach", "web0", "--sources4", "many"], 1, "many"),
    (["detach", "nosuch0"], 3, "not attached"),
    (["detach", "web0"], 3, "not attached"),
    (["status"], 3, "not attached"),
    (["stats"], 3, "not attached"),
    (["limit", "set", "udp", "5/s"], 3, "not attached"),
])
def test_refusals_change_nothing(box, argv, code, names):
    p = box.fw(*argv, check=False)
    assert p.returncode == code, p.stderr
    assert names in p.stderr
    doc = json.loads(box.fw("-j", *argv, check=False).stdout)
    assert doc["schema"] == 1 and doc["error"]["code"] == code
    assert program(box) is None
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)


def test_generic_only_when_asked_and_always_shown(box):
    box.nginx()
    p = box.fw("attach", box.iface, "--mode", "generic", "--sources4", "65536", "--sources6",
               "65536", check=False)
    assert p.returncode == 5, "works, but degraded"
    assert "GENERIC" in p.stdout
    assert kernel_mode(box) == "generic"
    assert box.fwj("status", check=False)["interfaces"][0]["mode"] == "generic"
    assert "GENERIC" in box.fw("status", check=False).stdout
    box.quiet()
    before = box.counted()
    moved = box.arrived(before, box.flood("udp", sources=10, port=9, pps=20000,
                                          count=10000).result())
    assert any(n.startswith(("source_", "crowd_")) for n in moved), "the flood was not limited"
    got, tried = served(box.voters(rate=20, seconds=1))
    assert got == tried


@pytest.mark.parametrize("v6", [False, True])
def test_jumbo_frames(make_lab, v6):
    """Frames of many pages: counted to the byte, filtered like short ones."""
    box = make_lab(mtu=9000)
    box.nginx()
    box.attach()
    got, tried = served(box.voters(v6=v6, rate=50, seconds=1))
    assert got == tried
    box.quiet()
    packets, size = box.counted(), box.reasons("bytes")
    f = box.flood("udp", v6=v6, sources=5, start="2a00:1::" if v6 else "45.0.0.1", port=9,
                  payload=8900, pps=2000, count=3000).result()
    assert sum(box.arrived(packets, f).values()) > 2000
    if box.lost() == packets[1]:
        assert sum(lab.minus(box.reasons("bytes"), size).values()) == f["bytes"]


def test_interface_deleted_under_us(box):
    box.attach()
    box.ip(box.srv, "link del %s" % box.iface)
    p = box.fw("status", check=False)
    assert p.returncode in (0, 3, 5) and box.iface in p.stdout + p.stderr
    box.fw("detach", "--all", check=False)
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)
