# SPDX-License-Identifier: GPL-2.0-only
"""State survives what people and machines do to commands: kill -9 anywhere, two at once, bad input."""

import json
import os
import random
import time

import pytest

import lab


KILLS = int(os.environ.get("FLOODWALL_KILLS", "25"))


@pytest.fixture(scope="module")
def desk():
    """One attached lab for all that changes nothing."""
    with lab.Lab("state", threaded=False) as one:
        one.attach()
        yield one


def limits(box):
    return {c["class"]: {k: (v["count"], v["per_s"], v["burst"]) for k, v in c["limits"].items()}
            for c in box.fwj("limit", "show")["classes"]}


def blocked(box):
    return sorted(p["prefix"] for p in box.fwj("block", "list")["prefixes"])


def test_killed_anywhere_leaves_old_or_new(box, tmp_path):
    """kill -9 at random moments of a change: what runs afterwards is the old or the new
    generation, whole, and the next change works."""
    box.attach()
    files = []
    for i in range(2):
        path = tmp_path / ("list%d" % i)
        path.write_text("".join("%d.%d.%d.0/24\n" % (45 + i, n >> 8, n & 255) for n in range(5000)))
        files.append(str(path))
    took = []
    for path in files[1], files[0]:
        start = time.monotonic()
        box.fw("block", "import", "--replace", path)
        took.append(time.monotonic() - start)
    usual = min(took)  # undisturbed
    whole = [sorted("%d.%d.%d.0/24" % (45 + i, n >> 8, n & 255) for n in range(5000))
             for i in range(2)]
    rng, live, outcomes = random.Random(1), 0, [0, 0]
    for _ in range(KILLS):
        p = box.popen_fw("block", "import", "--replace", files[1 - live])
        time.sleep(rng.random() * usual * 1.3)
        p.kill()
        p.wait()
        now = blocked(box)
        assert now in whole, "half a list: %d prefixes" % len(now)
        changed = now == whole[1 - live]
        outcomes[changed] += 1
        live = 1 - live if changed else live
    assert outcomes[0], "no kill came before the change; the test proves nothing"
    box.fw("block", "flush")
    assert blocked(box) == []


def test_killed_attach_can_be_repeated(box):
    """An attach killed half-way leaves something that attach or detach mends: at moments spread
    from its start to behind its end."""
    start = time.monotonic()
    box.attach()
    usual = time.monotonic() - start
    box.fw("detach", "--all")
    for i in range(8):
        p = box.popen_fw("attach", box.iface, "--sources4", "65536", "--sources6", "65536")
        time.sleep(usual * i / 6)
        p.kill()
        p.wait()
        box.fw("attach", box.iface, "--sources4", "65536", "--sources6", "65536")
        assert box.fwj("status")["interfaces"][0]["attached"]
        assert box.fwj("limit", "show")["classes"]
        box.fw("detach", "--all")


def test_writers_at_once_lose_nothing(box):
    box.attach()
    todo = [("block", "add", "45.%d.%d.0/24" % (w, n)) for n in range(12) for w in range(4)]
    for at in range(0, len(todo), 4):
        running = [box.popen_fw(*argv) for argv in todo[at:at + 4]]
        running.append(box.popen_fw("limit", "set", "udp", "%d/s" % (100 + at)))
        for p in running:
            assert p.wait() == 0, p.stderr.read()
    assert blocked(box) == sorted("45.%d.%d.0/24" % (w, n) for w in range(4) for n in range(12))
    assert limits(box)["default"]["udp"][0] == 100 + len(todo) - 4


def test_readers_beside_writers_see_whole_documents(box):
    box.attach()
    writers = [box.popen_fw("block", "add", "45.1.%d.0/24" % n) for n in range(20)]
    for _ in range(20):
        assert len(limits(box)) >= 2
        assert box.fwj("stats")["schema"] == 1
    assert [w.wait() for w in writers] == [0] * 20


