# SPDX-License-Identifier: GPL-2.0-only
"""Captures through the shipped program: every packet in one verdict, the same answer twice, any
file format, and what cannot be known is declared."""

import collections
import gzip
import json
import os
import subprocess

import pytest

import lab
import pcaps
from replays import (ATTACK, HONEST, OTHER, SERVICE, STRICT, T0, VOTER, VOTER6, WEB, WEB6, each,
                     flood, floodwall, given, policy, put, reasons, replay, same)


# -- real captures ----------------------------------------------------------------------------------

@pytest.mark.parametrize("capture", HONEST, ids=os.path.basename)
def test_ordinary_sessions_lose_nothing(capture):
    doc = replay(given(capture))
    assert doc["packets"] == len(pcaps.read(capture)) and doc["verdicts"]["drop"] == 0


@pytest.mark.parametrize("capture", ATTACK, ids=os.path.basename)
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
    for name, first in doc["first"].items():
        assert abs(first - min(p["time"] for p in lines if p["reason"] == name)) < 2e-5


@pytest.mark.parametrize("capture", ATTACK, ids=os.path.basename)
def test_the_same_answer_twice(capture):
    argv = (given(capture), "--over", 1, "--service", "web=tcp/80,443")
    assert same(replay(*argv)) == same(replay(*argv))


@pytest.mark.parametrize("capture", ATTACK, ids=os.path.basename)
def test_compressed_floods_bite(capture):
    """A declared service that speaks TCP only; what is UDP ends there, what is a SYN is answered."""
    target = collections.Counter((p["dst"], p["dport"]) for p in each(given(capture))
                                 if p["dport"]).most_common(1)[0][0]
    doc = replay(capture, "--over", 0.1, "--service", "web=tcp/%d@%s" % (target[1], target[0]))
    if "synflood" in capture:
        assert doc["verdicts"]["tx"] > 0.7 * doc["packets"] and doc["levels"]
    if "UDP" in capture:
        assert doc["reasons"]["unspoken"] + doc["reasons"]["reflected"] > 0.5 * doc["packets"]  # the rest goes to ports of replies


# -- formats ----------------------------------------------------------------------------------------

PACKETS = [(T0 + i * 0.01, p) for i, p in enumerate([
    pcaps.tcp(VOTER, WEB, 40000, 80, pcaps.SYN), pcaps.udp(OTHER, WEB, 53, 3000),
    pcaps.tcp(VOTER6, WEB6, 40001, 443, pcaps.SYN), pcaps.tcp(OTHER, WEB, 0, 80, pcaps.SYN),
    pcaps.tcp(VOTER, WEB, 40000, 80, pcaps.SYN | pcaps.FIN), pcaps.udp(VOTER6, WEB6, 5000, 5001)])]
LINKS = {"sll": (pcaps.SLL, pcaps.cooked), "sll2": (pcaps.SLL2, pcaps.cooked2),
         "raw": (pcaps.RAW, bytes), "null": (pcaps.NULL, pcaps.null)}


@pytest.fixture(scope="module")
def ethernet(tmp_path_factory):
    return pcaps.write(tmp_path_factory.mktemp("captures") / "ether.pcap",
                       [(t, pcaps.ether(p)) for t, p in PACKETS])


@pytest.fixture(scope="module")
def judged(ethernet):
    lines = each(ethernet, *SERVICE)
    assert len({p["reason"] for p in lines}) >= 4
    return lines


@pytest.mark.parametrize("link", LINKS)
def test_link_types_are_judged_as_ethernet(tmp_path, judged, link):
    number, wrap = LINKS[link]
    path = pcaps.write(tmp_path / "other.pcap", [(t, wrap(p)) for t, p in PACKETS], number)
    assert each(path, *SERVICE) == judged


@pytest.mark.parametrize("family,link", [(4, pcaps.IPV4), (6, pcaps.IPV6)])
def test_links_of_one_family(tmp_path, judged, family, link):
    mine = [(t, p) for t, p in PACKETS if p[0] >> 4 == family]
    lines = each(pcaps.write(tmp_path / "ip.pcap", mine, link), *SERVICE)
    like = [p for p, (_, packet) in zip(judged, PACKETS) if packet[0] >> 4 == family]
    assert [dict(p, index=0) for p in lines] == [dict(p, index=0) for p in like]


@pytest.mark.parametrize("order,nano", [("<", True), (">", False), (">", True)])
def test_byte_orders_and_resolutions(tmp_path, judged, order, nano):
    lines = each(pcaps.write(tmp_path / "x.pcap", [(t, pcaps.ether(p)) for t, p in PACKETS],
                             order=order, nano=nano), *SERVICE)
    assert [p["reason"] for p in lines] == [p["reason"] for p in judged]
    assert all(abs(p["time"] - t) < 1e-6 for p, (t, _) in zip(lines, PACKETS))


