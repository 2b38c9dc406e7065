# SPDX-License-Identifier: GPL-2.0-only
"""The crowd, one thing at a time: the first packet beyond a budget, SYN cookies and real stacks, which
proof fits, what is shown of levels and ports. Few packets: other files of tests run meanwhile."""

import os
import time

import pytest

import lab

PASSES = ("newcomer", "source_ok", "crowd_ok", "retransmit_ok")


def show(what, **figures):
    print("%-16s %s" % (what, "  ".join("%s %s" % f for f in figures.items())))


@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
@pytest.mark.parametrize("mode", ["syn", "ack", "synack", "icmp", "udp", "mix"])
def test_first_packet_beyond_the_budget(box, mode, v6):
    """Nobody has to notice a flood first: what passes is the burst, and not one packet more than
    the rate adds while the flood lasts."""
    box.nginx()
    box.attach()
    box.fw("budget", "set", "newcomers6" if v6 else "newcomers4", "10/s", "burst", "100")
    box.quiet()
    before = box.counted()
    f = box.flood(mode, v6=v6, count=4000, sport=4000 if mode == "udp" else None).result()
    moved = box.arrived(before, f)
    took = time.monotonic() - f["first_ns"] / 1e9  # the last ones may have waited in the ring
    passed = sum(moved.get(r, 0) for r in PASSES)
    show("%s%s" % (mode, " v6" if v6 else ""), packets=f["sent"], passed=passed,
         first_stopped="packet %d" % (passed + 1), reasons=moved)
    assert 90 <= passed <= 100 + 10 * (took + 0.02), moved


# -- SYN cookies and real stacks: in siege, everybody who comes gets one --------------------------


@pytest.fixture
def siege(make_lab):
    def make(**options):
        box = make_lab(**options)
        box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
        box.nginx()
        box.attach()
        box.fw("service", "set", "host", "--level", "siege")
        return box
    return make


def cookies(box, do):
    """Whatever do() does, each connection of a stranger went by cookie, and none was refused."""
    before = box.reasons()
    result = do()
    box.quiet()
    moved = lab.minus(box.reasons(), before)
    assert moved.get("cookie_sent") and moved.get("cookie_valid"), moved
    assert not moved.get("cookie_bad") and not moved.get("cookie_over"), moved
    return result


def curl(box, v6, n):
    source = lab.address(lab.FRESH6 if v6 else lab.FRESH4, n)
    host = "[%s]" % lab.SRV6 if v6 else lab.SRV4
    return box.inside(box.world, "curl", "-gsS", "--interface", source, "--max-time", "30", "-o",
                      os.path.join(box.dir, "page"), "-w", "%{http_code} %{size_download}",
                      "http://%s/results.html" % host).stdout


def test_cookies_with_curl(siege):
    box, size = siege(), len(lab.results_page())
    for v6 in (False, True):
        for n in range(5):
            assert cookies(box, lambda v=v6, n=n: curl(box, v, n)) == "200 %d" % size


@pytest.mark.parametrize("end", ["client", "server"])
def test_cookies_without_an_option(siege, end):
    box = siege()
    where = box.world if end == "client" else box.srv
    for n, off in enumerate(("timestamps", "sack", "window_scaling")):
        box.sysctl(where, **{"net__ipv4__tcp_" + off: 0})
        for v6 in (False, True):
            assert cookies(box, lambda v=v6, n=n: curl(box, v, n)).startswith("200 ")
        box.sysctl(where, **{"net__ipv4__tcp_" + off: 1})


@pytest.mark.parametrize("mtu, sizes", [(1500, (88, 536, 1300)), (9000, (None, 8000))])
def test_cookies_with_any_mss(siege, mtu, sizes):
    box = siege(mtu=mtu)
    for i, mss in enumerate(sizes):
        options = {"mss": mss} if mss else {}
        for v6 in (False, True):  # who comes has not been here before
            r = cookies(box, lambda o=options, v=v6, n=1000 * i: box.voters(
                v6=v, fresh=True, skip=n, rate=50, seconds=0.5, timeout_ms=8000, **o).result())
            assert r["served"] == r["tried"] >= 10, r