BAD = [
    (["block", "add", "1.2.3.4/33"], "1.2.3.4/33"),
    (["block", "add", "1.2.3.4/8"], "1.2.3.4/8"),
    (["block", "add", "1.2.3"], "1.2.3"),
    (["block", "add", "2001:db8::/129"], "2001:db8::/129"),
    (["block", "add", "10.0.0.1", "--for", "soon"], "soon"),
    (["block", "add", "45.0.0.1", "nonsense"], "nonsense"),
    (["limit", "set", "udp", "5x"], "5x"),
    (["limit", "set", "speed", "5/s"], "speed"),
    (["limit", "set", "udp", "-5/s"], "-5/s"),
    (["limit", "set", "udp", "5/s", "--class", "nobody"], "nobody"),
    (["mode", "fast"], "fast"),
    (["source", "show", "300.1.1.1"], "300.1.1.1"),
    (["frobnicate"], "frobnicate"),
    (["block", "add", "--frob", "1.2.3.4"], "frob"),
    (["service", "add", "web", "--to", "nowhere", "--tcp", "80"], "nowhere"),
    (["service", "add", "web", "--to", "any", "--tcp", "80,99999"], "99999"),
]


@pytest.mark.parametrize("argv, text", BAD, ids=[" ".join(a) for a, _ in BAD])
def test_bad_input_changes_nothing(desk, argv, text):
    before = limits(desk), blocked(desk), desk.fwj("status")["generation"]
    p = desk.fw(*argv, check=False)
    assert p.returncode == 1, (p.returncode, p.stderr)
    assert text in p.stderr and p.stdout == ""
    doc = json.loads(desk.fw("-j", *argv, check=False).stdout)
    assert doc["error"]["code"] == 1 and text in doc["error"]["message"]
    assert (limits(desk), blocked(desk), desk.fwj("status")["generation"]) == before


def test_import_with_one_bad_line_imports_nothing(box, tmp_path):
    box.attach()
    box.fw("block", "add", "9.9.9.0/24")
    path = tmp_path / "list.txt"
    path.write_text("# a list\n45.0.0.0/24\n\n46.0.0.0/8 ; comment\r\n  45.0.300.0/24\n2001:db8::/32\n")
    p = box.fw("block", "import", str(path), check=False)
    assert p.returncode == 1
    assert "list.txt:5:3" in p.stderr and "45.0.300.0/24" in p.stderr
    assert blocked(box) == ["9.9.9.0/24"]
    path.write_text(path.read_text().replace("300", "30"))
    box.fw("block", "import", str(path))
    assert blocked(box) == sorted(["9.9.9.0/24", "45.0.0.0/24", "46.0.0.0/8", "45.0.30.0/24",
                                   "2001:db8::/32"])


def test_replaced_list_never_uncovers(box, tmp_path):
    """A listed address stays blocked while its list is replaced again and again."""
    box.attach()
    path = tmp_path / "list"
    path.write_text("45.0.0.0/24\n" + "".join("46.%d.%d.0/24\n" % (n >> 8, n & 255)
                                             for n in range(3000)))
    box.fw("block", "import", "--replace", str(path))
    box.quiet()
    before = box.counted()
    f = box.flood("udp", sources=200, start="45.0.0.1", port=9, pps=50000, seconds=120)
    for _ in range(15):
        box.fw("block", "import", "--replace", str(path))
    assert set(box.arrived(before, f.stop())) == {"blocked"}


@pytest.mark.parametrize("argv", [["status"], ["stats"], ["limit", "show"], ["block", "list"],
                                  ["doctor"], ["source", "top"], ["source", "show", "45.0.0.1"],
                                  ["mode"], ["class", "show"], ["service", "list"]],
                         ids=lambda a: " ".join(a))
def test_every_reader_speaks_json(desk, argv):
    p = desk.fw("-j", *argv, check=False)
    assert p.returncode in (0, 5), p.stderr
    assert json.loads(p.stdout)["schema"] == 1 and p.stdout.count("\n") == 1
    pretty = desk.fw("-p", *argv, check=False)
    assert json.loads(pretty.stdout)["schema"] == 1
    assert "\033" not in desk.fw(*argv, check=False).stdout


@pytest.mark.parametrize("text", ["", ",", "192.0.2.1,", ",192.0.2.1", "192.0.2.1,,192.0.2.2"])
def test_a_variable_that_is_not_set_is_a_slip(desk, text):
    """An empty --to is not every address, nor an empty --tcp no port at all."""
    for argv in (["service", "add", "slip", "--to", text, "--tcp", "80"],
                 ["service", "add", "slip", "--tcp", text.replace("192.0.2.", "8"), "--udp", "80"],
                 ["replay", "--to", text, "/dev/null"], ["limit", "suggest", "--to", text, "/dev/null"]):
        p = desk.fw(*argv, check=False)
        assert p.returncode == 1 and "is a shell variable unset?" in p.stderr, (argv, p.stderr)
    assert [s["service"] for s in desk.fwj("service", "list")["services"]] == ["host"]
