# SPDX-License-Identifier: GPL-2.0-only
"""The whole way: a spoofed flood and a real botnet of clients that complete handshakes, recorded by the
controller; the bundle names exactly the real ones as proven, and its figures are the counters'."""

import csv
import hashlib
import io
import json
import os
import re
import sqlite3
import tarfile

import pytest

import lab
from test_metrics import get, samples
from lab import until

BOTS, FIRST = 12, "41.82.0.1"
BOTNET = "41.82.0.0/28"  # small: a random source is hardly ever one of it


def attached(box):
    p = box.fw("-j", "status", check=False)
    return p.returncode in (0, 5) and any(i["attached"] for i in json.loads(p.stdout)["interfaces"])


def report(box):
    p = box.fw("incident", "report", 1, "--format", "json", check=False)
    return json.loads(p.stdout) if p.returncode == 0 else None


def recorded(box):
    """Everything the recorder ever wrote, by reason."""
    db = sqlite3.connect("file:%s/history.db?mode=ro" % box.dir, uri=True)
    try:
        return dict(db.execute("SELECT r.name, sum(t.packets) FROM total t JOIN reason r ON r.id = "
                               "t.reason GROUP BY 1"))
    finally:
        db.close()


def scraped(box):
    """What the controller's metrics say, by reason."""
    found = {}
    for (name, labels), value in samples(get(box)[2]).items():
        if name == "floodwall_packets_total" and value:
            reason = dict(labels)["reason"]
            found[reason] = found.get(reason, 0) + int(value)
    return found


def policy_of(box, generation):
    db = sqlite3.connect("file:%s/history.db?mode=ro" % box.dir, uri=True)
    try:
        return db.execute("SELECT sha256 FROM policy WHERE generation = ?", (generation,)).fetchone()[0]
    finally:
        db.close()


def export(box, name):
    out = os.path.join(box.dir, name)
    box.fw("incident", "export", 1, "--to", out)
    assert box.fwj("incident", "verify", out)["intact"]
    with tarfile.open(out) as t:
        return {m.name: t.extractfile(m).read() for m in t.getmembers()}


def long_policy(box):
    """Applies what runs and a thousand blocked prefixes more: a policy whose text is long."""
    path = os.path.join(box.dir, "long.yaml")
    text = box.fw("policy", "show").stdout
    rows = "".join("    - {prefix: 203.0.%d.%d/32, why: feed of the night}\n" % (i >> 8, i & 255)
                   for i in range(1000))
    assert text.count("\nbudgets:\n") == 1, text  # behind the lanes
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace("\nbudgets:\n", "\n  blocked:\n%sbudgets:\n" % rows))
    box.fw("policy", "apply", path)


