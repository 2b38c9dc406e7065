# SPDX-License-Identifier: GPL-2.0-only
"""explain says what then happens, and changes nothing by saying it."""

import json
import struct
import subprocess

import pytest

import lab
import pcaps

SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for line in sys.stdin:
    s.send(bytes.fromhex(line))
"""
TCP80 = ("--to", lab.SRV4 + ":80")


def send(box, packets):
    """Frames from `world`, and the reasons they moved, once all have arrived."""
    mac = bytes(int(b, 16) for b in box.mac.split(":"))
    frames = [mac + pcaps.ether(p)[6:] for p in packets]
    box.quiet()
    before = box.counted()
    subprocess.run(["nsenter", "--net=/run/netns/" + box.world, "/usr/bin/python3", "-c", SEND,
                    box.out], input="\n".join(f.hex() for f in frames), text=True, check=True)
    return box.arrived(before, {"sent": len(packets), "ring_full": 0}, others=True)


def explain(box, *argv):
    return box.fwj("explain", *argv)


@pytest.fixture(scope="module")
def desk():
    with lab.Lab("explain", threaded=False) as one:
        one.sysctl(one.srv, net__ipv4__tcp_syncookies=2)
        one.nginx()
        one.attach()
        one.fw("service", "add", "web", "--to", "%s,%s" % (lab.SRV4, lab.SRV6), "--tcp", "80",
               "--closed")
        one.fw("limit", "set", "syn", "1/m", "burst", "2")
        one.fw("limit", "set", "icmp", "1/h", "burst", "10")
        yield one


def used(doc, bucket):
    return next(b for b in doc["buckets"] if b["bucket"] == bucket)


# What is explained, and the same packet as it is then sent.
CASES = [
    ("41.80.1.1", TCP80, pcaps.tcp("41.80.1.1", lab.SRV4, 40000, 80, pcaps.SYN), "newcomer"),
    ("41.80.1.2", ("--proto", "udp", "--to", lab.SRV4 + ":53"),
     pcaps.udp("41.80.1.2", lab.SRV4, 40000, 53), "unspoken"),
    ("41.80.1.3", ("--proto", "udp", "--sport", "53", "--to", lab.SRV4 + ":80"),
     pcaps.udp("41.80.1.3", lab.SRV4, 53, 80), "reflected"),
    ("41.80.1.4", TCP80 + ("--flags", "SF"),
     pcaps.tcp("41.80.1.4", lab.SRV4, 40000, 80, pcaps.SYN | pcaps.FIN), "tcp_flags"),
    ("127.0.0.1", TCP80, pcaps.tcp("127.0.0.1", lab.SRV4, 40000, 80, pcaps.SYN), "bogus_source"),
    ("2c0f:fe38::7", ("--to", "[%s]:80" % lab.SRV6),
     pcaps.tcp("2c0f:fe38::7", lab.SRV6, 40000, 80, pcaps.SYN), "newcomer"),
    ("41.80.1.5", ("--proto", "47", "--to", lab.SRV4),
     pcaps.ip("41.80.1.5", lab.SRV4, 47, b"x" * 20), "unspoken"),
]


def fragment(source, to, which):
    """A piece of a UDP packet: the first, with its ports, or one behind it."""
    body = struct.pack("!HHHH", 40000, 53, 2000, 0) if which == "first" else b"x" * 8
    packet = pcaps.ip(source, to, 17, body)
    if packet[0] >> 4 == 4:
        return packet[:6] + struct.pack("!H", 0x2000 if which == "first" else 185) + packet[8:]
    head = struct.pack("!BBHI", 17, 0, 1 if which == "first" else 1480, 7)
    return packet[:4] + struct.pack("!HB", 16, 44) + packet[7:40] + head + body


@pytest.mark.parametrize("which", ["first", "later"])
@pytest.mark.parametrize("net,to", [("41.80.7.%d", "10.77.0.200"), ("2c0f:fe38:7%d::7", "2001:db8::200")],
                         ids=["v4", "v6"])
def test_fragments(desk, net, to, which):
    """They are held to the limit of fragments, whatever their protocol, and later ones have no ports."""
    source, later = net % (which == "later"), which == "later"
    desk.fw("class", "new", "cut")
    desk.fw("class", "add", "cut", source)
    desk.fw("limit", "set", "fragments", "1/h", "burst", "3", "--class", "cut")
    argv = ("--to", to, "--proto", "udp", "--fragment", which)
    doc = explain(desk, source, *argv)
    assert doc["packet"]["fragment"] == which and (doc["packet"]["dport"] is None) == later
    assert doc["reason"] == "newcomer" and doc["packet"]["len"] == 14 + (48 if ":" in to else 20) + 8
    assert not {"source: udp", "source: syn"} & {b["bucket"] for b in doc["buckets"]}
    assert used(doc, "source: fragments")["charged"]
    moved = send(desk, [fragment(source, to, which)] * 3)
    assert moved["newcomer"] + moved.get("source_ok", 0) == 3, moved
    doc = explain(desk, source, *argv, "--bytes", "1500")
    assert (doc["reason"], doc["stage"]) == ("source_fragments", "source"), doc
    assert doc["packet"]["len"] == (1500 if later else 1494 if ":" in to else 1498)
    assert send(desk, [fragment(source, to, which)])["source_fragments"] == 1
    assert which + " fragment" in desk.fw("explain", source, *argv).stdout
    assert explain(desk, source)["packet"]["fragment"] is None
    desk.fw("class", "flush", "cut", "--force")
    desk.fw("class", "drop", "cut")


@pytest.mark.parametrize("source,argv,packet,reason", CASES, ids=[c[3] + " " + c[0] for c in CASES])
def test_it_says_what_happens(desk, source, argv, packet, reason):
    doc = explain(desk, source, *argv)
    assert doc["reason"] == reason
    assert send(desk, [packet]).get(reason) == 1


def test_buckets_fill_as_it_says(desk):
    """Ten may come at once: what is used is counted down packet by packet, and the eleventh is
    over."""
    source, argv = "41.80.2.1", ("--proto", "icmp", "--to", lab.SRV4)
    ping = pcaps.ip(source, lab.SRV4, 1, b"\x08\0\0\0\0\0\0\0")
    for sent in range(10):
        doc = explain(desk, source, *argv)
        bucket = used(doc, "source: icmp")
        assert doc["verdict"] == "pass" and doc["known"] == (sent > 0)
        assert bucket["used_percent"] == pytest.approx(10 * sent, abs=3)
        assert bucket["after_percent"] == pytest.approx(10 * sent + 10, abs=3) and bucket["charged"]
        assert sum(n for r, n in send(desk, [ping]).items() if r != "essential") == 1
    doc = explain(desk, source, *argv)
    assert doc["reason"] == "source_icmp" and doc["stage"] == "source"
    assert not used(doc, "source: icmp")["charged"]
    assert send(desk, [ping])["source_icmp"] == 1


def ack(source):
    return pcaps.tcp(source, lab.SRV4, 40000, 80, pcaps.ACK, data=bytes(1000))


# What a source may do, how much of it at once, and packets that are charged for it.
KINDS = {
    "packets": ("3", 3, TCP80 + ("--flags", "A", "--bytes", "1054"), ack),
    "bytes": ("16384", 16, TCP80 + ("--flags", "A", "--bytes", "1054"), ack),
    "syn": ("3", 3, TCP80, lambda s: pcaps.tcp(s, lab.SRV4, 40000, 80, pcaps.SYN)),
    "icmp": ("3", 3, ("--proto", "icmp", "--to", lab.SRV4),
             lambda s: pcaps.ip(s, lab.SRV4, 1, b"\x08\0\0\0\0\0\0\0")),
    "udp": ("3", 3, ("--proto", "udp", "--to", "10.77.0.200:53"),
            lambda s: pcaps.udp(s, "10.77.0.200", 40000, 53)),
}


def test_each_limit_is_named(desk):
    """Over any limit, it says which, that it is full, and what then happens."""
    desk.fw("class", "new", "tight")
    desk.fw("class", "add", "tight", "41.82.0.0/16")
    for n, (kind, (burst, count, argv, make)) in enumerate(KINDS.items()):
        source = "41.82.1.%d" % (n + 1)
        desk.fw("limit", "set", kind, "1B/s" if kind == "bytes" else "1/h", "burst", burst, "--class", "tight")
        moved = send(desk, [make(source)] * count)
        assert sum(moved.get(r, 0) for r in ("newcomer", "source_ok")) >= count - 1, (kind, moved)
        doc = explain(desk, source, *argv)
        assert (doc["reason"], doc["stage"], doc["class"]) == ("source_" + kind, "source", "tight"), doc
        full = used(doc, "source: " + kind)
        assert full["used_percent"] > 90 and not full["charged"], doc
        assert send(desk, [make(source)])[doc["reason"]] == 1
        desk.fw("limit", "set", kind, "off", "--class", "tight")


def test_shared_budgets_are_named(desk):
    """The clerks' ceiling, and what all strangers may send together."""
    clerk, stranger, udp = lab.CLERK4, "41.83.1.1", ("--proto", "udp", "--to", "10.77.0.200:53")
    desk.fw("trust", "add", clerk)
    assert explain(desk, clerk, *TCP80)["reason"] == "trusted"
    doc = explain(desk, stranger, *udp)
    assert doc["reason"] == "newcomer" and not used(doc, "crowd of host: packets")["used_percent"] > 50
    for budget in (("trusted",), ("packets", "--service", "host")):
        desk.fw("budget", "set", budget[0], "1/h", "burst", "1", *budget[1:])
    assert send(desk, [pcaps.udp(clerk, "10.77.0.200", 40000, 53)] * 2)["trusted"] == 1
    send(desk, [pcaps.udp(stranger, "10.77.0.200", 40000, 53)] * 2)
    for source, reason, stage, bucket in (
            (clerk, "trusted_over", "source", "budget: trusted"),
            (stranger, "crowd_udp", "crowd", "crowd of host: packets")):
        doc = explain(desk, source, *udp)
        assert (doc["verdict"], doc["reason"], doc["stage"]) == ("drop", reason, stage), doc
        assert used(doc, bucket)["used_percent"] > 90 and not used(doc, bucket)["charged"]
        assert send(desk, [pcaps.udp(source, "10.77.0.200", 40000, 53)])[reason] == 1
    desk.fw("policy", "undo")
    desk.fw("budget", "set", "trusted", "off")
    desk.fw("trust", "flush", "--force")


