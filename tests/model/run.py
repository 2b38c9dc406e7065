# SPDX-License-Identifier: GPL-2.0-only
"""One seed: a policy, its packets, the program's answers, and where the model does not agree."""

import os
import random
import struct
import subprocess
import tempfile

import lab
import model
import packets

DRIVER = os.path.join(lab.BUILD, "tests/model/driver")
BATCH = 4000
ACTIONS = {"pass": 2, "drop": 1}
PASSING = {"essential", "other_l3", "bypass_deep", "management", "trusted", "source_ok", "newcomer"}


class Disagreement(Exception):
    pass


class Driver:
    """The program behind pipes; answers are (action, reason, service, packets in accounts)."""

    def __init__(self, policy, cpu):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="ascii")
        self.file.write(policy)
        self.file.flush()
        self.talk = tempfile.TemporaryFile("w+", errors="replace")
        out, answers = os.pipe()

        def prepare():
            lab.die_with_parent()
            os.sched_setaffinity(0, {cpu})
            os.dup2(answers, 3)

        self.proc = subprocess.Popen([DRIVER, self.file.name], stdin=subprocess.PIPE,
                                     stdout=self.talk, stderr=subprocess.STDOUT, close_fds=False,
                                     preexec_fn=prepare)
        os.close(answers)
        self.answers = os.fdopen(out, "rb")
        self.reasons = self.answers.readline().decode().split()
        self.services = self.answers.readline().decode().split()
        if not self.services:
            self.failed()

    def failed(self):
        self.proc.stdin.close()
        self.proc.wait()
        self.talk.seek(0)
        raise Disagreement("the driver ended:\n" + self.talk.read())

    def run(self, batch):
        data = [struct.pack("=I", len(batch))]
        data += [struct.pack("=QI", now, len(frame)) + frame for now, _, frame in batch]
        try:
            self.proc.stdin.write(b"".join(data))
            self.proc.stdin.flush()
        except BrokenPipeError:
            self.failed()
        got = self.answers.read(4 * len(batch))
        if len(got) != 4 * len(batch):
            self.failed()
        return [(got[i], self.reasons[got[i + 1]], self.services[got[i + 2]], got[i + 3])
                for i in range(0, len(got), 4)]

    def close(self):
        self.proc.stdin.close()
        code = self.proc.wait()
        self.answers.close()
        self.talk.seek(0)
        said = self.talk.read()
        self.talk.close()
        self.file.close()
        if code:
            raise Disagreement("the counters do not sum, or worse:\n" + said)


def steps(r, flood):
    """Time between packets: mostly bursts, then seconds of quiet, rarely minutes; a flood knows none."""
    kind = r.random() * (0.9 if flood else 1)
    if kind < 0.9:
        return r.randrange(2000, 4000000)
    return r.randrange(10 ** 7, 10 ** 8) if kind < 0.998 else r.randrange(10 ** 9, 6 * 10 ** 10)


def seed(number, count, cpu):
    """Runs it; returns (packets, how many could go either way, {reason: packets})."""
    r = random.Random(number)
    maker = packets.Maker(r, r.choice((20, 300, 3000)))
    text, policy = packets.make_policy(r, maker)
    m, now, seen = model.Model(policy), 0, {}
    driver = Driver(text, cpu)
    try:
        for left in range(count, 0, -BATCH):
            batch = []
            for _ in range(min(BATCH, left)):
                now += steps(r, number % 2)
                batch.append((now, *maker.make()))
            for (at, p, frame), (action, reason, service, booked) in zip(batch, driver.run(batch)):
                found = m.judge(p, at)
                right = ACTIONS["pass" if reason in PASSING else "drop"]
                if reason not in found or action != right:
                    raise Disagreement(
                        "seed %d at %.6f s: %s from %s to %x, %s %d>%d, %d bytes: the program says %s "
                        "(%s, action %d), the manual %s\n%s\n%s" %
                        (number, at / model.SECOND, p.what, "?" if p.src is None else "%x" % p.src, p.dst, p.proto, p.sport, p.dport,
                         p.length, reason, service, action, " or ".join(found), frame.hex(), text))
                if booked not in m.accounts(p, at, reason):
                    raise Disagreement("seed %d at %.6f s: %s from %x, %s: %d accounts\n%s" %
                                       (number, at / model.SECOND, p.what, p.src or 0, reason, booked, text))
                m.happened(p, at, found, reason)
                seen[reason] = seen.get(reason, 0) + 1
    finally:
        driver.close()
    return count, m.undecided, seen