def test_botnet_and_spoofed_flood(box):
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)  # 1: while the listener's queue is full, which depends
    box.nginx()
    daemon = box.daemon(box.iface)
    assert until(lambda: attached(box)), daemon.said()
    box.fw("service", "add", "web", "--to", lab.SRV4, "--tcp", 80)
    box.fw("trust", "add", lab.CLERKS4)
    box.watch("bots", BOTNET)

    def packets():
        return sum(box.watched("bots"))

    def answered():
        return box.reasons().get("cookie_sent", 0)

    # Known before the flood: what a stranger's cookie answered under it, anybody could have sent.
    bots = box.voters("bots", start=FIRST, sources=BOTS, rate=60, seconds=120)
    assert until(lambda: packets() > 50 * BOTS)
    clerks = box.clerks(rate=20, seconds=120)
    early = packets()  # the incident need not know of these
    flood = box.flood("syn", sources=0, pps=20000, seconds=120)
    assert until(lambda: report(box)), daemon.said()  # the incident opened by itself
    before, sent = packets(), answered()
    assert until(lambda: packets() > before + 100 * BOTS and answered() > sent + 20000), \
        (packets(), before, sent, box.reasons())
    assert bots.stop()["served"] > 0
    clerks = clerks.stop()
    sent = flood.stop()["sent"]
    box.quiet()
    long_policy(box)
    assert until(lambda: [c for c in report(box)["events"]["changes"]
                          if "policy apply" in c["what"] and c["policy_sha256"]]), daemon.said()

    def told():
        n = report(box)["sources"]["proven"]["all"]["packets"]
        return packets() - early <= n <= packets() and n
    assert until(told), (report(box)["sources"]["proven"], early, packets())
    assert until(lambda: recorded(box) == box.reasons()), (recorded(box), box.reasons())
    assert until(lambda: scraped(box) == recorded(box)), (scraped(box), recorded(box))

    files = export(box, "night.tar")
    rows = list(csv.DictReader(io.StringIO(files["sources.csv"].decode(), newline="")))
    proven = {r["address"]: r for r in rows if r["standing"] == "proven"}
    # Exactly those who completed handshakes, with every packet they sent.
    assert set(proven) == {"41.82.0.%d" % i for i in range(1, BOTS + 1)}
    assert sum(int(r["packets"]) for r in proven.values()) == told()
    assert {o["value"] for o in json.loads(files["stix.json"])["objects"] if "value" in o} == set(proven)
    assert len(rows) > BOTS and all(r["standing"] == "possibly spoofed" for r in rows
                                    if r["address"] not in proven)

    said = json.loads(files["report.json"])
    assert said["attack_or_rush"]["verdict"] == "attack", said["attack_or_rush"]
    counted = said["counted"]
    # The figures of the report are those of the file that lists every second.
    listed = {}
    for row in csv.DictReader(io.StringIO(files["totals.csv"].decode(), newline="")):
        listed[row["reason"]] = listed.get(row["reason"], 0) + int(row["packets"])
    assert {r: c["packets"] for r, c in counted["reasons"].items()} == listed
    assert all(listed[r] <= scraped(box)[r] for r in listed)
    assert counted["clerks_dropped"]["packets"] == 0 and clerks["served"] > 0
    assert 0 < counted["answered"]["packets"] <= sent + packets()
    assert said["samples"]["emitted"] > 0 and said["samples"]["one_in"] > 1
    with open(os.path.join(box.dir, "samples.pcapng"), "wb") as f:
        f.write(files["samples.pcapng"])
    shown = lab.run(["tshark", "-r", f.name, "-T", "fields", "-e", "frame.comment"]).stdout
    within = [line for line in shown.splitlines() if "before the first drop" not in line]
    assert "possibly spoofed" in shown and 0 < len(within) <= said["samples"]["emitted"]
    assert all("drawn as one in" in line for line in shown.splitlines())
    policies = said["record"]["policies"]
    began = said["record"]["runs"][0]
    assert began["policy_sha256"] == policy_of(box, began["generation"])
    assert policies and re.fullmatch(r"%s:[0-9a-f]{16}" % box.iface, policies[-1]["programs"])
    for i, p in enumerate(policies):
        text = files["policy/%d-generation-%d.yaml" % (i + 1, p["generation"])]
        assert hashlib.sha256(text).hexdigest() == p["sha256"]
    assert len(files["policy/%d-generation-%d.yaml" % (len(policies), policies[-1]["generation"])]) > 16384
    # Who changed what, and the policy that came of it.
    by = {p["generation"]: p["sha256"] for p in policies}
    done = [c for c in said["events"]["changes"] if "policy apply" in c["what"]]
    assert done, said["events"]["changes"]
    assert done[-1]["policy_sha256"] == by[done[-1]["generation"]]
    assert {s["service"] for s in said["events"]["above_calm"]}
    daemon.terminate()
    assert daemon.wait(60) == 0, daemon.said()


def test_before_the_proof(box):
    """Beyond the newcomers' budget a SYN is answered without a place in the table: nobody can tell it
    from a spoofed one, so it is in no source's count. From the packet that proves on, all are."""
    try:
        box.inside(box.world, "nft", "add table netdev early { counter syns { }; chain out { type filter "
                   "hook egress device \"%s\" priority 0; ip saddr %s tcp flags & (syn | ack) == syn "
                   "counter name syns; }; }" % (box.out, BOTNET))
    except lab.LabError as e:
        pytest.skip("this kernel counts nothing in front of the filter: %s" % str(e)[-80:])
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.nginx()
    daemon = box.daemon(box.iface)
    assert until(lambda: attached(box)), daemon.said()
    box.fw("budget", "set", "newcomers4", "1/h", "burst", "1")  # which the flood has, whenever it pauses
    box.watch("bots", BOTNET)
    flood = box.flood("syn", sources=0, pps=20000, seconds=60)
    assert until(lambda: report(box) and box.reasons().get("cookie_sent", 0) > 20000), daemon.said()
    # One connection each, so all of their SYNs come before their proof.
    bots = box.voters("bots", start=FIRST, sources=BOTS, rate=10, seconds=1, timeout_ms=30000).result()
    assert bots["served"] > 0
    flood.stop()
    box.quiet()
    named = json.loads(box.inside(box.world, "nft", "-j", "list", "counters").stdout)["nftables"]
    syns = [c["counter"]["packets"] for c in named if "counter" in c][0]
    counted = sum(box.watched("bots")) - syns

    def proven():
        return report(box)["sources"]["proven"]["all"]
    # A SYN that found the ring full never arrived, and its repetition did.
    assert until(lambda: 0 <= proven()["packets"] - counted <= box.lost()), (proven(), counted, syns)
    # Who has proven himself may still have waited for the page in vain.
    assert bots["served"] <= proven()["count"] <= bots["tried"] <= syns, (proven(), bots, syns)
    daemon.terminate()
    assert daemon.wait(60) == 0, daemon.said()
