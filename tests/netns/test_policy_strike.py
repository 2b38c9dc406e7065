# SPDX-License-Identifier: GPL-2.0-only
"""An apply is struck at each of its system calls, by kill -9 and by every error the kernel may answer
with: what runs afterwards is one whole generation, the old or the new one; nothing is left behind,
and the next change works."""

import concurrent.futures
import errno
import os
import re
import signal

import pytest

import lab
from lab import until

OLD = """
services: {web: {tcp: [80, 443]}}
classes: {carriers: {syn: 2k/s burst 4k, prefixes: [41.80.0.0/16]}}
lanes:
  management: [10.77.0.2]
  blocked: [198.51.100.0/24, '2001:db8:bad::/48']
"""
NEW = """
proof_time: 5m
services: {web: {tcp: [80, 443, 8443]}, dns: {udp: 53}}
classes: {carriers: {syn: 3k/s burst 4k, prefixes: [41.81.0.0/16]}}
lanes:
  management: [10.77.0.2]
  blocked: [203.0.113.0/24, {prefix: 192.0.2.1, why: scanner}]
"""
ERRORS = [errno.ENOMEM, errno.EPERM, errno.EBUSY, errno.ENOSPC]


class Struck:
    def __init__(self, box, folder):
        self.box, self.files, self.shown = box, {}, {}
        box.attach()
        for name, text in (("new", NEW), ("old", OLD)):
            self.files[name] = str(folder / (name + ".yaml"))
            with open(self.files[name], "w", encoding="utf-8") as f:
                f.write("interfaces: {%s: native}\n" % box.iface + text)
            box.fw("policy", "apply", self.files[name])
            assert box.fwj("policy", "diff", self.files[name])["same"]
            self.shown[name] = self.show()
        self.pins = sorted(os.listdir(box.pins))

    def show(self):
        """What runs, without the line that says when."""
        return self.box.fw("policy", "show").stdout.split("\n", 1)[1]

    def reset(self):
        self.box.fw("policy", "apply", self.files["old"])

    def runs(self):
        """Which file is what runs, to the last prefix; None: a mixture."""
        now = self.show()
        return next((name for name, text in self.shown.items() if text == now), None)

    def strike(self, how, at, *argv):
        p = self.box.inside(self.box.srv, os.path.join(lab.BUILD, "tests/netns/strike"), str(how),
                            str(at), lab.FLOODWALL, *argv,
                            env=dict(self.box.env(), SSH_CONNECTION="10.77.0.2 50000 10.77.0.1 22"))
        m = re.search(r"^calls (\d+) (exit|signal) (\d+) open (-?\d+) struck (-?\d+) flip (\d+)$",
                      p.stdout, re.M)
        assert m, p.stdout + p.stderr
        self.flip = int(m[6])
        return int(m[1]), m[2], int(m[3]), int(m[4]), int(m[5])

    def check(self, what):
        now = self.runs()
        assert now, "%s: a mixture runs" % what
        assert sorted(os.listdir(self.box.pins)) == self.pins, what
        return now


@pytest.fixture
def struck(box, tmp_path):
    return Struck(box, tmp_path)


def calls(struck):
    """System calls of an undisturbed apply, from the lock on."""
    n, how, code, fds, _ = struck.strike("count", 0, "policy", "apply", struck.files["new"])
    assert (how, code) == ("exit", 0) and struck.runs() == "new"
    # libsystemd keeps its socket to the journal until the end, where there is a journal.
    assert fds <= 1, "an apply that worked left %d descriptors open" % fds
    struck.usual = fds
    struck.reset()
    return n


@pytest.fixture
def several(make_lab, tmp_path):
    """The same in labs of their own, which share the calls of a test and strike at once."""
    made = []
    for i in range(2):
        (tmp_path / str(i)).mkdir()
        made.append(Struck(make_lab(), tmp_path / str(i)))
    return made


def share(several, calls_at, one):
    """What one(struck, at) says of each of these calls."""
    def work(hand):
        return [one(several[hand], at) for at in calls_at[hand::len(several)]]
    with concurrent.futures.ThreadPoolExecutor(len(several)) as pool:
        return [said for part in pool.map(work, range(len(several))) for said in part]


def test_killed_at_every_call_of_an_apply(several):
    total = max(calls(struck) for struck in several)
    assert total > 50

    def kill(struck, at):
        _, how, sig, _, _ = struck.strike("kill", at, "policy", "apply", struck.files["new"])
        assert (how, sig) == ("signal", 9) or at > total - 3, "not struck at call %d" % at
        now = struck.check("killed at call %d of %d" % (at, total))
        if now == "new":
            struck.reset()
        return now
    seen = share(several, range(1, total + 1), kill)
    # Both sides of the flip were struck, or the test proves nothing.
    assert seen.count("old") > 20 and seen.count("new") > 1, seen


