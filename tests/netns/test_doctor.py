# SPDX-License-Identifier: GPL-2.0-only
"""What doctor says of an interface holds, and the command it names mends it."""

import json
import re

import pytest

import lab

from test_pins import meta


def findings(box, probe, *options):
    p = box.fwj(*options, "doctor", box.iface, check=False)
    return [(f["level"], f["text"], f["mend"]) for f in p["findings"] if f["probe"] == probe]


def off(box):
    box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "xdp", "off")


def do(box, mend):
    words = mend.split()
    return box.fw(*words[1:]) if words[0] == "floodwall" else box.inside(box.srv, *words)


def test_a_program_that_somebody_took_off(box):
    box.attach()
    assert findings(box, "programs") == [("ok", "floodwall runs there in native mode", None)]
    off(box)
    [(level, text, mend)] = findings(box, "programs")
    assert level == "fail" and "took its program off" in text and "no XDP program" not in text
    do(box, mend)
    assert findings(box, "programs")[0][0] == "ok"


def test_a_program_that_took_ours_place(box):
    box.attach()
    off(box)
    box.foreign(box.srv, box.iface, "drop")
    first, second = findings(box, "programs")
    assert "lab_drop" in first[1] and "has taken its place" in second[1]
    do(box, first[2])
    do(box, second[2])
    assert findings(box, "programs")[0][0] == "ok"


def test_floodwall_of_another_schema_has_one_way_out(box):
    """The one that attach names: to take the program off alone would leave the rest."""
    box.attach()
    value = meta(box)
    meta(box, {8: 200})
    [(level, text, mend)] = findings(box, "programs")
    refused = box.fw("-j", "attach", box.iface, check=False)
    assert level == "fail" and "another floodwall" in text
    assert mend.startswith("detach with the floodwall that attached") and mend in refused.stdout
    meta(box, {8: value[8]})


def test_floodwall_of_other_pins_is_named(box):
    box.attach()
    other = box.pins + "-other"
    [(level, text, mend)] = findings(box, "programs", "--pins", other)
    assert level == "fail" and "other pins" in text and mend == "floodwall --pins DIR detach " + box.iface
    p = box.fw("--pins", other, "attach", box.iface, check=False)
    assert p.returncode and "other pins" in p.stderr and "--pins DIR detach" in p.stderr
    do(box, mend.replace("DIR", box.pins))
    assert findings(box, "programs") == [("ok", "no XDP program is there", None)]


@pytest.mark.parametrize("cookies", [2, 1, 0])
def test_services_and_host_say_the_same_of_cookies(box, cookies):
    """No line promises cookies that another says are not made."""
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=2)
    box.attach()
    box.fw("service", "add", "dns", "--udp", "53")
    box.sysctl(box.srv, net__ipv4__tcp_syncookies=cookies)
    said = findings(box, "syncookies") + findings(box, "proof")
    promised = [text for level, text, _ in said
                if level == "ok" and "prove themselves by SYN cookie" in text]
    assert len(promised) == (3 if cookies == 2 else 0), said
    if cookies != 2:
        [mend] = {mend for level, text, mend in said if mend and "sysctl" in mend and "give" in text}
        do(box, mend)
        said = findings(box, "syncookies") + findings(box, "proof")
        assert not [text for level, text, _ in said if "syncookies=%d" % cookies in text], said


def test_ports_that_the_kernel_picks_are_said_where_somebody_widened_them(box):
    assert findings(box, "local-ports") == []
    box.sysctl(box.srv, net__ipv4__ip_local_port_range="1024 60999")
    [(level, text, mend)] = findings(box, "local-ports")
    assert (level, mend) == ("note", None) and "ports from 1024 on" in text


def test_a_veth_whose_peer_sends_from_more_queues(make_lab):
    box = make_lab(threaded=False)
    box.inside(box.srv, "ethtool", "-L", box.iface, "rx", "2")
    box.inside(box.world, "ethtool", "-L", box.out, "tx", "2")
    assert findings(box, "native")[0][0] == "ok"
    box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "down")
    shrunk = box.inside(box.srv, "ethtool", "-L", box.iface, "rx", "1", check=False)
    assert not shrunk.returncode, shrunk.stderr
    [(level, text, mend)] = findings(box, "native")
    p = box.fw("attach", box.iface, check=False)
    assert p.returncode == 2 and "receive queue for each transmit queue" in p.stderr, p.stderr
    assert level == "fail" and "receive queue for each transmit queue" in text
    assert mend.startswith("ethtool -L %s rx " % box.iface) and mend in p.stderr
    do(box, mend)
    assert findings(box, "native")[0][0] == "ok"
    box.attach()


def test_a_bpffs_that_attach_could_not_use_is_not_called_ok(box, tmp_path):
    """None where the pins go, one that is mounted for reading only, and one as it should be."""
    at = tmp_path / "bpf"
    at.mkdir()
    seen = {}
    for how, mount in (("none", "true"), ("ro", "mount -t bpf bpf %s && mount -o remount,ro %s" % (at, at)),
                       ("rw", "mount -t bpf bpf %s" % at)):
        p = box.inside(box.srv, "unshare", "--mount", "sh", "-c", mount + ' && exec "$@"', "sh",
                       lab.FLOODWALL, "-j", "--pins", str(at / "fw"), "doctor", check=False)
        doc = json.loads(p.stdout)
        seen[how] = [(f["level"], f["text"]) for f in doc["findings"] if f["probe"] == "bpffs"][0]
    assert seen["none"] == ("fail", "no bpffs is mounted at %s" % at)
    assert seen["ro"][0] == "fail" and "mounted read-only" in seen["ro"][1], seen
    assert seen["rw"][0] == "ok"


def test_memory_needed_is_what_attach_takes(box):
    """With the tables that nobody sized, and room for the kernel to verify the program."""
    [(level, text, _)] = findings(box, "memory")
    left, need = map(int, re.search(r"^(\d+) MiB .* need (\d+)$", text).groups())
    assert (level == "ok") == (left >= need)
    if left < need:
        pytest.skip("too little memory for the default tables")
    taken = box.fwj("attach", box.iface)["tables"]["memory_bytes"]
    assert need == -(-taken // 2**20) + 48
