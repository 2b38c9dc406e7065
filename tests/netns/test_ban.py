# SPDX-License-Identifier: GPL-2.0-only
"""Bans: earned only within one's own connections, never through somebody else's packets."""

import subprocess
import time

import lab

# One connection, one byte a segment, far faster than the limit.
CHATTER = """
import socket, sys, time
s = socket.create_connection((sys.argv[1], 80), 5, (sys.argv[2], 0))
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
s.sendall(b"POST / HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 100000000\\r\\n\\r\\n")
end = time.time() + float(sys.argv[3])
while time.time() < end:
    for _ in range(20):
        try:
            s.send(b"x", socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            sys.exit(0)
    time.sleep(0.005)
"""


def chatter(box, source, seconds):
    return subprocess.Popen(["nsenter", "--net=/run/netns/" + box.world, "/usr/bin/python3", "-c",
                             CHATTER, lab.SRV4, source, str(seconds)],
                            stderr=subprocess.DEVNULL)


def bans(box):
    return {b["source"].split("/")[0]: b for b in box.fwj("ban", "list")["bans"]}


def wait_for(condition, seconds=15):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


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
    box.fw("option", "set", "ban-time", "2s")
    talk = chatter(box, source, 40)
    try:
        assert wait_for(lambda: source in bans(box)), "never banned"
        assert wait_for(lambda: box.reasons().get("banned", 0) > 0), "banned, but not refused"
        assert wait_for(lambda: not bans(box), 6), "the ban did not end by itself"
        assert wait_for(lambda: source in bans(box)), "not banned again"
        again = bans(box)[source]
        assert again["times"] == 2 and 2 <= again["left_seconds"] <= 4, again
        assert box.fwj("ban", "lift", source)["lifted"] == 1
        assert not bans(box)
    finally:
        talk.kill()
        talk.wait()
    assert wait_for(lambda: box.voters(sources=1, start=source, rate=5, seconds=0.5,
                                       timeout_ms=2000).result()["served"] > 0), "still shut out"


def test_spoofer_cannot_ban_a_voter(box):
    """ACKs and SYNs from a voter's own address, far over its limits: its download stays whole, its
    new connections are served, and it is never banned."""
    source = lab.address(lab.KNOWN4, 5)
    box.nginx()
    box.inside(box.srv, "sysctl", "-qw", "net.ipv4.tcp_syncookies=2")
    box.attach()
    assert box.voters(sources=1, start=source, rate=20, seconds=0.5).result()["failed"] == {}
    stream = box.voters("stream", sources=1, start=source, stream=1, seconds=8, path="/stream.bin",
                        timeout_ms=6000)
    time.sleep(0.5)
    storms = [acks_of(box, source, pps=20000, seconds=6),
              box.flood("syn", sources=1, start=source, pps=5000, seconds=6)]
    time.sleep(1)
    new = box.voters("new", sources=1, start=source, rate=10, seconds=3).result()
    for storm in storms:
        storm.result()
    assert not bans(box)
    assert "banned" not in box.reasons()
    assert stream.result()["served"] == 1
    assert new["served"] >= 0.9 * new["tried"], new
