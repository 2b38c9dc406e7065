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

import lab
from lab import until

BOTS, FIRST = 12, "41.82.0.1"
BOTNET = "41.82.0.0/24"


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


def export(box, name):
    out = os.path.join(box.dir, name)
    box.fw("incident", "export", 1, "--to", out)
    assert box.fwj("incident", "verify", out)["intact"]
    with tarfile.open(out) as t:
        return {m.name: t.extractfile(m).read() for m in t.getmembers()}


def test_botnet_and_spoofed_flood(box):
    box.nginx()
    daemon = box.daemon(box.iface)
    assert until(lambda: attached(box)), daemon.said()
    box.fw("service", "add", "web", "--to", lab.SRV4, "--tcp", 80)
    box.fw("trust", "add", lab.CLERKS4)
    box.watch("bots", BOTNET)

    def packets():
        return sum(box.watched("bots"))

    # Known before the flood: what a stranger's cookie answered under it, anybody could have sent.
    bots = box.voters("bots", start=FIRST, sources=BOTS, rate=60, seconds=120)
    assert until(lambda: packets() > 50 * BOTS)
    clerks = box.clerks(rate=20, seconds=120)
    flood = box.flood("syn", sources=0, pps=20000, seconds=120)
    assert until(lambda: report(box)), daemon.said()  # the incident opened by itself
    before, answered = packets(), box.reasons().get("cookie_sent", 0)
    assert until(lambda: packets() > before + 100 * BOTS and
                 box.reasons()["cookie_sent"] > answered + 20000)
    assert bots.stop()["served"] > 0
    clerks = clerks.stop()
    sent = flood.stop()["sent"]
    box.quiet()
    assert until(lambda: report(box)["sources"]["proven"]["all"]["packets"] == packets()), (
        report(box)["sources"]["proven"], packets())
    assert until(lambda: recorded(box) == box.reasons()), (recorded(box), box.reasons())

    files = export(box, "night.tar")
    rows = list(csv.DictReader(io.StringIO(files["sources.csv"].decode(), newline="")))
    proven = {r["address"]: r for r in rows if r["standing"] == "proven"}
    # Exactly those who completed handshakes, with every packet they sent.
    assert set(proven) == {"41.82.0.%d" % i for i in range(1, BOTS + 1)}
    assert sum(int(r["packets"]) for r in proven.values()) == packets()
    assert {o["value"] for o in json.loads(files["stix.json"])["objects"] if "value" in o} == set(proven)
    assert len(rows) > BOTS and all(r["standing"] == "possibly spoofed" for r in rows
                                    if r["address"] not in proven)

    said = json.loads(files["report.json"])
    assert said["attack_or_rush"]["verdict"] == "attack", said["attack_or_rush"]
    counted = said["counted"]
    assert counted["clerks_dropped"]["packets"] == 0 and clerks["served"] > 0
    assert 0 < counted["answered"]["packets"] <= sent + packets()
    assert said["samples"]["emitted"] > 0 and said["samples"]["one_in"] > 1
    with open(os.path.join(box.dir, "samples.pcapng"), "wb") as f:
        f.write(files["samples.pcapng"])
    shown = lab.run(["tshark", "-r", f.name, "-T", "fields", "-e", "frame.comment"]).stdout
    within = [line for line in shown.splitlines() if "before the first drop" not in line]
    assert "possibly spoofed" in shown and 0 < len(within) <= said["samples"]["emitted"]
    assert all("one in" in line for line in shown.splitlines())
    policies = said["record"]["policies"]
    assert policies and re.fullmatch(r"%s:[0-9a-f]{16}" % box.iface, policies[-1]["programs"])
    for i, p in enumerate(policies):
        text = files["policy/%d-generation-%d.yaml" % (i + 1, p["generation"])]
        assert hashlib.sha256(text).hexdigest() == p["sha256"]
    daemon.terminate()
    assert daemon.wait(60) == 0, daemon.said()
