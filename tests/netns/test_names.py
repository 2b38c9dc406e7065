# SPDX-License-Identifier: GPL-2.0-only
"""Names that others choose, of interfaces and files: none moves the cursor of who reads them."""

import json
import re

import pcaps

EVIL = "e\x1b[2Jx"


def shown(box, *argv, code=(0,)):
    """Both channels of a command, after a look at every character of them."""
    p = box.fw(*argv, check=False)
    text = p.stdout + p.stderr
    assert p.returncode in code, (argv, p.returncode, text)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", text), (argv, text)
    assert EVIL.replace("\x1b", "?") in text, (argv, text)
    return text


def test_interface_is_shown_safely(box):
    box.inside(box.srv, "ip", "link", "add", EVIL, "type", "veth", "peer", "name", "q0")
    box.attach("--monitor")
    for argv in (["attach", EVIL], ["status"], ["doctor", EVIL], ["policy", "show"]):
        shown(box, *argv, code=(0, 5))
    assert box.fwj("status")["interfaces"][0]["interface"] == EVIL
    shown(box, "detach", EVIL)


def test_interface_of_no_encoding_is_in_json(box):
    name = b"e\xff".decode(errors="surrogateescape")
    box.inside(box.srv, "ip", "link", "add", name, "type", "veth", "peer", "name", "q0")
    box.attach("--monitor")
    assert box.fwj("attach", name)["interfaces"][0]["interface"] == "e?"
    assert "e?" in {f["about"] for f in box.fwj("doctor", name, check=False)["findings"]}
    assert "e?" in {i["interface"] for i in box.fwj("status", check=False)["interfaces"]}
    assert box.fwj("detach", name)["detached"][0]["interface"] == "e?"


def test_file_is_shown_safely(box, tmp_path):
    folder = tmp_path / EVIL
    folder.mkdir()
    policy, list_, capture = (str(folder / n) for n in ("p.yaml", "list", "c.pcap"))
    pcaps.write(capture, [(1, pcaps.ether(pcaps.udp("45.0.0.1", "192.0.2.1", 5, 6)))])
    with open(list_, "w", encoding="utf-8") as f:
        f.write("192.0.2.1\n192.0.2.x\n192.0.2.y\n")
    box.attach("--monitor")
    shown(box, "block", "import", list_, code=(1,))
    shown(box, "policy", "save", policy)
    shown(box, "policy", "check", policy)
    for _ in range(2):
        shown(box, "policy", "apply", policy)
    shown(box, "status")
    shown(box, "policy", "diff", policy)
    shown(box, "replay", "--policy", policy, capture)
    shown(box, "replay", "--compare", policy, policy, capture)
    assert json.loads(box.fw("-j", "policy", "check", policy).stdout)["file"] == policy