def test_interfaces_of_a_pcapng_count_for_themselves(tmp_path, judged):
    lines = each(pcaps.write_ng(tmp_path / "x.pcapng",
                                [(t, pcaps.ether(p), i % 3) for i, (t, p) in enumerate(PACKETS)],
                                (6, 9, 3)), *SERVICE)
    assert [p["reason"] for p in lines] == [p["reason"] for p in judged]
    assert all(abs(p["time"] - t) < 1e-6 for p, (t, _) in zip(lines, PACKETS))


def test_interfaces_of_a_pcapng_may_differ_in_all(tmp_path, judged):
    """Link, snapshot length, resolution by powers of two, an offset, the other byte order; and one
    of a link that carries no IP."""
    wraps = (pcaps.ether, bytes, pcaps.cooked2)
    frames = [(t, wraps[i % 3](p), i % 3) for i, (t, p) in enumerate(PACKETS)]
    path = pcaps.write_ng(tmp_path / "x.pcapng", frames + [(T0 + 9, b"radio", 3)],
                          (9, 0x80 | 20, 6, 6), (pcaps.EN10MB, pcaps.RAW, pcaps.SLL2, pcaps.IEEE80211),
                          (96, 0, 262144, 0), ">", T0 - 100)
    lines = each(path, *SERVICE)
    assert [dict(p, time=0) for p in lines] == [dict(p, time=0) for p in judged]
    assert all(abs(p["time"] - t) < 1e-5 for p, (t, _) in zip(lines, PACKETS))
    doc = replay(path)
    assert doc["capture"]["left_out_link"] == 1 and "no IP" in doc["warnings"][0]


def test_a_pcapng_that_breaks_off(tmp_path, judged):
    path = pcaps.write_ng(tmp_path / "x.pcapng", [(t, pcaps.ether(p), 0) for t, p in PACKETS])
    with open(path, "rb") as f:
        raw = f.read()
    for damage in (raw[:-2], raw[:-4] + b"\0\0\0\0", raw[:-60] + b"\xff" * 60):
        (tmp_path / "cut.pcapng").write_bytes(damage)
        doc = replay(tmp_path / "cut.pcapng", code=5)
        assert doc["packets"] == len(PACKETS) - 1 and doc["capture"]["truncated"]


def test_packets_the_host_sent_are_left_out(tmp_path):
    """Cooked captures say who sent a packet."""
    path = pcaps.write(tmp_path / "x.pcap", [
        (T0, pcaps.cooked(pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.SYN))),
        (T0, pcaps.cooked(pcaps.tcp(WEB, VOTER, 80, 4000, pcaps.SYN | pcaps.ACK, 9, 2), 4))], pcaps.SLL)
    doc = replay(path)
    assert doc["packets"] == 1 and doc["capture"]["left_out_outgoing"] == 1


def test_several_files_are_merged_by_time(tmp_path, judged):
    frames = [(t, pcaps.ether(p)) for t, p in PACKETS]
    a = pcaps.write(tmp_path / "a.pcap", frames[::2])
    b = pcaps.write_ng(tmp_path / "b.pcapng", [(t, p, 0) for t, p in frames[1::2]])
    assert each(b, a, *SERVICE) == judged


def test_standard_input(ethernet):
    with open(ethernet, "rb") as f:
        doc = replay("-", stdin=f.read())
    assert same(doc) == same(replay(ethernet))
    _, err = floodwall("replay", "-", "--over", 1, stdin=b"", code=1)
    assert "standard input" in err and "twice" in err


def test_stamps_that_run_backward_are_held(tmp_path):
    frames = [(T0 + t, pcaps.ether(pcaps.udp(VOTER, WEB, 1000, 2000))) for t in (0, 5, 2, 5.5, -9, 6)]
    doc = replay(pcaps.write(tmp_path / "x.pcap", frames))
    assert doc["packets"] == 6 and doc["capture"]["backward"] == 2
    assert doc["capture"]["backward_s"] == pytest.approx(14.5)
    assert doc["capture"]["end"] - doc["capture"]["start"] == pytest.approx(6, abs=1e-3)