def test_asking_changes_nothing(desk):
    source = "41.80.3.1"
    send(desk, [pcaps.tcp(source, lab.SRV4, 40000, 80, pcaps.SYN)])
    seen, table = desk.fwj("source", "show", source), desk.fwj("status")["tables"]
    assert "who has not\n           proven himself has no account" in desk.fw("source", "show", source).stdout
    before = desk.reasons()
    for _ in range(5):
        assert explain(desk, source, *TCP80)["reason"] == "source_ok"
        assert not explain(desk, "41.80.3.99", *TCP80)["known"]
    assert desk.reasons() == before and desk.fwj("status")["tables"] == table
    again = desk.fwj("source", "show", source)
    for kind, percent in seen["buckets"]["used_percent"].items():
        assert percent is None or again["buckets"]["used_percent"][kind] <= percent


def test_what_comes_meanwhile_does_not_look_ahead_of_its_time(desk):
    """Loading the program takes half a second, in which a source that is far below its limit goes on:
    its buckets must not be read by the time before that."""
    source = "41.80.8.1"
    desk.fw("class", "new", "steady")
    desk.fw("class", "add", "steady", source)
    desk.fw("limit", "set", "packets", "200/s", "burst", "100", "--class", "steady")
    flood = desk.flood("ack", sources=1, start=source, pps=50, seconds=120)
    try:
        assert lab.until(lambda: explain(desk, source, *TCP80, "--flags", "A")["known"])
        assert lab.until(lambda: used(explain(desk, source, *TCP80, "--flags", "A"),
                                      "source: packets")["used_percent"] < 20, 20)
    finally:
        flood.stop()
        desk.fw("class", "flush", "steady")
        desk.fw("class", "drop", "steady")


