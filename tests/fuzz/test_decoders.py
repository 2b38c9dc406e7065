# SPDX-License-Identifier: GPL-2.0-only
"""The program against independent decoders, packet by packet, field by field.

Every frame of every capture: tshark and scapy. 100,000 generated ones, most of them damaged: tshark
for all, scapy for every tenth. What the program refuses as malformed has no facts to compare; that it
does not refuse what is well-formed is asserted on frames that nobody damaged.
"""

import concurrent.futures
import glob
import json
import os
import random
import subprocess

import pytest

import decoders
import frames

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.path.join(ROOT, os.environ.get("O", "build")))
CAPTURES = os.environ.get("FLOODWALL_CAPTURES", os.path.join(ROOT, "..", "shared", "captures"))
FACTS = os.path.join(BUILD, "tests", "prog", "facts")
MALFORMED = {"short", "ip_header", "l4_header", "bad_fragment"}
OTHER_L3, DEEP = 4, 5  # enum fw_budget_id
FILES = sorted(glob.glob(os.path.join(CAPTURES, "*", "*.pcap")))
RANDOM = int(os.environ.get("FLOODWALL_RANDOM_FRAMES", "100000"))


def facts_of(path):
    p = subprocess.run([FACTS, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       check=False)
    assert p.returncode == 0, p.stdout[-2000:]
    return [json.loads(line) for line in p.stdout.splitlines() if line.startswith("{")]


def differences(fact, record):
    """Keys in which the program and a decoder disagree."""
    if fact["reason"] in MALFORMED:
        return []
    if fact["own"] == OTHER_L3 and record["vlans"] > fact["vlans"]:
        return []  # tags of types that 802.1Q does not name
    keys = ["family", "vlans"]
    if fact["family"]:
        keys += ["src", "dst", "hops"]
    if fact["family"] and fact["own"] != DEEP:
        keys += ["fragment", "later", "proto"]
        if not fact["later"]:
            keys += {6: ["sport", "dport", "flags"], 17: ["sport", "dport"],
                     1: ["type", "code"] if fact["family"] == 4 else [],
                     58: ["type", "code"] if fact["family"] == 6 else []}.get(fact["proto"], [])
    if fact["own"] == DEEP and not fact["family"]:
        return []  # tags beyond two: not looked at, by design
    return ["%s: %s, not %s" % (k, fact[k], record[k]) for k in keys
            if k in record and fact[k] != record[k]]


def compare(facts, records, data=None):
    assert len(facts) == len(records)
    bad = []
    for fact, record in zip(facts, records):
        wrong = differences(fact, record) if record else []
        if not fact["same"]:
            wrong.append("the short way ends it otherwise")
        if wrong:
            n = fact["n"]
            bad.append("frame %d (%s): %s%s" % (n, fact["reason"], "; ".join(wrong),
                                                "  " + data[n - 1].hex() if data else ""))
    assert not bad, "%d of %d differ:\n%s" % (len(bad), len(facts), "\n".join(bad[:10]))


def scapy_all(data):
    with concurrent.futures.ProcessPoolExecutor() as pool:
        return list(pool.map(decoders.of_scapy, data, chunksize=500))


@pytest.mark.skipif(not FILES, reason="no captures in ../shared/captures")
@pytest.mark.parametrize("path", FILES, ids=[os.path.basename(f) for f in FILES])
def test_capture(path):
    tshark = decoders.Tshark(path)
    facts = facts_of(path)
    assert facts
    compare(facts, tshark.records())
    # tshark has read each of them; scapy, which is slow, reads one in ten of a long capture's rest.
    data = frames.read(path)
    pick = list(range(min(len(data), 2000))) + list(range(2000, len(data), 10))
    compare([facts[i] for i in pick], scapy_all([data[i] for i in pick]))
    wanted = sum(f["reason"] in MALFORMED for f in facts)
    assert wanted == 0 or "attack" in path


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    rng = random.Random(os.environ.get("FLOODWALL_SEED", "floodwall"))
    whole = frames.whole(rng, 1500)
    data = whole + [frames.damage(rng, rng.choice(whole)) for _ in range(RANDOM - len(whole))]
    path = str(tmp_path_factory.mktemp("frames") / "random.pcap")
    frames.write(path, data)
    tshark = decoders.Tshark(path)
    yield tshark, data, len(whole), facts_of(path)
    tshark.end()


def test_random_well_formed(generated):
    """Nobody damaged these: not one is malformed."""
    _, data, whole, facts = generated
    bad = [f for f in facts[:whole] if f["reason"] in MALFORMED]
    assert not bad, "%s\n%s" % (bad[0], data[bad[0]["n"] - 1].hex())


def test_random_scapy(generated):
    _, data, whole, facts = generated
    pick = list(range(whole)) + list(range(whole, len(data), 10))
    records = scapy_all([data[i] for i in pick])
    assert sum(r is None for r in records) < len(records) / 100
    compare([facts[i] for i in pick], records, data)


def test_random_tshark(generated):
    tshark, data, _, facts = generated
    compare(facts, tshark.records(), data)


def test_random_is_telling(generated):
    """The damage reaches what it is meant to reach."""
    facts = generated[3]
    reasons = {f["reason"] for f in facts}
    assert MALFORMED <= reasons
    assert {"essential", "other_l3", "bypass_deep"} <= reasons
    accepted = sum(f["reason"] not in MALFORMED for f in facts)
    assert accepted > len(facts) / 4