def test_every_call_of_an_apply_fails(several):
    """Each call answers with one of the errors; with FLOODWALL_STRIKE=all with each of them."""
    total = max(calls(struck) for struck in several)
    every = os.environ.get("FLOODWALL_STRIKE") == "all"

    def fail(struck, at):
        refused = 0
        for number in ERRORS if every else [ERRORS[at % len(ERRORS)]]:
            _, how, code, fds, call = struck.strike(number, at, "policy", "apply",
                                                    struck.files["new"])
            what = "%s at call %d of %d (system call %d)" % (errno.errorcode[number], at, total,
                                                             call)
            assert how == "exit", "%s: ended by signal %d" % (what, code)
            assert code in range(6), "%s: exit %d" % (what, code)
            # What failed to close is not ours to close again.
            assert fds <= struck.usual + (call == 3), "%s: %d descriptors open" % (what, fds)
            now = struck.check(what)
            assert now == "new" or code, "%s: exit 0, and the old policy runs" % what
            refused += bool(code)
            if now == "new":
                struck.reset()
        return refused
    assert sum(share(several, range(1, total + 1), fail)) > 50  # the rest is telling, which may fail


def reload_struck(struck, folder, how, at):
    """A controller that runs OLD is told to reload NEW; `how` at its call `at` from then on."""
    policy, when = str(folder / "policy.yaml"), str(folder / "when")
    for path in (policy, when):
        if os.path.exists(path):
            os.unlink(path)
    os.link(struck.files["old"], policy)
    p = struck.box.daemon("--policy", policy, env={"STRIKE_WHEN": when}, before=[
        os.path.join(lab.BUILD, "tests/netns/strike"), how, str(at)])
    assert until(lambda: "ready" in p.said()), p.said()
    pid = int(lab.run(["pgrep", "-P", str(p.pid)]).stdout)
    os.unlink(policy)
    os.link(struck.files["new"], policy)
    open(when, "w", encoding="utf-8").close()
    os.kill(pid, signal.SIGHUP)
    if how == "count":
        assert until(lambda: struck.runs() == "new"), p.said()
        os.kill(pid, signal.SIGTERM)
    p.wait(timeout=60)
    return p.said()


def test_controller_killed_while_it_reloads(struck, tmp_path):
    """At calls spread over a reload; with FLOODWALL_STRIKE=all at each of them."""
    said = reload_struck(struck, tmp_path, "count", 0)
    total = int(re.search(r"^calls (\d+) exit 0", said, re.M)[1])
    assert total > 50, said
    every = os.environ.get("FLOODWALL_STRIKE") == "all"
    seen = set()
    for at in range(1, total, 1 if every else max(total // 8, 1)):
        struck.reset()
        said = reload_struck(struck, tmp_path, "kill", at)
        assert "signal 9" in said or at > total * 0.6, said
        seen.add(struck.check("controller killed at call %d of %d of a reload" % (at, total)))
    assert "old" in seen


@pytest.mark.parametrize("verb", ["undo", "confirm"])
def test_killed_while_going_back(several, verb):
    """Neither leaves a mixture, and what waits for its confirmation is not lost half-way. Struck at
    each call around the store that decides; of those that open and read, which are an apply's, at
    one in eight, or with FLOODWALL_STRIKE=all at each."""
    def go_back(struck, how, at):
        struck.box.fw("policy", "apply", "--confirm", "1h", struck.files["new"])
        said = struck.strike(how, at, "policy", verb)
        now = struck.check("%s killed at call %d" % (verb, at))
        if now == "new":  # it waits, or is confirmed: both can be undone
            struck.box.fw("policy", "undo")
        else:  # it was undone; nothing may wait any more
            assert struck.box.fw("policy", "confirm", check=False).returncode == 3
        assert struck.runs() == "old"
        return now, said
    total = max(go_back(struck, "count", 0)[1][0] for struck in several)
    flip = several[0].flip
    assert 20 < flip < total - 20
    every = os.environ.get("FLOODWALL_STRIKE") == "all"
    at_calls = [at for at in range(1, total + 1) if every or abs(at - flip) <= 20 or at % 8 == 0]
    seen = {now for now, _ in share(several, at_calls, lambda struck, at: go_back(struck, "kill", at))}
    seen.add(go_back(several[0], "count", 0)[0])
    assert seen == ({"old", "new"} if verb == "undo" else {"new"})