def test_prefixes_and_modes_count(desk):
    source = "41.80.4.1"
    for lane, reason in (("block", "blocked"), ("manage", "management")):
        desk.fw(lane, "add", source)
        doc = explain(desk, source, *TCP80)
        assert doc["reason"] == reason and doc["stage"] == "lanes" and not doc["buckets"]
        assert doc["service"] is None
        desk.fw(lane, "flush", "--force")
    desk.fw("block", "add", "41.80.4.0/24")
    desk.fw("mode", "monitor")
    assert explain(desk, source, *TCP80)["monitor"]
    assert "monitor" in desk.fw("explain", source).stdout
    assert "mode is monitor" in desk.fw("source", "show", source).stdout
    assert desk.fwj("source", "show", source)["monitor"]
    desk.fw("mode", "enforce")
    assert "monitor" not in desk.fw("source", "show", source).stdout
    assert not desk.fwj("source", "show", source)["monitor"]
    desk.fw("block", "flush", "--force")


def test_a_block_that_is_over_is_none(desk):
    """It stands in the list until somebody changes it, and blocks nobody."""
    source = "41.80.7.1"
    desk.fw("block", "add", "41.80.7.0/24", "--for", "1s")
    try:
        assert lab.until(lambda: explain(desk, source, *TCP80)["stage"] != "lanes")
        said = explain(desk, source, *TCP80)["reason"]
        assert send(desk, [pcaps.tcp(source, lab.SRV4, 40000, 80, pcaps.SYN)]).get(said) == 1
    finally:
        desk.fw("block", "flush", "--force")


