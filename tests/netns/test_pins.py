# SPDX-License-Identifier: GPL-2.0-only
"""What lies in the pin directory decides what may be believed: other versions, damage, half-made
state, rights, interfaces that come and go. Nothing in use is ever wiped."""

import json
import os
import subprocess

import lab
import pytest

SMALL = ("--sources4", "65536", "--sources6", "65536", "--prefixes4", "10000", "--prefixes6", "1000")
THREE = "-all,+bpf,+net_admin,+perfmon"


def program(box):
    link = json.loads(box.inside(box.srv, "ip", "-j", "-d", "link", "show", box.iface).stdout)[0]
    return link.get("xdp", {}).get("prog", {}).get("id")


def pins(box):
    return sorted(os.listdir(box.pins)) if os.path.isdir(box.pins) else []


def take_off(box):
    box.inside(box.srv, "ip", "link", "set", "dev", box.iface, "xdp", "off")


def meta(box, write=None):
    """The meta map's bytes; write: offset -> byte."""
    path = os.path.join(box.pins, "fw_meta")
    out = subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", path, "key", "0", "0", "0", "0"],
                         check=True, capture_output=True, text=True,
                         env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")).stdout
    value = [int(x, 16) for x in json.loads(out)["value"]]
    for at, byte in (write or {}).items():
        value[at] = byte
    if write:
        subprocess.run(["bpftool", "map", "update", "pinned", path, "key", "0", "0", "0", "0", "value"] +
                       ["0x%02x" % b for b in value], check=True,
                       env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    return value


def limited(box, caps, *argv):
    """The command with these capabilities and no others."""
    fw = [a for a in box.fw.__globals__["FLOODWALL"].split()]
    return box.inside(box.srv, "setpriv", "--bounding-set=" + caps, *fw, *argv, check=False,
                      env=box.env())


@pytest.mark.parametrize("at, byte", [(8, 200), (0, 1)])
def test_pins_of_another_version_are_refused(box, at, byte):
    box.attach()
    before, there, value = pins(box), program(box), meta(box)
    meta(box, {at: byte})
    for argv in (["attach", box.iface], ["status"], ["stats"], ["detach", box.iface],
                 ["detach", "--all"], ["mode", "monitor"]):
        p = box.fw(*argv, check=False)
        assert p.returncode == 2, (argv, p.stdout, p.stderr)
        assert "another floodwall" in p.stderr and ("--pins" in p.stderr or "rm -r" in p.stderr)
    assert box.fw("doctor", check=False).returncode == 5
    assert (pins(box), program(box)) == (before, there)
    meta(box, {at: value[at]})
    box.fw("detach", box.iface)
    assert not pins(box)


def test_a_missing_pin_is_said_and_detach_still_works(box):
    box.attach()
    os.unlink(os.path.join(box.pins, "fw_note"))
    for argv in (["attach", box.iface], ["status"], ["stats"]):
        p = box.fw(*argv, check=False)
        assert p.returncode == 2 and "damaged" in p.stderr
    box.fw("detach", box.iface)
    assert program(box) is None and not pins(box)


@pytest.mark.parametrize("name", ["fw_ctl", "fw_applied", "fw_note"])
def test_a_map_of_somebody_else_under_our_name_is_said_and_detach_still_works(box, name):
    box.attach()
    path = os.path.join(box.pins, name)
    os.unlink(path)
    subprocess.run(["bpftool", "map", "create", path, "type", "array", "key", "4", "value", "12",
                    "entries", "1", "name", "theirs"], check=True,
                   env=dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin"))
    for argv in (["attach", box.iface], ["stats"], ["limit", "show"]) if name != "fw_note" else (["stats"],):
        p = box.fw(*argv, check=False)
        assert p.returncode == 2 and "damaged" in p.stderr and name in p.stderr, p.stderr
        assert "floodwall detach --all, then attach again" in p.stderr
    box.fw("detach", "--all")
    assert program(box) is None and not pins(box)


@pytest.mark.parametrize("name, size", [("fw_applied", {"value": "4440"}), ("fw_ban", {"entries": "64"}),
                                        ("fw_lane4_dir", {"entries": "1000"}),
                                        ("fw_iface", {"value": "72"})])
def test_the_state_of_another_build_is_not_written_to_and_called_so(box, name, size):
    """Of the same ABI, by its number: whoever writes a map as its own goes beyond the end of one
    that is smaller, and into the next one."""
    env = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin")
    box.attach()
    path = os.path.join(box.pins, name)
    is_ = json.loads(subprocess.run(["bpftool", "-j", "map", "show", "pinned", path], check=True, env=env,
                                    capture_output=True).stdout)
    os.unlink(path)
    subprocess.run(["bpftool", "map", "create", path, "type", is_["type"], "key", str(is_["bytes_key"]),
                    "value", size.get("value", str(is_["bytes_value"])), "entries",
                    size.get("entries", str(is_["max_entries"])), "name", name, "flags",
                    hex(is_["flags"])], check=True, env=env)
    argv = {"fw_ban": ["ban", "list"], "fw_iface": ["status"]}.get(name, ["block", "add", "192.0.2.1"])
    p = box.fw(*argv, check=False)
    assert p.returncode == 2 and "another build" in p.stderr and name in p.stderr, p.stderr
    assert "another build" in box.fw("doctor", check=False).stdout
    assert "damaged" not in p.stderr and "policy save FILE" in p.stderr
    if name == "fw_iface":
        assert "xdp off" in p.stderr
        take_off(box)
    else:
        assert "floodwall detach --all, then attach again" in p.stderr
        box.fw("detach", "--all")
    assert program(box) is None


def test_without_its_record_the_way_out_is_by_hand(box):
    box.attach()
    os.unlink(os.path.join(box.pins, "fw_iface"))
    p = box.fw("status", check=False)
    assert p.returncode == 2 and "damaged" in p.stderr and "xdp off" in p.stderr, p.stderr
    take_off(box)


def test_pins_in_use_are_not_taken_for_half_made(box):
    box.attach()
    os.unlink(os.path.join(box.pins, "fw_meta"))
    left, there = pins(box), program(box)
    for argv in (["attach", box.iface], ["detach", box.iface], ["detach", "--all"], ["status"]):
        p = box.fw(*argv, check=False)
        assert p.returncode == 2 and "damaged" in p.stderr
    assert (pins(box), program(box)) == (left, there)
    take_off(box)


def test_half_made_pins_are_replaced(box):
    """A first attach that was killed before its state was valid leaves pins without meta."""
    box.attach()
    take_off(box)
    box.fw("detach", "--keep", box.iface)
    os.unlink(os.path.join(box.pins, "fw_meta"))
    assert box.fw("status", check=False).returncode == 3
    box.attach()
    assert box.fwj("status")["interfaces"][0]["attached"]
    box.fw("detach", box.iface)
    assert not pins(box)


def test_program_whose_pins_were_removed_is_named(box):
    box.attach()
    for name in pins(box):
        os.unlink(os.path.join(box.pins, name))
    os.rmdir(box.pins)
    there = program(box)
    p = box.fw("detach", box.iface, check=False)
    assert p.returncode == 3 and "xdp off" in p.stderr and str(there) in p.stderr
    p = box.fw("attach", box.iface, check=False)
    assert p.returncode == 2 and str(there) in p.stderr
    assert program(box) == there and not pins(box)
    take_off(box)


def test_three_capabilities_are_enough(box):
    for argv in (["attach", box.iface, *SMALL], ["status"], ["attach", box.iface], ["stats"],
                 ["detach", box.iface]):
        p = limited(box, THREE, *argv)
        assert p.returncode == 0, (argv, p.stderr)
    assert program(box) is None and not pins(box)


@pytest.mark.parametrize("caps, name", [
    ("-all", "CAP_NET_ADMIN"),
    ("-all,+bpf,+perfmon", "CAP_NET_ADMIN"),
    ("-all,+net_admin,+perfmon", "CAP_BPF"),
    ("-all,+net_admin,+bpf", "CAP_PERFMON"),
])
def test_each_missing_capability_is_named(box, caps, name):
    p = limited(box, caps, "attach", box.iface, *SMALL)
    assert p.returncode == 4 and name in p.stderr
    assert program(box) is None and not pins(box)


def test_too_little_memory_is_said_before_anything_is_made(box):
    with open("/proc/meminfo") as f:
        kib = next(int(l.split()[1]) for l in f if l.startswith("MemAvailable"))
    if kib > 18 << 20:
        pytest.skip("this machine has memory for the largest tables")
    p = box.fw("attach", box.iface, "--sources4", "268435456", "--sources6", "268435456", check=False)
    assert p.returncode == 2 and "MiB" in p.stderr and "--sources4" in p.stderr
    assert program(box) is None and not pins(box)


def test_memory_shown_is_memory_taken(box):
    shown = box.attach()["tables"]["memory_bytes"]
    taken = box.fwj("status")["memory_bytes"]
    assert abs(shown - taken) <= taken * 0.05
    assert taken == sum(m["bytes"] for m in box.fwj("status")["maps"])


def test_sizes_count_at_the_first_attach_only(box):
    box.attach("--sources4", "100000", "--sources6", "1000")
    tables = {t["name"]: t["size"] for t in box.fwj("status")["tables"]}
    assert tables["sources4"] >= 100000
    p = box.fw("attach", box.iface, "--sources4", "1M")
    assert "keep their sizes" in p.stderr
    assert tables == {t["name"]: t["size"] for t in box.fwj("status")["tables"]}


def test_another_program_in_our_place_is_seen(box):
    box.attach()
    take_off(box)
    lost = box.fwj("status", check=False)["interfaces"][0]
    assert lost["health"] == "lost" and not lost["attached"]
    box.foreign(box.srv, box.iface, "drop")
    theirs = program(box)
    assert box.fw("status", check=False).returncode == 5
    assert box.fwj("status", check=False)["interfaces"][0]["health"] == "replaced"
    assert box.fw("attach", box.iface, check=False).returncode == 2
    box.fw("detach", box.iface)
    assert program(box) == theirs and not pins(box)


def test_an_attach_that_is_not_done_is_nobodys_fault(box):
    """The record is written before the program is on; whoever looks meanwhile is not told that somebody
    took it off."""
    box.attach()
    take_off(box)
    record = ["map", "dump", "pinned", box.pins + "/fw_iface", "-j"]
    entry = json.loads(lab.run([lab.bpftool()] + record).stdout)[0]
    value = [int(b, 16) for b in entry["value"]]
    assert any(value[36:40])
    value[36:40] = [0] * 4  # struct fw_iface: prog_id
    lab.run([lab.bpftool(), "map", "update", "pinned", box.pins + "/fw_iface", "key"] +
            entry["key"] + ["value"] + [hex(b) for b in value])
    one = box.fwj("status", check=False)["interfaces"][0]
    assert one["health"] == "begun" and not one["attached"]
    assert "somebody" not in box.fw("status", check=False).stderr
    box.attach()
    assert box.fwj("status")["interfaces"][0]["health"] == "attached"


def test_interfaces_of_two_namespaces_share_the_state(box):
    """Indexes repeat between namespaces; each sees the other's interfaces by their record only."""
    box.inside(box.world, "ip", "link", "set", "dev", box.out, "xdp", "off")
    box.attach()
    fw = box.fw.__globals__["FLOODWALL"]
    box.inside(box.world, fw, "attach", box.out, env=box.env())
    health = {i["interface"]: i["health"] for i in box.fwj("status")["interfaces"]}
    assert health == {box.iface: "attached", box.out: "elsewhere"}
    doc = box.fwj("detach", "--all")
    assert doc["elsewhere"] == 1 and not doc["state_removed"] and pins(box)
    box.inside(box.world, fw, "detach", box.out, env=box.env())
    assert not pins(box)


def test_renamed_interface_is_followed(box):
    box.attach()
    box.ip(box.srv, "link set %s down" % box.iface, "link set %s name other0" % box.iface)
    assert box.fwj("status", check=False)["interfaces"][0]["interface"] == "other0"
    p = box.fw("detach", box.iface, check=False)
    assert p.returncode and "floodwall detach other0" in p.stderr, p.stderr
    assert box.fwj("detach", "other0")["state_removed"]


def test_detach_all_is_misled_by_no_name(box):
    """An interface that was renamed, another that took its name, and one that was made anew."""
    box.attach()
    box.ip(box.srv, "link set %s down" % box.iface, "link set %s name other0" % box.iface,
           "link add %s type veth peer name spare0" % box.iface, "link set %s up" % box.iface)
    doc = box.fwj("detach", "--all")
    assert doc["detached"] == [{"interface": "other0", "was_there": True}] and doc["state_removed"]
    assert not pins(box)
    box.ip(box.srv, "link del %s" % box.iface, "link set other0 name %s" % box.iface,
           "link set %s up" % box.iface)
    box.attach()
    box.ip(box.srv, "link del %s" % box.iface,
           "link add %s type veth peer name %s netns %s" % (box.iface, box.out, box.world))
    doc = box.fwj("detach", "--all")
    assert doc["detached"] == [{"interface": box.iface, "was_there": False}] and doc["state_removed"]
    assert not pins(box)


def test_keep_keeps_limits_and_lists(box):
    box.attach()
    box.fw("block", "add", "192.0.2.0/24")
    box.fw("detach", "--keep", box.iface)
    assert program(box) is None and pins(box)
    assert box.fw("status", check=False).returncode == 3
    box.fw("attach", box.iface)
    assert box.fwj("status")["prefixes"] == 1