def test_cookies_with_wrk(siege):
    box = siege()
    wrk = box.inside(box.world, "sh", "-c", "command -v wrk", check=False).stdout.strip()
    if not wrk:
        pytest.skip("wrk is not installed")
    out = cookies(box, lambda: box.inside(
        box.world, wrk, "-t1", "-c50", "-d2s", "--timeout", "30s", "-H", "Connection: close",
        "http://%s/results.html" % lab.SRV4).stdout)
    assert "Requests/sec" in out and "Socket errors" not in out and "Non-2xx" not in out, out


# -- which proof fits ------------------------------------------------------------------------------


def host_proof(box):
    return [s for s in box.fwj("service", "list")["services"] if s["service"] == "host"][0]["proof"]


def proofs(box):
    return [f for f in box.fwj("doctor", check=False)["findings"] if f["probe"] == "proof"]


@pytest.mark.parametrize("cookies, forward, proof, words", [
    (2, 0, "cookie", None), (1, 0, "cookie", "tcp_syncookies=1"),
    (0, 0, "retransmit", "tcp_syncookies=0"), (2, 1, "retransmit", "ip_forward=1")])
def test_first_attach_chooses_the_proof(box, cookies, forward, proof, words):
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=cookies, net__ipv4__ip_forward=forward)
    assert "proof " + proof in proofs(box)[0]["text"]
    said = box.fw("attach", box.iface, "--sources4", "65536", "--sources6", "65536", "--prefixes4",
                  "10000", "--prefixes6", "1000").stderr
    assert (words in said) if words else not said, said
    assert "by SYN cookie" not in said, "promises what it has just said is not so"
    assert host_proof(box) == proof


def test_doctor_finds_a_service_nobody_serves(box):
    """A container's port, say: cookies cannot be made for it. The command that it prints mends it,
    and back when somebody listens."""
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.attach()
    box.fw("service", "add", "web", "--to", "any", "--tcp", "80", "--proof", "cookie")

    def about():
        return [f for f in proofs(box) if "service web" in f["text"]][0]

    assert about()["level"] == "warn" and "TCP port 80" in about()["text"]
    box.inside(box.srv, lab.FLOODWALL, *about()["mend"].split()[1:], env=box.env())
    assert about()["level"] == "ok"
    box.nginx()
    assert about()["level"] == "note"
    box.inside(box.srv, lab.FLOODWALL, *about()["mend"].split()[1:], env=box.env())
    assert about()["level"] == "ok"


def test_reflected_packets_by_port(box):
    """stats says which amplifiers were used."""
    box.attach()
    sent = {}
    for port, n in ((11211, 300), (1900, 200)):
        before = box.counted()
        sent[port] = sum(box.arrived(before, box.flood("udp", sport=port, count=n,
                                                       pps=5000).result()).values())
    ports = {r["port"]: r["packets"] for r in box.fwj("stats")["reflected"] if r["packets"]}
    assert ports == sent, (ports, sent)
    assert "port 11211" in box.fw("stats").stdout


def test_levels_are_shown(box):
    box.attach()
    box.fw("budget", "set", "packets", "10/s", "burst", "10", "--service", "host")

    def level():
        return [s for s in box.fwj("status")["services"] if s["service"] == "host"][0]

    assert level()["level"] == "calm"
    storm = box.flood("udp", sport=4000, pps=5000, seconds=120)
    assert lab.until(lambda: level()["level"] == "siege"), level()
    storm.stop()
    now = level()
    assert now["level"] == "siege" and not now["pinned"], now
    assert now["entered"]["siege"] == 1 and now["entered"]["guarded"] == 1, now
    assert "siege" in box.fw("status").stdout
    box.fw("service", "set", "host", "--level", "calm")
    assert level()["level"] == "calm" and level()["pinned"]
