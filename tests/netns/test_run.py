# SPDX-License-Identifier: GPL-2.0-only
"""The controller: attaches, follows links, tells, and leaves every verdict alone when it dies."""

import json
import os
import re
import signal
import time

import lab
import rights
import pytest
from lab import until
from test_record import recording


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
    def start(*argv, ready=True, **kw):
        p = box.daemon(*argv, **kw)
        if ready:
            assert until(lambda: "is ready" in p.said()), p.said()
        return p
    return start


def test_attaches_and_leaves_attached(box, run):
    p = run(box.iface)
    assert attached(box)
    p.terminate()
    assert p.wait(60) == 0, p.said()
    assert attached(box), "its end took the filter off"
    assert not os.listdir(box.run_dir), "the lock file stayed"


def test_status_knows_the_controller(box, run):
    p = run(box.iface)
    said = box.fwj("status", check=False)["controller"]
    assert said["running"] and said["pid"] == p.pid and not said["late"]
    assert until(lambda: (box.fwj("status", check=False)["recording"] or {}).get("ok"))
    os.kill(p.pid, signal.SIGSTOP)
    assert until(lambda: box.fwj("status", check=False)["controller"]["late"])
    status = box.fw("status", check=False)
    assert "no sign of life" in status.stdout
    assert "last sign of life" in status.stderr and "is there room" not in status.stderr, status.stderr
    os.kill(p.pid, signal.SIGCONT)
    assert until(lambda: not box.fwj("status", check=False)["controller"]["late"])
    p.kill()
    p.wait()
    assert not box.fwj("status", check=False)["controller"]["running"]
    assert "none runs" in box.fw("status", check=False).stdout


def test_one_for_each_pins(box, run):
    p = run(box.iface)
    second = box.fw("run", box.iface, check=False)
    assert second.returncode == 2 and str(p.pid) in second.stderr
    p.kill()
    p.wait()
    run(box.iface).terminate()


def test_interfaces_go_and_come_back(box, run):
    p = run(box.iface, "later0", "never0")
    assert "never0: there is no such interface yet" in p.said(), p.said()
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


def stopped(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        return f.read().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("seen", [False, True])
def test_a_reload_behind_a_detach_attaches(box, run, seen):
    """However much of the detach the controller has seen: nothing, or that the program went."""
    p = run(box.iface)
    if seen:
        box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "xdpdrv", "off")
    os.kill(p.pid, signal.SIGSTOP)
    assert until(lambda: stopped(p.pid))
    box.fw("detach", "--all")
    time.sleep(1.2)  # a tick is due
    p.send_signal(signal.SIGHUP)
    os.kill(p.pid, signal.SIGCONT)
    assert until(lambda: attached(box)), p.said()


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
    running = program(box)
    before = box.counted()
    bad = box.flood("udp", sources=1, start="45.0.0.7", port=9, pps=2000, seconds=120)
    over = box.flood("udp", sources=1, start="45.0.1.9", port=9, pps=2000, seconds=120)

    def moving(since):
        now = lab.minus(box.reasons(), since)
        return now.get("blocked", 0) > 2000 and now.get("source_udp", 0) > 1000
    assert until(lambda: moving(before[0]))
    p.kill()
    p.wait()
    at_death = box.reasons()
    assert until(lambda: moving(at_death)), "nothing was counted after its death"
    bad, over = bad.stop(), over.stop()
    moved = box.arrived(before, bad, over)
    took = time.monotonic() - over["first_ns"] / 1e9  # the last ones may have waited in the ring
    tried, lost = bad["sent"] + bad["ring_full"], box.lost() - before[1]
    assert tried - lost <= moved["blocked"] <= tried
    passed = sum(moved.get(r, 0) for r in ("newcomer", "source_ok", "crowd_ok", "proven"))
    assert passed <= 200 + 200 * took * 1.02 + 2
    assert program(box) == running
    run(box.iface)
    assert program(box) == running, "the same build was attached again for nothing"


def through_the_levels(box, guarded, siege):
    """A pulse, too short for a siege; once the first step has been told, a flood until the next."""
    flood = {"sources": 1000, "start": "45.0.0.1", "port": 9, "pps": 5000}
    box.flood("udp", count=500, **flood).result()
    assert until(guarded), "no step to guarded"
    storm = box.flood("udp", seconds=120, **flood)
    assert until(siege), "no step to siege"
    storm.stop()


def test_changes_and_levels_are_told(box, run):
    p = run(box.iface)
    box.fw("mode", "monitor")
    assert until(lambda: "mode monitor" in p.said()), p.said()
    assert "generation 1 -> 2" in p.said()
    box.fw("mode", "enforce")
    assert until(lambda: "mode enforce" in p.said()), p.said()
    box.fw("budget", "set", "packets", "50/s", "--service", "host")
    through_the_levels(box, lambda: "service host: calm -> guarded" in p.said(),
                       lambda: "-> siege" in p.said())


