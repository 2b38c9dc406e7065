# SPDX-License-Identifier: GPL-2.0-only
"""The controller is struck at system calls of its start and its first seconds, while it applies a new
policy: killed, or the call fails. What runs is one whole policy, the interface stays filtered, and
one that lives on ends with no descriptor left open."""

import errno
import os
import re
import signal

import lab
from lab import until
from test_policy_strike import Struck, struck  # noqa: F401
from test_run import attached

POINTS = int(os.environ.get("FLOODWALL_STRIKE_POINTS", "8"))  # of each kind
ERRORS = [errno.ENOMEM, errno.EPERM, errno.EBUSY, errno.ENOSPC, errno.EMFILE, errno.EINTR]


class Controller:
    def __init__(self, struck, how, at):
        self.box = struck.box
        self.proc = struck.box.daemon(
            "--listen", "off", "--policy", struck.files["new"],
            before=[os.path.join(lab.BUILD, "tests/netns/strike"), str(how), str(at)])

    def child(self):
        try:
            with open("/proc/%d/task/%d/children" % (self.proc.pid, self.proc.pid),
                      encoding="ascii") as f:
                return int(f.read().split()[0])
        except (OSError, IndexError):
            return None

    def end(self, ready):
        """(calls, how, code, open files, struck call, what it said): its own end, or SIGTERM once
        ready() and then a second and a half of its life have been seen."""
        assert until(lambda: self.proc.poll() is not None or ready(self.proc.said())), \
            self.proc.said()
        if self.proc.poll() is None:
            until(lambda: self.proc.poll() is not None, 1.5)
        if self.proc.poll() is None and self.child():
            os.kill(self.child(), signal.SIGTERM)
        self.proc.wait(timeout=60)
        said = self.proc.said()
        m = re.search(r"^calls (\d+) (exit|signal) (\d+) open (-?\d+) struck (-?\d+) flip \d+$", said,
                      re.M)
        assert m, said
        return int(m[1]), m[2], int(m[3]), int(m[4]), int(m[5]), said


def tidy(struck, what):
    now = struck.check(what)
    assert attached(struck.box), "%s: the interface is not filtered any more" % what
    if now == "new":
        struck.reset()
    return now


def quiet(struck):
    """No recording: its thread would be another process to strike at."""
    for path in struck.files.values():
        with open(path, "a", encoding="utf-8") as f:
            f.write("recording: {enabled: off}\n")
    struck.box.fw("policy", "apply", struck.files["new"])
    struck.shown["new"] = struck.show()
    struck.reset()
    struck.shown["old"] = struck.show()


def calls(struck):
    n, how, code, fds, _, said = Controller(struck, "count", 0).end(lambda said: "is ready" in said)
    assert (how, code) == ("exit", 0), said
    assert fds == 0, "%d descriptors open at the end" % fds
    assert tidy(struck, "undisturbed") == "new"
    return n


def test_killed_at_any_call(struck):  # noqa: F811
    quiet(struck)
    total, seen = calls(struck), {"old": 0, "new": 0}
    for i in range(POINTS):
        at = 1 + total * i // POINTS
        Controller(struck, "kill", at).end(lambda said: False)
        seen[tidy(struck, "killed at call %d of %d" % (at, total))] += 1
    assert seen["old"] and seen["new"], seen


def test_any_call_fails(struck):  # noqa: F811
    quiet(struck)
    total = calls(struck)
    for i in range(POINTS):
        at, number = 1 + total * i // POINTS + i % 3, ERRORS[i % len(ERRORS)]
        _, how, code, fds, call, said = Controller(struck, number, at).end(
            lambda said: "is ready" in said or "error:" in said)
        what = "%s at call %d of %d (system call %d)\n%s" % (errno.errorcode[number], at, total,
                                                             call, said)
        assert how == "exit", what
        assert code in range(6), what
        assert code == 0 or "error:" in said, what
        # What failed to close is not ours to close again.
        assert fds <= (1 if call == 3 else 0), "%s: %d descriptors left open" % (what, fds)
        tidy(struck, what)
    assert until(lambda: not os.listdir(struck.box.run_dir))
