# SPDX-License-Identifier: GPL-2.0-only
"""Bans: earned only within one's own connections, never through somebody else's packets."""

import datetime
import subprocess
import time

import lab
from lab import until

# Many connections of one source, one byte a segment: far over the limit even while TCP backs off.
CHATTER = """
import contextlib, socket, sys, time
def talk():
    s = socket.socket()
    s.bind((sys.argv[2], 0))
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.settimeout(0.2)
    with contextlib.suppress(OSError):
        s.connect((sys.argv[1], 80))
        s.sendall(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 100000000\\r\\n\\r\\n")
    return s
all = [talk() for _ in range(40)]
end = time.time() + float(sys.argv[3])
while time.time() < end:
    for i, s in enumerate(all):
        try:
            s.send(b"x", socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            s.close()
            all[i] = talk()
    time.sleep(0.005)
"""


def chatter(box, source, seconds):
    return subprocess.Popen(["nsenter", "--net=/run/netns/" + box.world, "/usr/bin/python3", "-c",
                             CHATTER, lab.SRV4, source, str(seconds)],
                            stderr=subprocess.DEVNULL)


def bans(box):
    return {b["source"].split("/")[0]: b for b in box.fwj("ban", "list")["bans"]}


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def acks_of(box, source, **options):
    """A spoofer who knows a voter's address, and sends what an open connection would."""
    return box.flood("ack", sources=1, start=source, **options)


def test_flood_within_a_connection_is_banned(box):
    """Banned after some seconds over the limit; nothing of it passes; the ban ends by itself; the
    next one is longer; lifting it ends it at once and forgets."""
    source = lab.address(lab.KNOWN4, 3)
    box.nginx()
    box.attach()
    box.fw("limit", "set", "packets", "100/s", "burst", "100")
    box.fw("option", "set", "ban-time", "4s")
    talk = chatter(box, source, 600)
    try:
        assert until(lambda: source in bans(box)), "never banned"
        assert until(lambda: box.reasons().get("banned", 0) > 0), "banned, but not refused"
        assert until(lambda: not bans(box)), "the ban did not end by itself"
        assert until(lambda: source in bans(box)), "not banned again"
        again = bans(box)[source]
        length = moment(again["until"]) - moment(again["since"])
        assert again["times"] == 2 and 7 <= length <= 9 >= again["left_seconds"], again
        hint = box.fw("source", "show", source).stdout.partition("floodwall ")[2].partition(" ends it")[0]
        assert box.fwj(*hint.split())["lifted"] == 1
        assert not bans(box)
    finally:
        talk.kill()
        talk.wait()
    assert until(lambda: box.voters(sources=1, start=source, rate=5, seconds=0.5,
                                       timeout_ms=2000).result()["served"] > 0), "still shut out"


def test_bans_and_buckets_outlive_changes_and_replacement(box, tmp_path):
    """Over a policy that is applied, one that is undone and a program that is replaced a ban keeps
    its end and its count and goes on refusing, and a bucket that is empty stays empty."""
    source, file = lab.address(lab.KNOWN4, 3), tmp_path / "policy.yaml"

    def datagrams():
        before = box.reasons()
        box.flood("udp", sources=1, start="45.0.0.1", port=9, pps=200, seconds=0.5).result()
        box.quiet()
        moved = lab.minus(box.reasons(), before)
        assert moved.get("source_udp", 0), moved
        return moved.get("newcomer", 0) + moved.get("source_ok", 0)

    def refuses():
        said = box.fwj("explain", source, "--to", lab.SRV4 + ":80", "--flags", "PA")
        assert (said["reason"], said["stage"]) == ("banned", "source"), said
        before = box.reasons().get("banned", 0)
        acks_of(box, source, pps=200, seconds=0.3).result()
        return until(lambda: box.reasons().get("banned", 0) > before)

    box.nginx()
    box.attach()
    box.fw("limit", "set", "packets", "100/s", "burst", "100")
    box.fw("limit", "set", "udp", "6/h", "burst", "6")
    box.fw("option", "set", "ban-time", "10m")
    file.write_text(box.fw("policy", "show").stdout)
    box.fw("limit", "set", "icmp", "33/s")
    assert datagrams() == 6 and datagrams() == 0
    talk = chatter(box, source, 60)
    try:
        assert until(lambda: source in bans(box)), "never banned"
    finally:
        talk.kill()
        talk.wait()
    was = bans(box)[source]
    for change in (("policy", "apply", str(file)), ("policy", "undo"),
                   ("attach", box.iface), ("policy", "apply", str(file), "--confirm", "1h"),
                   ("attach", box.iface), ("policy", "confirm")):
        box.fw(*change)
        now = bans(box)[source]
        assert now["times"] == was["times"], change
        for what in ("since", "until"):  # told on the wall clock, which may be corrected
            assert abs(moment(now[what]) - moment(was[what])) < 2, (change, was, now)
    assert refuses()
    assert datagrams() == 0


def test_spoofer_cannot_ban_a_voter(box):
    """ACKs and SYNs from a voter's own address, far over its limits: its download stays whole, its
    new connections are served, and it is never banned."""
    source = lab.address(lab.KNOWN4, 5)
    box.nginx()
    box.inside(box.srv, "sysctl", "-qw", "net.ipv4.tcp_syncookies=2")
    box.attach()
    assert box.voters(sources=1, start=source, rate=20, seconds=0.5).result()["failed"] == {}
    stream = box.voters("stream", sources=1, start=source, stream=1, seconds=8, path="/stream.bin",
                        timeout_ms=20000)
    time.sleep(0.5)
    storms = [acks_of(box, source, pps=20000, seconds=6),
              box.flood("syn", sources=1, start=source, pps=5000, seconds=6)]
    time.sleep(1)
    new = box.voters("new", sources=1, start=source, rate=10, seconds=3, timeout_ms=8000).result()
    sent = sum(storm.result()["sent"] for storm in storms)
    assert not bans(box)
    assert "banned" not in box.reasons()
    assert stream.result()["served"] == 1
    lost = box.lost_by_machine() / sent
    assert lab.came_through(new["served"], new["tried"], lost, 0.9), (new, lost)
