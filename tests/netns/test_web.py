# SPDX-License-Identifier: GPL-2.0-only
"""The metrics endpoint among hostile neighbours: slow readers, thousands of connections, garbage. It
keeps within its memory, closes what takes too long, answers honest scrapes afterwards, and the
controller's tick goes on all the while."""

import json
import os
import socket
import subprocess
import sys

import lab
import pytest
from lab import until
from test_metrics import get, samples, total
from test_run import fds

# What a hostile client does, run inside the server's namespace.
CLIENT = r'''
import random, socket, sys, time
what, n = sys.argv[1], int(sys.argv[2])
def conn():
    s = socket.socket(); s.settimeout(15); s.connect(("127.0.0.1", 9797)); return s
socks = []
if what == "hold":            # open and say nothing
    for _ in range(n):
        s = socket.socket(); s.setblocking(False)
        try: s.connect(("127.0.0.1", 9797))
        except BlockingIOError: pass
        socks.append(s)
    print("held", flush=True); time.sleep(300)
elif what == "drip":          # a header byte now and then, for ever
    for _ in range(n): socks.append(conn())
    for s in socks: s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A: ")
    print("held", flush=True); start = time.monotonic(); alive = set(socks)
    while alive and time.monotonic() - start < 100:
        time.sleep(0.5)
        for s in list(alive):
            try: s.send(b"a")
            except OSError: alive.discard(s)
    print("%.1f" % (time.monotonic() - start if not alive else -1), flush=True)
elif what == "slow":          # ask, then read a byte now and then with a tiny window
    for _ in range(n):
        s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        s.settimeout(15); s.connect(("127.0.0.1", 9797))
        s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"); socks.append(s)
    print("held", flush=True); start = time.monotonic(); alive = set(socks)
    while alive and time.monotonic() - start < 100:
        time.sleep(0.5)
        for s in list(alive):
            try:
                if not s.recv(1): alive.discard(s)
            except OSError: alive.discard(s)
    print("%.1f" % (time.monotonic() - start if not alive else -1), flush=True)
elif what == "garbage":
    rng = random.Random(n)
    seeds = [b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: %s\r\n\r\n", b"\x16\x03\x01\x02\x00\x01",
             b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
             b"GET " + b"/a" * 9000 + b" HTTP/1.1\r\n\r\n", b"GET /metrics HTTP/1.1\r\n" + b"A: b\r\n" * 3000,
             b"GET /%00/../../metrics HTTP/1.0\r\n\r\n", b"\r\n" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
             b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
             b"GET /metrics HTTP/9.9\r\nHost: x\r\n\r\n", b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"]
    for _ in range(n):
        b = bytearray(rng.choice(seeds))
        for _ in range(rng.randrange(6)):
            b[rng.randrange(len(b))] = rng.randrange(256)
        s = conn(); s.settimeout(0.1)
        try:
            s.send(bytes(b))
            while s.recv(65536): pass
        except OSError: pass
        s.close()
    print("done", flush=True)
elif what == "scrape":
    good = 0
    for _ in range(n):
        s = conn(); s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"); got = b""
        while True:
            d = s.recv(65536)
            if not d: break
            got += d
        s.close(); good += got.startswith(b"HTTP/1.1 200") and got.endswith(b"\n")
    print(good, flush=True)
'''


LIFE_S = 60  # that a connection has at most is 10 s; so long a slow machine may take to notice
OTHERS = 6  # files that the recorder opens and closes meanwhile; a leak would be dozens


@pytest.fixture
def tight(box):
    """Sockets of the server hold less than a page of metrics: what nobody reads keeps a connection."""
    box.sysctl(box.srv, net__ipv4__tcp_wmem="4096 4096 4096")


@pytest.fixture
def served(box):
    p = box.daemon(box.iface)
    assert until(lambda: "is ready" in p.said()), p.said()
    box.ip(box.srv, "link set lo up")
    with open(os.path.join(box.dir, "client.py"), "w", encoding="utf-8") as f:
        f.write(CLIENT)
    return p


@pytest.fixture
def client(box):
    def start(what, n):
        p = subprocess.Popen(["nsenter", "--net=/run/netns/" + box.srv, sys.executable,
                              os.path.join(box.dir, "client.py"), what, str(n)],
                             stdout=subprocess.PIPE, text=True, preexec_fn=lab.die_with_parent)
        box.jobs.append(p)
        return p
    return start


