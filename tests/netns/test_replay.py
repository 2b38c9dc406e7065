# SPDX-License-Identifier: GPL-2.0-only
"""Captures through the shipped program: every packet in one verdict, the same answer twice, and what
cannot be known is declared. How they are read is in test_replay_files.py."""

import collections
import json
import os
import re
import subprocess
import tempfile

import pytest

import lab
import pcaps
import rights
from replays import (ATTACK, HONEST, OTHER, SERVICE, STRICT, T0, VOTER, VOTER6, WEB, WEB6, each,
                     flood, floodwall, given, policy, put, reasons, replay, same, title)


# -- real captures ----------------------------------------------------------------------------------

@pytest.mark.parametrize("capture", HONEST, ids=title)
def test_ordinary_sessions_lose_nothing(capture):
    doc = replay(given(capture))
    assert doc["packets"] == len(pcaps.read(capture)) and doc["verdicts"]["drop"] == 0


@pytest.mark.parametrize("capture", ATTACK, ids=title)
def test_each_packet_and_the_sum_agree(capture):
    frames, lines, doc = pcaps.read(given(capture)), each(capture), replay(capture)
    assert [p["index"] for p in lines] == list(range(len(frames)))
    assert [p["len"] for p in lines] == [max(length, 14) for _, _, length in frames]
    assert all(abs(p["time"] - at) < 2e-6 for p, (at, _, _) in zip(lines, frames))
    for key, parts in (("verdict", "verdicts"), ("reason", "reasons"), ("service", "services")):
        counted = {}
        for p in lines:
            counted[p[key]] = counted.get(p[key], 0) + 1
        assert counted == {k: n for k, n in doc[parts].items() if n}
    assert set(lines[0]) == {"index", "time", "src", "dst", "proto", "sport", "dport", "len",
                             "verdict", "reason", "service"}
    assert set(doc["first"]) == {p["reason"] for p in lines if p["verdict"] != "pass"}
    for name, first in doc["first"].items():
        assert abs(first - min(p["time"] for p in lines if p["reason"] == name)) < 2e-5


@pytest.mark.parametrize("capture", ATTACK, ids=title)
def test_the_same_answer_twice(capture):
    argv = (given(capture), "--over", "1s", "--service", "web=tcp/80,443")
    assert same(replay(*argv)) == same(replay(*argv))


@pytest.mark.parametrize("capture", ATTACK, ids=title)
def test_compressed_floods_bite(capture):
    """A declared service that speaks TCP only; what is UDP ends there, what is a SYN is answered."""
    target = collections.Counter((p["dst"], p["dport"]) for p in each(given(capture))
                                 if p["dport"]).most_common(1)[0][0]
    doc = replay(capture, "--over", 0.1, "--service", "web=tcp/%d@%s" % (target[1], target[0]))
    if "synflood" in capture:
        assert doc["verdicts"]["tx"] > 0.7 * doc["packets"] and doc["levels"]
    if "UDP" in capture:
        assert doc["reasons"]["unspoken"] + doc["reasons"]["reflected"] > 0.5 * doc["packets"]  # the rest goes to ports of replies


# -- what is known of that night --------------------------------------------------------------------

def session(at, client, port, both=True, good=True, seq=1000, web=WEB):
    """A handshake and a request; one direction only; or with a wrong number in the last ACK."""
    frames = [(at, pcaps.tcp(client, web, port, 80, pcaps.SYN, seq))]
    if both:
        frames.append((at, pcaps.tcp(web, client, 80, port, pcaps.SYN | pcaps.ACK, 7000, seq + 1)))
    ack = 7001 if good else 7777
    data = seq + 1 if good or both else seq + 5
    frames.append((at, pcaps.tcp(client, web, port, 80, pcaps.ACK, seq + 1 if both else data, ack,
                                 b"" if both else b"GET /")))
    frames.append((at, pcaps.tcp(client, web, port, 80, pcaps.ACK | pcaps.PSH, seq + 6, ack, b"GET /")))
    return frames


@pytest.mark.parametrize("both", [True, False], ids=["both-ways", "one-way"])
def test_a_handshake_in_the_capture_is_proof(tmp_path, both):
    path = put(tmp_path, session(T0, VOTER, 4000, both))
    doc, lines = replay(path, "--to", WEB), each(path, "--to", WEB)
    assert doc["known"]["handshakes"] == 1 and doc["known"]["handshakes_one_way"] == (not both)
    assert [p["reason"] for p in lines] == ["newcomer", "proven", "proven"]
    assert doc["known"]["packets_proven"] == 2 and doc["known"]["packets_midstream"] == 0


