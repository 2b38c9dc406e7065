# SPDX-License-Identifier: GPL-2.0-only
"""Runs replay and its neighbours, and holds every answer against what always holds."""

import glob
import json
import os
import subprocess

import pytest

import lab
import pcaps

SHARED = os.path.join(lab.ROOT, "../shared/captures")
HONEST = sorted(glob.glob(SHARED + "/honest/*.pcap")) or [None]
ATTACK = sorted(glob.glob(SHARED + "/attack/*.pcap")) or [None]
T0 = 1700000000
WEB, VOTER, OTHER = "192.0.2.80", "198.51.100.7", "203.0.113.9"
WEB6, VOTER6 = "2001:db8::80", "2001:db8:7::7"
SERVICE = ("--service", "web=tcp/80,443@%s" % WEB)


def title(path):
    """Of a capture, for pytest, where none is there too."""
    return os.path.basename(path or "none")


def given(path):
    if not path:
        pytest.skip("no captures in ../shared/captures")
    return path


def floodwall(*argv, code=0, stdin=None):
    p = subprocess.run([lab.FLOODWALL, *map(str, argv)], stdout=subprocess.PIPE, input=stdin,
                       stderr=subprocess.PIPE, timeout=120, check=False)
    out, err = p.stdout.decode(), p.stderr.decode()
    assert p.returncode == code, (argv, p.returncode, out, err)
    return out, err


def replay(*argv, code=0, stdin=None):
    """The document of `replay -j`, after checking what always holds."""
    doc = json.loads(floodwall("replay", "-j", *argv, code=code, stdin=stdin)[0])
    for parts in ("verdicts", "reasons", "services", "classes"):
        assert sum(doc[parts].values()) == doc["packets"], parts
    for parts in ("verdict_bytes", "reason_bytes"):
        assert sum(doc[parts].values()) == doc["bytes"], parts
    assert sum(sum(doc["timeline"][v]) for v in ("pass", "drop", "tx")) == doc["packets"]
    return doc


def reasons(doc):
    return {r: n for r, n in doc["reasons"].items() if n}


def each(*argv):
    return [json.loads(line) for line in floodwall("replay", "--each", *argv)[0].splitlines()]


def same(doc):
    return {k: v for k, v in doc.items() if k not in ("run_s", "packets_per_s", "capture", "warnings")}

STRICT = """
classes:
  default: { udp: 10/s burst 10 }
lanes:
  blocked:
    - { prefix: 203.0.113.0/24, why: test, for: 1h }
services:
  web: { to: 192.0.2.80, tcp: 80, closed: on }
"""


def policy(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


def put(tmp_path, frames):
    return pcaps.write(tmp_path / "x.pcap", [(t, pcaps.ether(p)) for t, p in frames])


def flood(at, n):
    """n SYNs of as many sources within a second."""
    return [(at + i / n, pcaps.tcp("20.%d.%d.%d" % (i >> 14 & 255, i >> 6 & 255, i & 63), WEB, 5000,
                                   80, pcaps.SYN, i)) for i in range(n)]
