# SPDX-License-Identifier: GPL-2.0-only
"""Limits from recordings: what is proposed is a policy file, and cuts nothing of the recording."""

import gzip
import json
import os
import random

import pytest

import pcaps
from replays import (HONEST, STRICT, T0, VOTER, VOTER6, WEB, floodwall, given, policy, put, replay,
                     title)

LIMITS = ("source_packets", "source_bytes", "source_syn", "source_udp", "source_icmp",
          "source_fragments")


def suggest(*argv):
    return json.loads(floodwall("limit", "suggest", "-j", *argv)[0])


def fragment(tmp_path, *argv):
    text = floodwall("limit", "suggest", *argv)[0]
    path = policy(tmp_path, "fragment.yaml", text)
    floodwall("policy", "check", path)
    return path


def test_percentiles_and_margin(tmp_path):
    """100 sources send 1 to 100 pings within a second, and nothing else ever."""
    frames = [(T0 + i / 200, pcaps.ip("20.0.0.%d" % source, WEB, 1, b"\x08" + bytes(7)))
              for source in range(1, 101) for i in range(source)]
    path = put(tmp_path, sorted(frames, key=lambda f: f[0]))
    for percentile, margin, burst in ((50, 2, 100), (90, 4, 360), (100, 10, 1000)):
        doc = suggest(path, "--percentile", percentile, "--margin", margin)
        icmp = doc["classes"]["default"]["icmp"]
        assert icmp["sources"] == 100 and icmp["most_burst"] == 100
        assert icmp["burst"] == percentile and icmp["limit"]["burst"] == burst
        assert icmp["rate"] == pytest.approx(percentile / 10)
        assert icmp["limit"]["count"] == pytest.approx(percentile / 10 * margin, abs=1)
    assert doc["classes"]["default"]["udp"] is None
    text = floodwall("limit", "suggest", path)[0]
    assert "4 times what 99.9 %" in text and "# udp: none" in text


@pytest.mark.parametrize("sources", [999, 1000, 1001, 2000])
def test_one_in_a_thousand_decides_nothing(tmp_path, sources):
    """99.9 % of a thousand sources are all but one; of fewer they are all."""
    frames = [(T0 + i / 1000, pcaps.udp("20.0.%d.%d" % (i >> 8, i & 255), WEB, 1, 2))
              for i in range(sources)] + [(T0 + 5, pcaps.udp("20.0.0.0", WEB, 1, 2))] * 50
    udp = suggest(put(tmp_path, frames))["classes"]["default"]["udp"]
    assert udp["sources"] == sources and udp["most_burst"] == 50
    assert udp["burst"] == (50 if sources < 1000 else 1)


def test_what_comes_evenly_is_not_made_more(tmp_path):
    """100 a second for half a minute, from a voter and to the service: a tenth is the most that is
    said too much."""
    path = put(tmp_path, [(T0 + i / 100, pcaps.tcp(VOTER, WEB, 1000 + i, 80, pcaps.SYN))
                          for i in range(3000)])
    doc = suggest(path)
    for kind in ("packets", "syn"):
        seen = doc["classes"]["default"][kind]
        assert 100 <= seen["burst"] <= 110 and 100 <= seen["rate"] <= 110
    assert 100 <= doc["services"]["host"]["syn_most_per_s"] <= 110


def test_the_source_that_is_no_address_is_one(tmp_path):
    """Who looks for an address of his own sends from ::, all of a link's hosts."""
    frames = [(T0 + i / 10000, pcaps.udp("::" if i % 5 else VOTER6, "2001:db8::80", 1, 2))
              for i in range(70000)]
    doc = suggest(put(tmp_path, frames))
    assert doc["sampled_one_in"] == 1 and doc["sources"] == 2
    assert doc["classes"]["default"]["udp"]["sources"] == 2


