# SPDX-License-Identifier: GPL-2.0-only
"""Another build's pins: the same schema is taken over, forwards and backwards, under packets; another
schema is refused in words, and only the build that made it takes it off."""

import json
import os
import re
import shutil

import pytest

import lab

NAMES = ("cmd_attach", "cmd_detach", "cmd_run", "main")


def build(folder, version, abi=None):
    """The present sources as another build of them: only what knows version or ABI is compiled."""
    out, flags = os.path.join(folder, "o"), []
    shutil.copytree(lab.BUILD, out, ignore=lambda d, names: [
        n for n in names if d == lab.BUILD and n not in ("user", "floodwall.skel.h") and
        not n.startswith("floodwall.bpf.")])
    stale = [os.path.join(out, "user/cli", n + ".o") for n in NAMES]
    if abi:
        bpf = shutil.copytree(os.path.join(lab.ROOT, "bpf"), os.path.join(folder, "bpf"))
        with open(os.path.join(bpf, "abi.h"), encoding="utf-8") as f:
            text, n = re.subn(r"(?m)^(#define FW_ABI_VERSION) \d+$", r"\1 %d" % abi, f.read())
        assert n == 1
        with open(os.path.join(bpf, "abi.h"), "w", encoding="utf-8") as f:
            f.write(text)
        flags = ["CPPFLAGS=-I" + str(folder)]
        stale += [os.path.join(out, "user/kern", n + ".o") for n in ("object", "pin")]
    for path in stale:
        os.unlink(path)
    lab.run(["make", "-s", "-C", lab.ROOT, "O=" + out, "VERSION=" + version, *flags,
             out + "/floodwall"])
    return os.path.join(out, "floodwall")


@pytest.fixture(scope="module")
def older(tmp_path_factory):
    return build(tmp_path_factory.mktemp("older"), "0.0.9")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return build(tmp_path_factory.mktemp("stranger"), "9.0.0", 999)


def says(box, binary, *argv):
    p = box.inside(box.srv, binary, "-j", *argv, check=False, env=box.env())
    return p.returncode, json.loads(p.stdout)


def attach(box, binary, *options):
    code, got = says(box, binary, "attach", box.iface, *options)
    assert code == 0, got
    assert got["interfaces"][0]["replaced"] == (not options)


def built_by(box):
    return box.fwj("status")["interfaces"][0]["build"]


SIZES = ("--sources4", "65536", "--sources6", "65536", "--prefixes4", "10000", "--prefixes6", "1000")


def test_upgrade_and_back_under_packets(box, older):
    """Both builds take turns with the program while packets flow: none is lost, none slips through,
    no limit starts anew, and each reads and changes what the other one set."""
    attach(box, older, *SIZES)
    assert built_by(box) == "0.0.9"
    for n, binary in enumerate((older, lab.FLOODWALL)):
        assert says(box, binary, "block", "add", "45.0.0.%d" % (7 + n), "--why", "never")[0] == 0
    box.fw("limit", "set", "udp", "9/h", "burst", "9", "--class", "default")
    box.flood("udp", sources=1, start="45.0.0.1", port=9, pps=200, seconds=0.5).result()
    box.quiet()
    before = box.counted()
    bad = [box.flood("udp", sources=1, start="45.0.0.%d" % n, port=9, pps=2000, seconds=4)
           for n in (7, 8)]
    for _ in range(4):
        attach(box, lab.FLOODWALL)
        assert built_by(box) != "0.0.9"
        attach(box, older)
        assert built_by(box) == "0.0.9"
    bad = [job.result() for job in bad]
    over = box.flood("udp", sources=1, start="45.0.0.1", port=9, pps=200, seconds=0.5).result()
    moved = box.arrived(before, *bad, over)
    assert set(moved) == {"blocked", "source_udp"} and moved["source_udp"] <= over["sent"], moved
    shown = box.fw("policy", "show").stdout
    assert [says(box, b, "block", "list")[1]["prefixes"] for b in (older, lab.FLOODWALL)][0]
    for binary in (lab.FLOODWALL, older):
        assert says(box, binary, "policy", "undo")[0] == 0  # and once more takes it back
    assert box.fw("policy", "show").stdout.split("\n", 1)[1] == shown.split("\n", 1)[1]
    assert says(box, lab.FLOODWALL, "detach", box.iface)[0] == 0


def test_another_schema_is_refused_and_goes_on(box, stranger):
    """A clear sentence, the way out in the hint, the program untouched; and that way works."""
    attach(box, stranger, *SIZES)
    assert says(box, stranger, "block", "add", "45.0.0.7", "--why", "never")[0] == 0
    for argv in (("attach", box.iface), ("status",), ("stats",), ("block", "flush"),
                 ("detach", box.iface), ("detach", "--all"), ("policy", "show"), ("ban", "list"),
                 ("source", "top"), ("mode", "monitor")):
        code, got = says(box, lab.FLOODWALL, *argv)
        assert code == 2, (argv, got)
        assert "ABI version 999" in got["error"]["message"], (argv, got)
        assert "9.0.0" in got["error"]["hint"], (argv, got)
    p = box.daemon(box.iface)  # it could look after nothing, and does not say that it is ready
    assert p.wait(60) == 2 and "ABI version 999" in p.said() and "9.0.0" in p.said(), p.said()
    assert "is ready" not in p.said()
    before = says(box, stranger, "stats")[1]
    assert box.flood("udp", sources=1, start="45.0.0.7", port=9, pps=200, seconds=0.3).result()["sent"]
    box.quiet()

    def blocked(stats):
        return sum(r["packets"] for r in stats["reasons"] if r["reason"] == "blocked")
    assert blocked(says(box, stranger, "stats")[1]) > blocked(before)
    assert says(box, stranger, "detach", box.iface)[0] == 0
    attach(box, lab.FLOODWALL, *SIZES)
