# SPDX-License-Identifier: GPL-2.0-only
"""A night in short: floods of every kind, voters, changes of policy, lists swapped, the program
replaced, the interface flapping, everything scraped, over and over. At the end nothing has grown,
nothing was lost, and no counter ever went back.

`make test` runs it for a minute, `make soak` for an hour (FLOODWALL_SOAK_S: seconds).
"""

import json
import os
import random
import time

import lab

SECONDS = float(os.environ.get("FLOODWALL_SOAK_S", "60"))
SENTINEL = "41.87.0.9"  # blocked from the first second to the last, whatever list is in force
MODES = ("syn", "udp", "ack", "synack", "icmp", "frag", "mix", "rst")


class Night:
    """The lab of one soak and what it has seen so far."""

    def __init__(self, box, tmp):
        self.box, self.rng, self.lists = box, random.Random(5), []
        for i in range(2):
            path = tmp / ("list%d" % i)
            path.write_text(SENTINEL + "\n" + "".join(
                "%d.%d.%d.0/24\n" % (45 + i, n >> 8, n & 255) for n in range(5000)))
            self.lists.append(str(path))
        self.turn = {}
        self.counters, self.flaps, self.flips = {}, 0, 0
        self.flood = self.people = self.barred = None
        self.flapped = False
        self.served, self.tried, self.rough = 0, 0, 0
        self.memory = []

    def next(self, name):
        self.turn[name] = self.turn.get(name, -1) + 1
        return self.turn[name]

    # -- what happens, each with its own beat ------------------------------------------------------

    def limits(self):
        n = self.next("limits")
        self.box.fw("limit", "set", "syn", "%d/s" % (100 + n % 7), "burst", 300)
        self.flips += 1

    def swap(self):
        self.box.fw("block", "import", "--replace", "--why", "soak", self.lists[self.next("swap") % 2])
        self.flips += 1

    def churn(self):
        net = "46.%d.0.0/24" % (self.next("churn") % 200)
        for argv in (("block", "add", net, "--for", "3s"), ("service", "add", "spare", "--to", "any",
                     "--udp", "5353"), ("service", "del", "spare"), ("mode", "enforce")):
            self.box.fw(*argv)

    def replace(self):
        self.next("replace")
        assert self.box.attach()["interfaces"][0]["replaced"]

    def flap(self):
        self.box.flap()
        self.flaps += 1
        self.flapped = True

    def scrape(self):
        """No counter ever goes back, and the reasons sum to the total in every reading."""
        doc = self.box.fwj("stats")
        now = {r["reason"]: r["packets"] for r in doc["reasons"]}
        assert all(now[k] >= v for k, v in self.counters.items()), (self.counters, now)
        assert sum(now.values()) == doc["total"]["packets"]
        self.counters = now

    def state(self):
        doc = self.box.fwj("status")
        assert doc["interfaces"][0]["attached"] and doc["mode"] == "enforce", doc
        self.memory.append(doc["memory_bytes"])

    def attack(self):
        """One flood after the other, never two at once."""
        if self.flood and self.flood.proc.poll() is None:
            return
        if self.flood:
            self.flood.result()
        n = self.next("attack")
        self.flood = self.box.flood(MODES[n % len(MODES)], v6=bool(n // len(MODES) % 2),
                                    sources=self.rng.choice((1, 100, 0)), pps=100000, seconds=2.5)

    def visit(self):
        """Voters come in turns; a turn in which the link was down is counted apart."""
        if self.people and self.people.proc.poll() is None:
            return
        self.count()
        self.flapped = False
        self.people = self.box.voters(rate=20, seconds=3, timeout_ms=3000)
        self.barred = self.box.voters(start=SENTINEL, sources=1, rate=2, seconds=2, timeout_ms=500)

    def count(self):
        if not self.people:
            return
        r, barred, self.people = self.people.result(), self.barred.result(), None
        assert barred["served"] == 0, "a blocked address was served"
        if self.flapped:
            self.rough += 1
        else:
            self.served, self.tried = self.served + r["served"], self.tried + r["tried"]

    BEATS = ((0.2, attack), (0.2, visit), (1, scrape), (1.1, limits), (2.3, churn), (3.1, swap),
             (5, state), (7.3, replace), (19, flap))

    def pass_(self, seconds):
        start = time.monotonic()
        due = {name: start + every for every, name in self.BEATS}
        while time.monotonic() < start + seconds:
            for every, beat in self.BEATS:
                if time.monotonic() >= due[beat]:
                    beat(self)
                    due[beat] = time.monotonic() + every
            time.sleep(0.05)
        self.count()
        self.flood.result()


def programs(box):
    """How many programs of this kernel hold our maps: a leaked one would."""
    ctl = json.loads(lab.run([lab.bpftool(), "-j", "map", "show", "pinned",
                              box.pins + "/fw_ctl"]).stdout)["id"]
    shown = json.loads(lab.run([lab.bpftool(), "-j", "prog", "show"]).stdout)
    return sum(ctl in p.get("map_ids", []) for p in shown)


def test_a_night_in_short(box, tmp_path, figure):
    box.nginx()
    box.attach()
    box.fw("block", "add", SENTINEL, "--why", "the sentinel")
    seen, since = box.links()["rx"]["packets"], box.fwj("status")["state_since"]
    night = Night(box, tmp_path)
    night.swap()
    night.scrape()
    assert box.voters(sources=1, rate=20, seconds=1).result()["served"] == 20
    before = sum(night.counters.values())
    night.pass_(SECONDS)

    box.quiet()
    night.scrape()
    night.state()
    # Nothing grew, and no old program stayed behind.
    assert set(night.memory) == {night.memory[0]}
    assert programs(box) == 1
    # Nothing was lost.
    status = box.fwj("status")
    assert status["state_since"] == since and status["generation"] > night.flips
    assert SENTINEL + "/32" in {p["prefix"] for p in box.fwj("block", "list")["prefixes"]}
    assert box.fwj("source", "show", lab.KNOWN4)["buckets"]["proven"]
    syn = box.fwj("limit", "show")["classes"][0]["limits"]["syn"]
    assert syn["count"] == 100 + night.turn["limits"] % 7
    # Everybody came through, and every packet was judged once.
    assert night.tried and night.served >= 0.99 * night.tried, (night.served, night.tried)
    assert box.links()["rx"]["packets"] - seen == sum(night.counters.values()) - before, night.counters
    figure("soak: %.0f s, %d packets, %d flips, %d replacements, %d flaps, %d of %d voters served" % (
        SECONDS, sum(night.counters.values()), night.flips, night.turn["replace"] + 1, night.flaps,
        night.served, night.tried))