def test_classes_count_for_themselves(tmp_path):
    text = "classes:\n  office: { prefixes: [198.51.100.0/24] }\n" + STRICT.split("lanes")[0][9:]
    frames = [(T0 + i / 10, pcaps.udp(VOTER, WEB, 1000, 2000)) for i in range(1000)]
    frames += [(T0 + i, pcaps.udp("20.0.0.1", WEB, 1000, 2000)) for i in range(100)]
    path = put(tmp_path, sorted(frames, key=lambda f: f[0]))
    doc = suggest(path, "--policy", policy(tmp_path, "p.yaml", text))
    assert doc["classes"]["office"]["udp"]["rate"] == pytest.approx(10, rel=0.6)
    assert doc["classes"]["default"]["udp"]["rate"] == pytest.approx(1, rel=0.6)
    assert fragment(tmp_path, path, "--policy", str(tmp_path / "p.yaml"))


def test_whom_no_limit_holds_is_left_out(tmp_path):
    """The desk in the management lane, and whoever is blocked: of several lanes the first counts,
    and of classes the longest prefix."""
    text = (STRICT.split("lanes")[0] + "  office: { prefixes: [198.51.100.0/24, '2001:db8:7::/48'] }\n"
            "  desk: { prefixes: [198.51.100.7] }\n"
            "lanes:\n  management: [20.0.0.1]\n  trusted: [20.0.0.1, 20.0.2.0/24]\n"
            "  blocked: [20.0.1.0/24, 20.0.2.2, '2001:db8:8::/48']\n")
    froms = {"20.0.0.1": 500, "20.0.1.1": 400, "20.0.2.2": 30, "20.0.3.3": 20, VOTER6: 10,
             "2001:db8:8::1": 300, VOTER: 6, "198.51.100.8": 5}
    frames = [(T0 + i / 1000, pcaps.udp(source, "2001:db8::80" if ":" in source else WEB, 1, 2))
              for source, n in froms.items() for i in range(n)]
    doc = suggest(put(tmp_path, sorted(frames, key=lambda f: f[0])),
                  "--policy", policy(tmp_path, "p.yaml", text))
    most = {name: kinds["udp"]["most_burst"] for name, kinds in doc["classes"].items()}
    assert most == {"default": 20, "trusted": 30, "office": 10, "desk": 6}
    assert doc["sources"] == 5 and doc["unlimited_left_out"] == 3


def habit(seed):
    """Sources of many habits, for two minutes: steady, in waves, all at once."""
    dice, frames = random.Random(seed), []
    for n in range(40):
        source, at, end = "20.1.0.%d" % (n + 1), dice.uniform(0, 60), dice.uniform(60, 120)
        while at < end:
            for _ in range(dice.choice((1, 1, 5, 50))):
                frames.append((T0 + at, dice.choice((
                    pcaps.udp(source, WEB, 1000, 2000, bytes(dice.randrange(1000))),
                    pcaps.tcp(source, WEB, dice.randrange(1024, 60000), 80, pcaps.SYN),
                    pcaps.tcp(source, WEB, 4000, 80, pcaps.ACK, data=bytes(dice.randrange(1400)))))))
            at += dice.choice((0.01, 0.3, 1, 4))
    return sorted(frames, key=lambda f: f[0])


@pytest.mark.parametrize("seed", range(3))
def test_what_it_proposes_cuts_nothing_of_the_recording(tmp_path, seed):
    path = put(tmp_path, habit(seed))
    doc = replay(path, "--policy", fragment(tmp_path, path, "--percentile", 100, "--margin", 2))
    assert not [r for r in LIMITS if doc["reasons"][r]] and doc["packets"] > 5000
    # ... and they are limits: ten times as fast, they bite.
    assert replay(path, "--policy", tmp_path / "fragment.yaml", "--speed", 10)["verdicts"]["drop"]


@pytest.mark.parametrize("capture", HONEST, ids=title)
def test_real_sessions_give_a_policy(tmp_path, capture):
    fragment(tmp_path, given(capture), "--service", "web=tcp/80,443")