@pytest.mark.parametrize("both", [True, False], ids=["both-ways", "one-way"])
def test_a_wrong_number_is_none(tmp_path, both):
    doc = replay(put(tmp_path, session(T0, VOTER, 4000, both, good=False)), "--to", WEB)
    assert doc["known"]["handshakes"] == 0 and doc["reasons"]["proven"] == 0
    assert doc["known"]["packets_midstream"] == 2


def test_proof_carries_a_voter_through_a_flood(tmp_path):
    """The voter's packets pass during a flood whose strangers are answered; the same packets of a
    voter whose handshake was not captured are declared, and counted as lost."""
    talk = [(T0 + 3.9, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.ACK, 1011 + i, 7001, b"x"))
            for i in range(20)]
    lost = [(T0 + 3.9, pcaps.tcp(OTHER, WEB, 4000, 80, pcaps.ACK, 1011 + i, 7001, b"x"))
            for i in range(20)]
    floods = [f for s in (1, 2, 3) for f in flood(T0 + s, 15000)]
    frames = sorted(session(T0, VOTER, 4000) + floods + talk + lost, key=lambda f: f[0])
    path = put(tmp_path, frames)
    lines = each(path, "--to", WEB, *SERVICE)
    mine = [p for p in lines if p["src"] == VOTER]
    assert {p["verdict"] for p in mine} == {"pass"} and len(mine) == 23
    assert {p["verdict"] for p in lines if p["src"] == OTHER} == {"drop"}
    doc = replay(path, "--to", WEB, *SERVICE)
    assert doc["verdicts"]["tx"] > 20000
    assert doc["known"]["packets_midstream"] == doc["known"]["packets_midstream_dropped"] == 20
    assert [c["level"] for c in doc["levels"]] == ["guarded", "siege"]


@pytest.mark.parametrize("bot,web", [(OTHER, WEB), (VOTER6, WEB6)], ids=["v4", "v6"])
def test_a_flood_within_a_connection_is_banned(tmp_path, bot, web):
    """A real source that floods through its own connection, and one in whose name others flood: the
    one is banned, the other is not."""
    slow = policy(tmp_path, "slow.yaml", "classes:\n  default: { packets: 300/s burst 300 }\n")
    real = session(T0, bot, 4000, web=web) + [
        (T0 + i / 2000, pcaps.tcp(bot, web, 4000, 80, pcaps.ACK, 1012 + i, 7001, b"x"))
        for i in range(1, 12000)]
    doc = replay(put(tmp_path, real), "--policy", slow, "--to", web)
    assert doc["reasons"]["banned"] > 3000 and doc["reasons"]["source_packets"] > 3000
    spoofed = session(T0, bot, 4000, web=web) + [
        (T0 + i / 2000, pcaps.tcp(bot, web, 5000 + i, 80, pcaps.ACK, i, 7001, b"x"))
        for i in range(1, 12000)]
    doc = replay(put(tmp_path, spoofed), "--policy", slow, "--to", web)
    assert doc["reasons"]["banned"] == 0 and doc["reasons"]["source_packets"] > 6000


def test_who_listens_is_declared(tmp_path):
    """Over the budget a SYN is answered where a service is declared, or was seen to answer."""
    path = put(tmp_path, flood(T0, 20000))
    doc = replay(path)
    assert doc["verdicts"]["tx"] == 0 and doc["known"]["packets_to_no_listener"] > 10000
    assert any("--service" in w for w in doc["warnings"])
    doc = replay(path, *SERVICE)
    assert doc["verdicts"]["tx"] > 10000 and not doc["known"]["packets_to_no_listener"]
    seen = put(tmp_path, session(T0 - 1, VOTER, 4000) + flood(T0, 20000))
    assert replay(seen, "--to", WEB)["verdicts"]["tx"] > 10000