def test_expired_prefixes_leave_the_list(box, run):
    """Without anybody's command; a class prefix within seconds, since the shorter one around it
    holds again only then."""
    p = run(box.iface)
    box.fw("class", "new", "campus")
    box.fw("class", "new", "clinic")
    box.fw("class", "add", "campus", "45.1.0.0/16")
    box.fw("block", "add", "45.9.9.9", "--for", "3s")
    for life in (4, 16, 64):  # long enough for this machine to look while it lasts
        ends = time.monotonic() + life
        box.fw("class", "add", "clinic", "45.1.2.0/24", "--for", "%ds" % life)
        seen = box.fwj("source", "show", "45.1.2.3")["class"]
        if time.monotonic() < ends:
            break
    assert seen == "clinic"

    def removed():
        return sum(map(int, re.findall(r"expired prefixes removed: (\d+)", p.said())))
    assert until(lambda: removed() >= 2), p.said()
    assert until(lambda: box.fwj("source", "show", "45.1.2.3")["class"] == "campus"), p.said()
    p.terminate()
    assert p.wait(60) == 0


def fds(p):
    return len(os.listdir("/proc/%d/fd" % p.pid))


def ticks(box, n=2):
    """Waits for so many heartbeats: what the first one began before, the second one has seen."""
    path = os.path.join(box.run_dir, next(f for f in os.listdir(box.run_dir) if f.endswith(".pid")))
    for _ in range(n):
        before = os.stat(path).st_mtime_ns
        assert until(lambda b=before: os.stat(path).st_mtime_ns != b)


def test_no_descriptor_leaks(box, run):
    """Reloads, states that go and come, links that go and come: as many open files as before."""
    p = run(box.iface)
    box.fw("detach", "--all")
    assert until(lambda: "state has been removed" in p.said())
    p.send_signal(signal.SIGHUP)
    assert until(lambda: attached(box) and recording(box).get("ok"))
    ticks(box)
    before = fds(p)
    for i in range(2):
        ticks(box)  # the new state is open
        box.fw("detach", "--all")
        assert until(lambda: p.said().count("state has been removed") == i + 2), p.said()
        p.send_signal(signal.SIGHUP)
        assert until(lambda: attached(box)), p.said()
    for _ in range(50):
        p.send_signal(signal.SIGHUP)
        time.sleep(0.01)
    ticks(box)
    assert until(lambda: fds(p) <= before), "%d open files, %d before" % (fds(p), before)


def test_notify(box, run, tmp_path):
    """What systemd is told: ready after the attach, signs of life, reloading, stopping."""
    import socket
    path = str(tmp_path / "notify")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(60)
    got = []

    def wait_for(text):
        while not any(text in g for g in got):
            got.append(s.recv(4096).decode())
        return next(g for g in got if text in g)
    p = run(box.iface, ready=False, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"})
    wait_for("READY=1")
    assert attached(box), "ready before it was attached"
    wait_for("WATCHDOG=1")
    p.send_signal(signal.SIGHUP)
    assert re.search(r"MONOTONIC_USEC=\d+", wait_for("RELOADING=1"))
    got.clear()
    wait_for("1 of 1 interfaces filtered")
    # A controller that stands still says nothing: the watchdog would end it.
    os.kill(p.pid, signal.SIGSTOP)
    got.clear()
    assert until(lambda: stopped(p.pid))
    s.setblocking(False)
    try:
        while True:
            s.recv(4096)
    except BlockingIOError:
        pass
    time.sleep(1.5)
    with pytest.raises(BlockingIOError):
        s.recv(4096)
    s.settimeout(60)
    os.kill(p.pid, signal.SIGCONT)
    wait_for("WATCHDOG=1")
    p.terminate()
    wait_for("STOPPING=1")
    assert p.wait(60) == 0


CAPS = {"bpf": "CAP_BPF", "net_admin": "CAP_NET_ADMIN", "perfmon": "CAP_PERFMON"}


def unprivileged(box, caps, name="nobody"):
    """Words in front of a command that make it run as nobody with these capabilities alone."""
    import pwd
    user = pwd.getpwnam(name)
    os.makedirs(box.pins, exist_ok=True)
    os.makedirs(box.run_dir, exist_ok=True)
    binary = rights.anybodys_copy(box.dir)
    for path in (box.pins, box.run_dir):
        os.chown(path, user.pw_uid, user.pw_gid)
    s = "".join(",+" + c for c in caps)
    return ["setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups",
            "--inh-caps=-all" + s, "--bounding-set=-all" + s, "--ambient-caps=-all" + s], binary


def test_three_capabilities_suffice(box, run):
    """As the unit runs it: another user than root, three capabilities. It attaches, follows links,
    and root's commands work on its pins."""
    before, binary = unprivileged(box, CAPS)
    p = box.daemon(box.iface, "back0", before=before, binary=binary)
    assert until(lambda: "is ready" in p.said()), p.said()
    assert attached(box)
    box.ip(box.srv, "link add back0 type veth peer name back1")
    assert until(lambda: attached(box, "back0")), p.said()
    box.fw("block", "add", "45.0.0.7")
    box.fw("detach", "--all")
    assert until(lambda: "state has been removed" in p.said()), p.said()
    assert os.path.isdir(box.pins), "the service's directory went with the state"
    box.attach()
    p.send_signal(signal.SIGHUP)
    assert until(lambda: attached(box, "back0")), p.said()
    os.chown(box.pins, 0, 0)


@pytest.mark.parametrize("missing", sorted(CAPS))
def test_each_missing_capability_is_named(box, missing):
    before, binary = unprivileged(box, [c for c in CAPS if c != missing])
    p = box.daemon(box.iface, before=before, binary=binary)
    assert p.wait(60) == 4, p.said()
    assert CAPS[missing] in p.said()
    assert not any(c in p.said() for k, c in CAPS.items() if k != missing)
    os.chown(box.pins, 0, 0)