def test_the_host_itself_is_left_out(tmp_path):
    frames = [(T0, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.SYN, 10)),
              (T0, pcaps.tcp(WEB, VOTER, 80, 4000, pcaps.SYN | pcaps.ACK, 50, 11)),
              (T0, pcaps.tcp(VOTER, WEB, 4000, 80, pcaps.ACK, 11, 51))]
    frames += [(T0, pcaps.tcp(WEB, VOTER, 80, 4000, pcaps.ACK, 51, 11, bytes(1000)))] * 500
    path = put(tmp_path, frames)
    doc = suggest(path)
    assert doc["servers_left_out"] == 1 and doc["sources"] == 1
    assert doc["classes"]["default"]["packets"]["most_burst"] == 2
    doc = suggest(path, "--to", WEB)
    assert doc["sources"] == 1 and doc["packets"] == 2


def test_who_answers_a_named_host_is_a_source(tmp_path):
    """It asks a mirror itself: what that sends is held to limits like anybody's."""
    frames = [(T0, pcaps.tcp(WEB, VOTER, 4000, 80, pcaps.SYN, 10)),
              (T0, pcaps.tcp(VOTER, WEB, 80, 4000, pcaps.SYN | pcaps.ACK, 50, 11))]
    frames += [(T0, pcaps.tcp(VOTER, WEB, 80, 4000, pcaps.ACK, 51, 11, bytes(1000)))] * 500
    doc = suggest(put(tmp_path, frames), "--to", WEB)
    assert doc["servers_left_out"] == 0 and doc["sources"] == 1
    assert doc["classes"]["default"]["packets"]["most_burst"] == 501
    assert not any("host itself" in w for w in doc["warnings"])


def test_services_and_ipv6(tmp_path):
    frames = [(T0 + i / 100, pcaps.tcp("2001:db8:7::%x" % (i + 1), "2001:db8::80", 4000, 443, pcaps.SYN))
              for i in range(50)] + [(T0 + 1, pcaps.tcp(VOTER6, "2001:db8::80", 4000, 22, pcaps.SYN))]
    path = put(tmp_path, frames)
    doc = suggest(path, "--service", "web=tcp/443@2001:db8::80")
    assert doc["sources"] == 1  # one /64
    assert doc["services"]["web"]["syn_most_per_s"] == 50
    assert doc["services"]["host"]["syn_most_per_s"] == 1
    text = floodwall("limit", "suggest", path, "--service", "web=tcp/443@2001:db8::80")[0]
    assert "tcp/443@2001:db8::80" in text and "closed: on" in text
    fragment(tmp_path, path, "--service", "web=tcp/443@2001:db8::80")


def test_of_very_many_sources_a_sample_is_kept(tmp_path):
    frames = [(T0 + i / 1000, pcaps.udp("30.%d.%d.%d" % (i >> 16, i >> 8 & 255, i & 255), WEB, 1, 2))
              for i in range(120000)]
    doc = suggest(put(tmp_path, frames))
    assert doc["sampled_one_in"] == 4 and 24000 < doc["sources"] < 36000
    assert doc["packets"] == 120000


def test_an_empty_recording_proposes_nothing(tmp_path):
    assert suggest(pcaps.write(tmp_path / "x.pcap", []))["classes"] == {}
    fragment(tmp_path, tmp_path / "x.pcap")


def test_what_is_compressed_is_said_without_another_command(tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"x"))
    err = floodwall("limit", "suggest", tmp_path / "x.gz", code=1)[1]
    assert "zcat FILE |" in err and "replay" not in err


@pytest.mark.parametrize("argv", [("--margin", "1"), ("--margin", "x"), ("--percentile", "101")])
def test_wrong_use_is_said(tmp_path, argv):
    floodwall("limit", "suggest", put(tmp_path, []), *argv, code=1)
