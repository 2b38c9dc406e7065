# SPDX-License-Identifier: GPL-2.0-only
"""The controller: attaches, follows links, tells, and leaves every verdict alone when it dies."""

import json
import os
import signal
import time

import lab
import pytest


def until(what, seconds=10):
    """The first true answer of what(), or its last one when time is up."""
    end = time.monotonic() + seconds
    while True:
        got = what()
        if got or time.monotonic() > end:
            return got
        time.sleep(0.05)


def attached(box, name=None):
    p = box.fw("-j", "status", check=False)
    if p.returncode not in (0, 5):
        return False
    return any(i["interface"] == (name or box.iface) and i["attached"]
               for i in json.loads(p.stdout)["interfaces"])


def program(box):
    return json.loads(box.inside(box.srv, "ip", "-j", "link", "show", box.iface).stdout)[0].get(
        "xdp", {}).get("prog", {}).get("id")


@pytest.fixture
def run(box):
    """Starts controllers; each one's stderr is a file, so that it never waits for us."""
    def start(*argv, ready=True):
        p = box.daemon(*argv)
        if ready:
            assert until(lambda: "is ready" in p.said()), p.said()
        return p
    return start


def test_attaches_and_leaves_attached(box, run):
    p = run(box.iface)
    assert attached(box)
    p.terminate()
    assert p.wait(10) == 0, p.said()
    assert attached(box), "its end took the filter off"
    assert not os.listdir(box.run_dir), "the lock file stayed"


def test_one_for_each_pins(box, run):
    p = run(box.iface)
    second = box.fw("run", box.iface, check=False)
    assert second.returncode == 2 and str(p.pid) in second.stderr
    p.kill()
    p.wait()
    run(box.iface).terminate()


def test_interfaces_go_and_come_back(box, run):
    p = run(box.iface, "later0", "never0")
    box.ip(box.srv, "link add later0 type veth peer name later1")
    assert until(lambda: attached(box, "later0")), p.said()
    box.ip(box.srv, "link del later0")
    assert until(lambda: not attached(box, "later0"))
    box.ip(box.srv, "link add later0 type veth peer name later1")
    assert until(lambda: attached(box, "later0")), p.said()
    box.ip(box.srv, "link set later0 name moved0")
    assert until(lambda: attached(box, "moved0")), p.said()
    assert until(lambda: "is now called moved0" in p.said())
    box.ip(box.srv, "link set moved0 name later0")
    assert until(lambda: attached(box, "later0")), p.said()


def test_what_is_detached_by_hand_stays_so_until_reload(box, run):
    p = run(box.iface)
    box.fw("detach", box.iface, "--keep")
    assert until(lambda: "detached by hand" in p.said()), p.said()
    assert "somebody took" not in p.said()
    assert program(box) is None
    p.send_signal(signal.SIGHUP)
    assert until(lambda: attached(box)), p.said()


def test_a_program_taken_off_by_others_is_told(box, run):
    p = run(box.iface)
    box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "xdpdrv", "off")
    assert until(lambda: "somebody took the program off" in p.said()), p.said()
    assert program(box) is None, "it fought with whoever took it off"
    p.send_signal(signal.SIGHUP)
    assert until(lambda: program(box)), p.said()


def test_state_removed_and_made_anew(box, run):
    """The whole state goes and another one comes: the controller follows."""
    p = run(box.iface)
    box.fw("detach", "--all")
    assert until(lambda: "state has been removed" in p.said()), p.said()
    box.attach()
    p.send_signal(signal.SIGHUP)
    assert until(lambda: attached(box)), p.said()
    assert p.poll() is None


def test_a_storm_of_links_is_survived(box, run):
    """Hundreds of link messages in a burst; the wanted one among them is attached."""
    p = run(box.iface, "wanted0")
    lines = []
    for i in range(100):
        lines += ["link add s%d type veth peer name t%d" % (i, i)]
    lines += ["link add wanted0 type veth peer name wanted1"]
    lines += ["link del s%d" % i for i in range(100)]
    box.ip(box.srv, *lines)
    assert until(lambda: attached(box, "wanted0")), p.said()


def test_death_changes_no_verdict(box, run):
    """Killed with -9 under a flood: counters go on, the limit holds to the packet, and a blocked
    source stays blocked; the next controller takes over without touching the program."""
    p = run(box.iface)
    box.fw("block", "add", "45.0.0.7", "--why", "must never pass")
    box.fw("limit", "set", "udp", "200/s", "burst", "200")
    box.quiet()
    before, running = box.reasons(), program(box)
    arrived, lost = box.links()["rx"]["packets"], box.lost()
    bad = box.flood("udp", sources=1, start="45.0.0.7", port=9, pps=2000, seconds=4)
    over = box.flood("udp", sources=1, start="45.0.1.9", port=9, pps=2000, seconds=4)
    time.sleep(1)
    p.kill()
    p.wait()
    at_death = box.reasons()
    bad, over = bad.result(), over.result()
    box.quiet()
    moved = lab.minus(box.reasons(), before)
    assert bad["sent"] - (box.lost() - lost) <= moved["blocked"] <= bad["sent"]
    passed = sum(moved.get(r, 0) for r in ("newcomer", "source_ok", "crowd_ok", "proven"))
    assert sum(moved.values()) == box.links()["rx"]["packets"] - arrived
    assert passed <= 200 + 200 * over["seconds"] * 1.02 + 2
    after = lab.minus(box.reasons(), at_death)
    assert after["blocked"] and after["source_udp"], "nothing was counted after its death"
    assert program(box) == running
    run(box.iface)
    assert program(box) == running, "the same build was attached again for nothing"
