# SPDX-License-Identifier: GPL-2.0-only
"""Captures as files: any format, link and clock, several, endless, damaged, packed, and none at all."""

import bz2
import contextlib
import gzip
import json
import lzma
import os
import pty
import re
import subprocess

import pytest

import lab
import pcaps
from replays import (OTHER, SERVICE, T0, VOTER, VOTER6, WEB, WEB6, each, flood, floodwall, policy, put,
                     replay, same)

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


@pytest.mark.parametrize("at", [0, 2**31 - 1, 2**31, 2**32 - 2])
def test_stamps_of_any_year(tmp_path, at):
    """From 1970 to 2106, as far as a pcap's 32 bits reach."""
    frames = [(at + i, pcaps.ether(PACKETS[0][1])) for i in range(2)]
    path = pcaps.write(tmp_path / "x.pcap", frames)
    assert [p["time"] for p in each(path)] == [at, at + 1]
    doc = replay(path)
    assert doc["capture"]["start"] == at and doc["capture"]["end"] == at + 1


@pytest.mark.parametrize("offset", [-3600, 3600, T0])
def test_an_interfaces_clock_may_have_an_offset(tmp_path, offset):
    frames = [(t, pcaps.ether(p), 0) for t, p in PACKETS]
    lines = each(pcaps.write_ng(tmp_path / "x.pcapng", frames, offset=offset))
    assert all(abs(p["time"] - t) < 1e-5 for p, (t, _) in zip(lines, PACKETS))


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