def private(p):
    with open("/proc/%d/status" % p.pid, encoding="ascii") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("RssAnon")) << 10


def beats(box):
    pid = [f for f in os.listdir(box.run_dir) if f.endswith(".pid")][0]
    return os.stat(os.path.join(box.run_dir, pid)).st_mtime


def test_switched_off_it_touches_no_descriptor(box):
    """Its table of connections held 0s: the first tick shut down whatever was standard input."""
    ours, its = socket.socketpair()
    kept = os.dup(0)
    os.dup2(its.fileno(), 0)
    try:
        p = box.daemon("--listen", "off")
    finally:
        os.dup2(kept, 0)
        os.close(kept)
    its.close()
    assert until(lambda: "is ready" in p.said()), p.said()  # said behind the first tick
    with pytest.raises(BlockingIOError):
        ours.recv(1, socket.MSG_DONTWAIT)
    ours.close()


def test_thousands_of_connections(box, served, client):
    """Held open and silent: bounded files and memory; the tick goes on; when they are gone, scrapes
    are answered again."""
    get(box)
    before = fds(served)
    memory = private(served)
    holders = [client("hold", 1500) for _ in range(2)]
    for h in holders:
        assert h.stdout.readline() == "held\n"
    beat = beats(box)
    assert until(lambda: beats(box) > beat + 1), "the tick stopped"
    assert fds(served) <= before + 64 + OTHERS
    assert private(served) < memory + (8 << 20)
    for h in holders:
        h.kill()
    assert until(lambda: get(box, "/healthz", "--retry", "0")[0] == 200)
    assert until(lambda: fds(served) <= before + OTHERS)


@pytest.mark.parametrize("what", ["drip", "slow"])
def test_slow_clients_are_shown_the_door(box, tight, served, client, what):
    """A byte now and then keeps no connection: each ends within its time, and frees its place."""
    get(box)
    before = fds(served)
    p = client(what, 64)
    assert until(lambda: fds(served) > before + OTHERS), "nobody was let in"
    assert p.stdout.readline() == "held\n"
    assert until(lambda: fds(served) <= before + OTHERS, LIFE_S), "a connection outlived its time"
    p.kill()
    assert get(box)[0] == 200


def test_garbage(box, served, client):
    get(box)
    before = fds(served)
    p = client("garbage", 120)
    assert p.stdout.readline() == "done\n"
    assert served.poll() is None
    assert until(lambda: fds(served) <= before + OTHERS)
    assert get(box)[0] == 200
    assert get(box, "/nothing")[0] == 404
    assert get(box, "/metrics", "-X", "DELETE")[0] == 405
    code, _, body = get(box, "/metrics", "-I")
    assert code == 200 and "# TYPE" not in body


def test_many_scrapes_leak_nothing_and_cost_little(box, served, client):
    """All who ask within a quarter of a second get one reading: a storm of scrapes is cheap."""
    assert client("scrape", 50).stdout.readline() == "50\n"
    before, memory = fds(served), private(served)
    start = json.loads(get(box, "/api/v1/status")[2])
    several = [client("scrape", 400) for _ in range(3)]
    for p in several:
        assert p.stdout.readline() == "400\n"
    assert until(lambda: fds(served) <= before + OTHERS)
    if not os.environ.get("SAN"):  # which keeps what was freed, to see who uses it
        assert private(served) < memory + (4 << 20)
    assert start["schema"] == 1


def test_odd_names_in_labels(box, served):
    """An interface may be called almost anything; what is exported still parses."""
    odd = 'q"\\{}='
    box.ip(box.srv, "link add odd0 type veth peer name odd1")
    assert box.inside(box.srv, "ip", "link", "set", "odd0", "name", odd).returncode == 0
    served.terminate()
    assert served.wait(60) == 0
    p = box.daemon(box.iface, odd)
    assert until(lambda: "is ready" in p.said()), p.said()
    body = get(box)[2]
    check = subprocess.run(["promtool", "check", "metrics"], input=body, text=True, check=False,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert (check.returncode, check.stdout) == (0, "")
    assert total(samples(body), "floodwall_interface_attached",
                 interface=odd.replace("\\", "\\\\").replace('"', '\\"')) == 1
    doc = json.loads(get(box, "/api/v1/status")[2])
    assert any(s["labels"].get("interface") == odd for m in doc["metrics"] for s in m["samples"])