def test_of_very_many_sources_none_is_made_heavy(tmp_path):
    """A spoofed flood, each source once, and a heavy one in it; more than are followed."""
    frames = [(T0 + i / 100000, pcaps.udp("30.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255), WEB, 1, 2))
              for i in range(250000)]
    frames[::1000] = [(t, pcaps.udp(OTHER, WEB, 1, 2)) for t, _ in frames[::1000]]
    path = put(tmp_path, frames)
    out = floodwall("replay", path)[0]
    assert re.search(r"about 2\d{5} sources; the heaviest:", out)
    rows = [l.split() for l in out.split("SOURCE  ")[1].splitlines()[1:11]]
    assert rows[0][:2] == [OTHER, "250"] and {r[1] for r in rows[1:]} <= {"1", "1+"}
    top = replay(path)["top"]
    assert len(rows) == len(top) == 10
    for one in top[1:]:
        assert one["packets"] - one["packets_error"] == 1


def test_to_leaves_out_what_did_not_arrive(tmp_path):
    path = put(tmp_path, session(T0, VOTER, 4000) + [(T0, pcaps.udp(VOTER, OTHER, 1, 2))])
    doc = replay(path)
    assert doc["packets"] == 5 and any("--to " + WEB in w for w in doc["warnings"])
    doc = replay(path, "--to", "192.0.2.64/26")
    assert doc["packets"] == 3 and doc["capture"]["left_out_outgoing"] == 1
    assert doc["capture"]["left_out_elsewhere"] == 1 and "warnings" not in doc


def test_a_service_on_top_is_closed(tmp_path):
    """What its address does not speak ends there, unless it is said to be open."""
    path = put(tmp_path, [(T0, pcaps.udp(OTHER, WEB, 1234, 4321)), (T0, pcaps.udp(OTHER, WEB, 53, 80)),
                          (T0, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.SYN))])
    assert reasons(replay(path, *SERVICE)) == {"unspoken": 1, "reflected": 1, "newcomer": 1}
    assert replay(path, *SERVICE)["services"] == {"host": 0, "web": 3}
    doc = replay(path, "--service", "web=tcp/80,443@%s,udp/9@%s,open" % (WEB, WEB))
    assert reasons(doc) == {"newcomer": 2, "reflected": 1}


def test_time_can_be_compressed(tmp_path):
    """One source, 500 packets a second for 20 s: within its limits, and far over them in 0.1 s. What
    is said about times is in the capture's own."""
    frames = [(T0 + i / 500, pcaps.udp(VOTER, WEB, 1000, 2000)) for i in range(10000)]
    path = put(tmp_path, frames)
    assert replay(path)["verdicts"]["drop"] == 0
    for how in (("--over", 0.1), ("--speed", 200)):
        doc = replay(path, *how)
        assert doc["verdicts"]["drop"] > 2000
        assert doc["capture"]["speed"] == pytest.approx(200, rel=0.01)
        assert set(doc["first"]) == {"source_udp"} and T0 < doc["first"]["source_udp"] < T0 + 20


def test_levels_are_in_the_captures_time(tmp_path):
    """A flood of four seconds, then silence: siege, and back to calm by itself."""
    frames = [f for s in range(4) for f in flood(T0 + s, 12000)]
    frames.append((T0 + 60, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.SYN)))
    doc = replay(put(tmp_path, frames), *SERVICE)
    assert [(c["service"], c["level"]) for c in doc["levels"]] == [
        ("web", "guarded"), ("web", "siege"), ("web", "guarded"), ("web", "calm")]
    at = [c["time"] - T0 for c in doc["levels"]]
    assert 0 < at[0] < 1 and 2 < at[1] < 3 and 14 < at[2] < 16 and 35 < at[3] < 37
    text = floodwall("replay", *SERVICE, str(tmp_path / "x.pcap"))[0]
    assert "siege" in text and "answered" in text


# -- policies ---------------------------------------------------------------------------------------

def mixed(tmp_path):
    return put(tmp_path, sorted(
        [(T0 + i / 100, pcaps.udp(VOTER, "192.0.2.81", 1000, 2000)) for i in range(100)] +
        [(T0 + i / 10, pcaps.tcp(OTHER, WEB, 4000 + i, 80, pcaps.SYN)) for i in range(5)] +
        [(T0 + 1, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.SYN))], key=lambda f: f[0]))


def test_a_policy_file_judges(tmp_path):
    path, strict = mixed(tmp_path), policy(tmp_path, "strict.yaml", STRICT)
    assert replay(path)["policy"] == "the default policy"
    assert replay(path)["verdicts"] == {"pass": 106, "drop": 0, "tx": 0}
    doc = replay(path, "--policy", strict)
    assert doc["policy"] == strict and doc["reasons"]["blocked"] == 5
    assert 75 < doc["reasons"]["source_udp"] < 85 and doc["services"]["web"] == 1
    doc = replay(path, "--policy", policy(tmp_path, "m.yaml", "mode: monitor\n" + STRICT))
    assert doc["reasons"]["blocked"] == 5 == doc["verdicts"]["drop"] - doc["reasons"]["source_udp"]
    assert "monitor" in floodwall("replay", path, "--policy", tmp_path / "m.yaml")[0]
    _, err = floodwall("replay", path, "--policy", policy(tmp_path, "bad.yaml", "nonsense: 1\n"), code=1)
    assert "bad.yaml:1:1" in err
    floodwall("replay", path, "--policy", strict, "--running", code=1)
    # It may be another host's: what this one has not is no matter.
    other = policy(tmp_path, "other.yaml", "interfaces: {lo: native, no-such0: native}\n"
                   "services: {web: {to: [203.0.113.250], tcp: [80]}}\n")
    assert "interface here" in floodwall("policy", "check", other)[1]
    assert "interface here" not in floodwall("replay", path, "--policy", other)[1]


