# SPDX-License-Identifier: GPL-2.0-only
"""What the journal gets, read from a socket in the journal's place (in a mount namespace of its own):
each change with who, what, before and after, and each level transition."""

import os
import socket
import struct

import lab
import pytest
from lab import until
from test_run import through_the_levels

JOURNAL = "/run/systemd/journal"


@pytest.fixture
def journal(box):
    """(words in front of a command that make it see our socket, records() so far)."""
    folder = os.path.join(box.dir, "journal")
    os.makedirs(folder)
    made = not os.path.isdir(JOURNAL)
    os.makedirs(JOURNAL, exist_ok=True)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(os.path.join(folder, "socket"))
    s.setblocking(False)
    got = []

    def records():
        while True:
            try:
                got.append(decode(s.recv(65536)))
            except BlockingIOError:
                return got
    yield ["unshare", "-m", "sh", "-c", "mount --bind %s %s && exec \"$@\"" % (folder, JOURNAL),
           "sh"], records
    s.close()
    if made:
        os.rmdir(JOURNAL)


def decode(data):
    """systemd's native protocol: KEY=value lines, or KEY, length and bytes where there are newlines."""
    fields = {}
    while data:
        line, _, data = data.partition(b"\n")
        if b"=" in line:
            key, _, value = line.partition(b"=")
        else:
            key = line
            n = struct.unpack("<Q", data[:8])[0]
            value, data = data[8:8 + n], data[9 + n:]
        fields[key.decode()] = value.decode()
    return fields


def typed(box, before, *argv):
    """A command as an admin types it."""
    return box.inside(box.srv, *before, lab.FLOODWALL, *argv, env=dict(box.env(), SUDO_USER="alice"))


def test_who_changed_what(box, journal):
    before, records = journal
    box.attach()
    typed(box, before, "limit", "set", "udp", "77/s", "burst", "77")
    typed(box, before, "status")
    typed(box, before, "limit", "show")
    changes = [r for r in records() if "FLOODWALL_WHAT" in r]
    assert len(changes) == 1, changes
    one = changes[0]
    assert "alice" in one["FLOODWALL_WHO"]
    assert one["FLOODWALL_WHAT"] == "floodwall limit set udp 77/s burst 77"
    assert one["FLOODWALL_BEFORE"].startswith("generation 1,")
    assert one["FLOODWALL_AFTER"].startswith("generation 2,")
    assert "(was 3k/s" in one["MESSAGE"] and one["PRIORITY"] == "5"
    assert len(one["MESSAGE_ID"]) == 32
    typed(box, before, "-j", "block", "add", "45.0.0.7", "--why", "a\x1b[2Jb")
    assert "block add" in records()[-1]["FLOODWALL_WHAT"]
    assert "\x1b" not in records()[-1]["MESSAGE"] + records()[-1]["FLOODWALL_WHAT"]
    typed(box, before, "detach", "--all")
    assert records()[-1]["FLOODWALL_AFTER"] == "not attached"


def test_levels(box, journal):
    before, records = journal
    p = box.daemon(box.iface, before=[*before, "sh", "-c",
                                      'JOURNAL_STREAM=$(stat -Lc %d:%i /dev/stderr) exec "$@"', "sh"])
    assert until(lambda: any("is ready" in r["MESSAGE"] for r in records())), p.said()
    box.fw("budget", "set", "packets", "50/s", "--service", "host")

    def levels():
        return [(r["FLOODWALL_SERVICE"], r["FLOODWALL_BEFORE"], r["FLOODWALL_AFTER"])
                for r in records() if "FLOODWALL_SERVICE" in r]
    through_the_levels(box, lambda: levels()[:1] == [("host", "calm", "guarded")],
                       lambda: levels()[1:2] == [("host", "guarded", "siege")])
    assert not p.said(), "it went to stderr as well"