def test_a_siege_is_seen(desk):
    """Under siege a stranger is answered, and a voter who is proven passes: as it is said."""
    desk.fw("service", "set", "web", "--level", "siege")
    try:
        doc = explain(desk, "41.80.5.1", *TCP80)
        assert (doc["verdict"], doc["reason"], doc["level"]) == ("tx", "cookie_sent", "siege")
        assert used(doc, "budget: cookies")["charged"]
        assert send(desk, [pcaps.tcp("41.80.5.1", lab.SRV4, 40000, 80, pcaps.SYN)])["cookie_sent"] == 1
        desk.inside(desk.world, "curl", "-s", "--interface", lab.KNOWN4, "http://%s/" % lab.SRV4)
        doc = explain(desk, lab.KNOWN4, *TCP80, "--flags", "PA")
        assert doc["proven"] and doc["reason"] == "proven" and doc["verdict"] == "pass"
    finally:
        desk.fw("service", "set", "web", "--level", "auto")


def test_the_destination_is_guessed_and_said(desk):
    doc = explain(desk, "41.80.6.1")
    assert (doc["packet"]["dst"], doc["packet"]["dport"]) == (lab.SRV4, 80)
    assert explain(desk, "2c0f:fe38::9")["packet"]["dst"] == lab.SRV6
    text = desk.fw("explain", "41.80.6.1").stdout
    assert "41.80.6.1:40000 to %s:80" % lab.SRV4 in text and "nothing was charged" in text


WRONG = [("x",), ("41.80.1.1", "--to", "2c0f::1"), ("41.80.1.1", "--to", lab.SRV4 + ":0"),
         ("41.80.1.1", "--to", lab.SRV4 + ":80-90"), ("41.80.1.1", "--sport", "80-90"), ("",),
         ("41.80.1.1", "--proto", "tpc"), ("41.80.1.1", "--flags", "XY"),
         ("41.80.1.1", "--bytes", "1M"), ("41.80.1.1", "--fragment", "second"), ("41.80.1.1", "--to", "[::1")]


@pytest.mark.parametrize("argv", WRONG, ids=" ".join)
def test_wrong_use_is_said(desk, argv):
    p = desk.fw("explain", *argv, check=False)
    assert p.returncode == 1 and p.stderr.startswith("error: ")


def test_without_state_there_is_nothing_to_explain(desk):
    p = subprocess.run([lab.FLOODWALL, "explain", "-j", "41.80.1.1", "--pins", "/sys/fs/bpf/none"],
                       stdout=subprocess.PIPE, text=True, check=False)
    assert p.returncode == 3 and json.loads(p.stdout)["error"]["code"] == 3