def test_two_policies_side_by_side(tmp_path):
    """Who is treated differently, and how much of it: the difference of two single runs."""
    path, strict = mixed(tmp_path), policy(tmp_path, "strict.yaml", STRICT)
    plain = policy(tmp_path, "plain.yaml", "mode: enforce\n")
    doc = json.loads(floodwall("replay", "-j", "--compare", plain, strict, path)[0])
    for name, single in (("first", replay(path)), ("second", replay(path, "--policy", strict))):
        assert all(doc[name][k] == single[k] for k in ("verdicts", "reasons", "services", "bytes"))
    lost = doc["second"]["verdicts"]["drop"]
    assert doc["by_verdicts"]["pass"]["drop"]["packets"] == doc["different"]["packets"] == lost
    assert doc["alike"]["packets"] == 106 - lost and doc["sources_different"] == 2
    assert [(t["source"], t["worse_by_first"], t["worse_by_second"], t["last_reason"])
            for t in doc["top"]] == [(VOTER, 0, lost - 5, "source_udp"), (OTHER, 0, 5, "blocked")]
    turned = json.loads(floodwall("replay", "-j", "--compare", strict, plain, path)[0])
    assert turned["by_verdicts"]["drop"]["pass"]["packets"] == lost
    text = floodwall("replay", "--compare", plain, strict, path)[0]
    assert OTHER in text and "blocked" in text and "2 sources are treated differently" in text
    alike = floodwall("replay", "--compare", strict, strict, path)[0]
    assert "106 packets are treated alike, 0 differently" in alike
    floodwall("replay", "--compare", plain, path, code=1)


def test_what_one_policy_of_two_cannot_know_is_said(tmp_path):
    """Nobody answers these SYNs; only the second policy asks for proof, and drops what has none."""
    path = put(tmp_path, flood(T0, 2000) + [
        (T0 + 2, pcaps.tcp(OTHER, WEB, 4000 + i, 80, pcaps.ACK, i, 1, b"x")) for i in range(50)])
    plain = policy(tmp_path, "plain.yaml", "mode: enforce\n")
    strict = policy(tmp_path, "strict.yaml", "services:\n  host: { level: siege }\n")
    doc = json.loads(floodwall("replay", "-j", "--compare", plain, strict, path)[0])
    lost = doc["second"]["reasons"]["cookie_over"]
    assert lost and not doc["first"]["reasons"]["cookie_over"]
    assert any("%d SYNs over the budget" % lost in w for w in doc["warnings"])
    text = floodwall("replay", "--compare", plain, strict, path)[0]
    assert "by the first policy, 0 by the second" in text
    assert " 50 of them dropped by the second" in text and "dropped by the first;" not in text


# -- rights and traces ------------------------------------------------------------------------------

@pytest.fixture
def ethernet(tmp_path):
    return put(tmp_path, [(T0, pcaps.tcp(VOTER, WEB, 40000, 80, pcaps.SYN))])


def test_without_rights_it_says_sudo(ethernet):
    with tempfile.TemporaryDirectory() as folder:  # unlike pytest's, any user can reach it
        command = rights.anybodys_copy(folder)
        refuses_without_rights(command, ethernet)


def refuses_without_rights(command, ethernet):
    for unprivileged in (["--reuid=65534", "--clear-groups"], ["--bounding-set=-all", "--inh-caps=-all"]):
        p = subprocess.run(["setpriv", *unprivileged, "sh", "-c",
                            "exec \"$0\" replay - < /dev/stdin", command],
                           stdin=open(ethernet, "rb"), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, check=False)
        assert p.returncode == 4 and "sudo" in p.stderr, (p.returncode, p.stderr)


def test_nothing_that_runs_is_touched(box, ethernet):
    """Beside an attached filter: neither its counters nor its state move, and no map stays."""
    box.attach()
    box.fw("limit", "set", "udp", "1/s", "burst", "1")
    before, maps = box.reasons(), box.fwj("status")["tables"]
    frames = [(T0, pcaps.ether(pcaps.udp(VOTER, WEB, 1, 2)))] * 5
    path = pcaps.write(os.path.join(os.path.dirname(ethernet), "y.pcap"), frames)
    doc = box.fwj("replay", path)
    assert doc["verdicts"]["drop"] == 0
    doc = box.fwj("replay", path, "--running")
    assert doc["reasons"]["source_udp"] == 4 and doc["policy"] == "the running policy"
    assert box.reasons() == before and box.fwj("status")["tables"] == maps