def peak(path):
    """Most memory that a replay of it held, in KiB."""
    pid = os.posix_spawn(lab.FLOODWALL, [lab.FLOODWALL, "replay", "-j", path], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    return os.wait4(pid, 0)[2].ru_maxrss


def test_memory_does_not_grow_with_the_capture(tmp_path):
    """Sixteen times the packets, of as many sources, in the same memory but for noise."""
    few = put(tmp_path, [f for s in range(2) for f in flood(T0 + s, 10000)])
    with open(few, "rb") as f:
        raw = f.read()
    many = tmp_path / "many.pcap"
    many.write_bytes(raw[:24] + raw[24:] * 16)
    a, b = peak(few), peak(str(many))
    assert b - a < 8192, (a, b)


def test_who_reads_no_further_stops_it(tmp_path):
    path = put(tmp_path, flood(T0, 20000))
    p = subprocess.run("'%s' replay --each '%s' | head -n 1" % (lab.FLOODWALL, path), shell=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    assert json.loads(p.stdout)["index"] == 0 and "error" not in p.stderr


def test_cut_packets_count_their_whole_length(tmp_path):
    whole = pcaps.ether(pcaps.udp(VOTER, WEB, 1000, 2000, b"x" * 1000))
    blind = pcaps.ether(pcaps.tcp(VOTER, WEB, 1000, 80, pcaps.SYN))
    path = pcaps.write(tmp_path / "x.pcap", [(T0, whole[:60], len(whole)), (T0, blind[:40], len(blind))])
    out, err = floodwall("replay", "-j", path)
    doc = json.loads(out)
    assert doc["bytes"] == len(whole) + len(blind)
    assert doc["capture"]["cut"] == 2 and doc["capture"]["cut_in_headers"] == 1
    assert any("headers" in w for w in doc["warnings"])
    assert "headers" in floodwall("replay", path)[1]


def test_a_capture_that_breaks_off(tmp_path, ethernet):
    with open(ethernet, "rb") as f:
        raw = f.read()
    path = tmp_path / "cut.pcap"
    path.write_bytes(raw[:-7])
    doc = replay(path, code=5)
    assert doc["packets"] == len(PACKETS) - 1 and doc["capture"]["truncated"]
    assert "cut.pcap" in floodwall("replay", path, code=5)[1]
    path.write_bytes(raw[:24])
    doc = replay(path)
    assert doc["packets"] == 0 and not doc["capture"]["truncated"]
    assert "total" in floodwall("replay", path)[0]


REFUSED = {"empty": b"", "garbage": b"this is no capture at all, but text", "gz": gzip.compress(b"x"),
           "short": b"\xd4\xc3\xb2\xa1\x02"}


@pytest.mark.parametrize("what", [*REFUSED, "wifi", "folder", "missing"])
def test_what_is_no_capture_is_refused(tmp_path, what):
    path, code = tmp_path / what, 1
    if what in REFUSED:
        path.write_bytes(REFUSED[what])
    elif what == "wifi":
        pcaps.write(path, [(T0, b"x" * 60)], pcaps.IEEE80211)
    elif what == "folder":
        path.mkdir()
    else:
        code = 3
    out, err = floodwall("replay", path, code=code)
    assert not out and what in err, err
    if what == "gz":
        assert "zcat" in err
    doc = json.loads(floodwall("replay", "-j", path, code=code)[0])
    assert doc["error"]["code"] == code


@pytest.mark.parametrize("argv", [("--speed", "0"), ("--speed", "x"), ("--over", "-1"),
                                  ("--over", "1", "--speed", "2"), ("--service", "web"),
                                  ("--service", "web=tcp/0"), ("--service", "web=x/1"),
                                  ("--service", "a=tcp/80", "--service", "b=tcp/80"),
                                  ("--to", "nowhere"), ("--top", "x"), ()])
def test_wrong_use_is_said(ethernet, argv):
    _, err = floodwall("replay", *argv, *([ethernet] if argv else []), code=1)
    assert err.startswith("error: ")


def test_frames_of_odd_lengths(tmp_path):
    """From nothing to more than any link carries."""
    frames = [(T0, b""), (T0, b"\x02" * 5), (T0, pcaps.ether(b"\x45")), (T0, b"\0" * 200, 70000),
              (T0, pcaps.ether(pcaps.udp(VOTER, WEB, 1, 2, b"j" * 9000)))]
    path = pcaps.write(tmp_path / "x.pcap", frames)
    doc, lines = replay(path), each(path)
    assert doc["packets"] == len(lines) == 5
    assert doc["capture"]["too_long"] == 1 and doc["capture"]["too_short"] == 2
    assert lines[0]["src"] is None and lines[4]["len"] == 9042


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
        assert all(T0 < first < T0 + 20 for first in doc["first"].values())


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


# -- rights and traces ------------------------------------------------------------------------------

def test_without_rights_it_says_sudo(ethernet):
    os.chmod(os.path.dirname(ethernet), 0o755)
    for unprivileged in (["--reuid=65534", "--clear-groups"], ["--bounding-set=-all", "--inh-caps=-all"]):
        p = subprocess.run(["setpriv", *unprivileged, "sh", "-c",
                            "exec \"$0\" replay - < /dev/stdin", lab.FLOODWALL],
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