def test_a_clock_that_was_set_back_goes_on(tmp_path):
    """By NTP, by hand, or since an earlier file was appended: what follows is not one burst. A stray
    stamp from the future does not stop the time either, and packets that were merely out of order are
    no set clock. A source sends 500 a second, within its limit of 1000; what is shown goes on, too."""
    calm = policy(tmp_path, "calm.yaml", "classes:\n  default: { udp: 1000/s burst 1000 }\n")
    steps = {"back": [t - (3600 if i >= 5000 else 0) for i, t in enumerate(i / 500 for i in range(10000))],
             "twice": [i / 500 - i // 4000 * 7 for i in range(10000)],
             "future": [i / 500 + (3600 if i == 2000 else 0) for i in range(10000)],
             "damaged": [i / 500 if i not in (2000, 4000, 6000) else 2**32 - 2 - T0 for i in range(10000)],
             "strays": [i / 500 - (5 if 100 <= i % 500 < 107 else 0) for i in range(10000)]}
    for name, times in steps.items():
        path = pcaps.write(tmp_path / "x.pcap", [(T0 + t, pcaps.ether(pcaps.udp(VOTER, WEB, 1000, 2000)))
                                                 for t in times])
        doc = replay(path, "--policy", calm)
        assert doc["verdicts"]["drop"] == 0, name
        assert doc["capture"]["set_back"] == {"back": 1, "twice": 2, "future": 1, "damaged": 3,
                                              "strays": 0}[name]
        assert bool(doc.get("warnings")) == (name != "strays"), name
        length = doc["capture"]["end"] - doc["capture"]["start"]
        if name != "damaged":
            assert length == pytest.approx(3620 if name == "future" else 20, abs=0.2), name
        assert [p["time"] for p in each(path)[::500]] == pytest.approx([T0 + t for t in times[::500]], abs=1e-5)


def peak(path):
    """Most memory that a replay of it held, in KiB."""
    pid = os.posix_spawn(lab.FLOODWALL, [lab.FLOODWALL, "replay", "-j", path], os.environ,
                         file_actions=[(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)])
    return os.wait4(pid, 0)[2].ru_maxrss


def test_memory_does_not_grow_with_the_capture(tmp_path, figure):
    """Four times the packets, each of a source of its own, in the same memory but for noise; so many
    to begin with that tables of a fixed size are full. FLOODWALL_CAPTURE_MB=10240 does it with 10 GB."""
    size = int(os.environ.get("FLOODWALL_CAPTURE_MB", "200")) << 20
    few, many = str(tmp_path / "few.pcap"), str(tmp_path / "many.pcap")
    pcaps.write_long(few, size // 4, T0, WEB)
    packets = pcaps.write_long(many, size, T0, WEB)
    doc = replay(many)
    a, b = peak(few), peak(many)
    os.unlink(many)
    assert doc["packets"] == packets
    assert b - a < 8192, (a, b)
    figure("replay: %d MB in %.1f s, %.0f k packets/s; %d kB of memory at most, a quarter of it in %d kB" % (
        size >> 20, doc["run_s"], doc["packets_per_s"] / 1e3, b, a))


def on_a_terminal(out, *argv):
    """What a replay shows on a terminal as its stderr, and as its stdout if out."""
    here, there = pty.openpty()
    shown = b""
    with subprocess.Popen([lab.FLOODWALL, "replay", *map(str, argv)], stderr=there,
                          stdout=there if out else subprocess.DEVNULL) as p:
        os.close(there)
        with contextlib.suppress(OSError):  # EIO: the terminal's last user is gone
            while True:
                got = os.read(here, 65536)
                if not got:
                    break
                shown += got
    os.close(here)
    assert p.returncode == 0, shown
    return shown.decode()


def test_the_bar(tmp_path):
    """It goes to the end and is wiped; both readings of --over have one; none among lines of packets."""
    path = put(tmp_path, [f for s in range(3) for f in flood(T0 + s, 15000)])
    shown = on_a_terminal(False, path)
    assert re.findall(r"reading \[(#*) *\] +(\d+) %, (\S+) packets", shown)[-1][2] == "32.8k"
    assert "reading [" not in shown.split("\r\x1b[K")[1]
    shown = on_a_terminal(False, "--over", 1, path)
    assert 0 <= shown.index("measuring [") < shown.index("reading [")
    assert "reading [" not in on_a_terminal(True, "--each", path)


def test_who_reads_no_further_stops_it(tmp_path):
    path = put(tmp_path, flood(T0, 20000))
    p = subprocess.run("'%s' replay --each '%s' | head -n 1" % (lab.FLOODWALL, path), shell=True,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=True)
    assert json.loads(p.stdout)["index"] == 0 and "error" not in p.stderr


def test_a_full_disk_is_named(tmp_path):
    path = put(tmp_path, flood(T0, 2000))
    for each_too in ((), ("--each",)):
        with open("/dev/full", "w") as full:
            p = subprocess.run([lab.FLOODWALL, "replay", path, *each_too], stdout=full,
                               stderr=subprocess.PIPE, text=True, check=False)
        assert p.returncode == 2 and "cannot" in p.stderr, p.stderr
    assert "No space left" in p.stderr


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
           "xz": lzma.compress(b"x"), "bz2": bz2.compress(b"x"), "zst": b"\x28\xb5\x2f\xfd\x24\0\0",
           "short": b"\xd4\xc3\xb2\xa1\x02"}
UNPACK = {"gz": "zcat", "xz": "xzcat", "bz2": "bzcat", "zst": "zstdcat"}


@pytest.mark.parametrize("what", REFUSED)
def test_what_comes_through_a_pipe_is_refused_likewise(tmp_path, what):
    """The writer of a pipe is gone by then, and who opened it again would wait for another."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with subprocess.Popen(["sh", "-c", 'cat > "$0"', path], stdin=subprocess.PIPE) as writer:
        writer.stdin.write(REFUSED[what])
        writer.stdin.close()
        errors = [floodwall("replay", path, code=1)[1]]
    errors.append(floodwall("replay", "-", stdin=REFUSED[what], code=1)[1])
    for err, name in zip(errors, (str(path), "standard input")):
        assert err.startswith("error: " + name) and UNPACK.get(what, "") in err, err
        assert ("is empty" in err) == (what == "empty")


def test_standard_input_holds_one_capture(ethernet):
    with open(ethernet, "rb") as f:
        assert "2 times" in floodwall("replay", "-", "-", stdin=f.read(), code=1)[1]


@pytest.mark.parametrize("what", [*REFUSED, "wifi", "folder", "missing"])
def test_what_is_no_capture_is_refused(tmp_path, what):
    path = tmp_path / what
    if what in REFUSED:
        path.write_bytes(REFUSED[what])
    elif what == "wifi":
        pcaps.write(path, [(T0, b"x" * 60)], pcaps.IEEE80211)
    elif what == "folder":
        path.mkdir()
    out, err = floodwall("replay", path, code=1)
    assert not out and what in err, err
    assert UNPACK.get(what, "") in err
    doc = json.loads(floodwall("replay", "-j", path, code=1)[0])
    assert doc["error"]["code"] == 1


@pytest.mark.parametrize("argv", [("--speed", "0"), ("--speed", "x"), ("--over", "-1"),
                                  ("--over", "1", "--speed", "2"), ("--service", "web"),
                                  ("--service", "web=tcp/0"), ("--service", "web=x/1"),
                                  ("--service", "a=tcp/80", "--service", "b=tcp/80"),
                                  ("--to", "nowhere"), ("--to", ""), ("--to", ","), ("--top", "x"), ()])
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
