# SPDX-License-Identifier: GPL-2.0-only
"""One kernel after the other, real drivers, traffic that comes in from outside. Tests of one guest
build on one another: the first one attaches, the last one looks for kernel warnings."""

import json
import os
import re
import time

import pytest

import lab
import vm

# Cards whose driver has native XDP in these kernels; None: not known, whatever it says is right.
NATIVE = {
    "6.1": {"vmxnet0": False, "e1000e0": False},
    "6.12": {"vmxnet0": True, "e1000e0": False},
    "sid": {"vmxnet0": True, "e1000e0": None},
}
BASELINE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "baseline.json")
ENOUGH = 100  # packets to judge by, of a flood that a busy machine's tap may lose most of
LIMIT = 1000000  # the kernel's, on verified instructions


def attached(guest, dev, mode="native"):
    s = guest.status(dev)
    assert s and s["attached"] and s["mode"] == mode, s
    assert guest.xdp(dev)[0] == mode
    return s


def exactly(guest, dev, count=2000, **options):
    """Sends a flood and returns what moved; every packet of it is in it once, but for those that a
    busy machine's tap or card refused."""
    before = guest.counted(dev)
    f = guest.flood(dev, count=count, pps=options.pop("pps", 2000), **options).result()
    moved = guest.arrived(dev, before, f)
    assert sum(moved.values()) > ENOUGH, (f, moved)
    return moved


def all_blocked(guest, dev, **options):
    """Of a flood from 45.1.0.0/16, on and on."""
    return set(exactly(guest, dev, start="45.1.0.9", port=9, **options)) == {"blocked"}


def no_ports(guest):
    """UDP that reached the guest's stack, and nobody listened."""
    lines = guest.run("grep ^Udp: /proc/net/snmp").stdout.splitlines()
    return int(lines[1].split()[lines[0].split().index("NoPorts")])


def test_virtio_native_under_the_dispatcher(guest, note):
    guest.up("virtio0")
    done = guest.attach("virtio0").stdout
    assert json.loads(done)["interfaces"][0]["mode"] == "native"
    s = attached(guest, "virtio0")
    assert s["driver"] == "virtio_net" and s["dispatcher"] is True and s["others"] == []
    assert "dispatcher" in guest.fw("status").stdout.lower()
    note(guest, "virtio_net", "native")


def test_size_of_the_program(guest, note):
    """Held against the record, so that nobody is surprised by the kernel's limits. After a change
    that is worth it: FLOODWALL_VM_BASELINE=write."""
    p = guest.program(guest.status("virtio0")["program_id"])
    note(guest, "verified", str(p["verified"]))
    note(guest, "bytes", str(p["bytes"]))
    with open(BASELINE, encoding="ascii") as f:
        base = json.load(f)
    if os.environ.get("FLOODWALL_VM_BASELINE") == "write":
        base[guest.name] = {k: p[k] for k in ("verified", "instructions", "bytes")}
        with open(BASELINE, "w", encoding="ascii") as f:
            json.dump(base, f, indent="\t", sort_keys=True)
            f.write("\n")
    assert guest.name in base, "no record of this kernel yet"
    assert p["verified"] < LIMIT * 0.8, "close to what the kernel takes at most"
    for what, value in base[guest.name].items():
        assert p[what] <= value * 1.25, (what, "was", value)


def test_two_queues(guest, note):
    """Packets from outside arrive on both queues, and each is counted once."""
    guest.run("ethtool -L virtio0 combined 2 || [ $(ethtool -l virtio0 | grep -c 'Combined:.*2') = 2 ]")
    before = guest.queues("virtio0")
    exactly(guest, "virtio0", sources=200, start="45.0.0.1", port=9)
    moved = [b - a for a, b in zip(before, guest.queues("virtio0"))]
    assert len(moved) == 2 and min(moved) > 0, moved
    note(guest, "virtio_net", "native, %d queues" % len(moved))


@pytest.mark.parametrize("mode", ["udp", "syn", "ack", "icmp", "frag", "mix"])
def test_floods_are_counted(guest, mode):
    exactly(guest, "virtio0", mode=mode, sources=0)


def test_block_takes_effect(guest):
    guest.fw("block", "add", "45.1.0.0/16", "--why", "must never pass")
    assert all_blocked(guest, "virtio0", sources=10)


def test_limit_takes_effect(guest):
    guest.fw("limit", "set", "udp", "10/s", "burst", "10")
    before, start = guest.counted("virtio0"), time.monotonic()
    storm = guest.flood("virtio0", sources=1, start="45.2.0.1", port=9, pps=2000, seconds=120)

    def passed(moved):
        return moved.get("newcomer", 0) + moved.get("source_ok", 0)
    assert lab.until(lambda: passed(lab.minus(guest.reasons(), before[0])) >= 20)
    moved = guest.arrived("virtio0", before, storm.stop())
    assert passed(moved) <= 10 + 10 * (time.monotonic() - start), moved
    assert moved["source_udp"] >= 0.95 * (sum(moved.values()) - passed(moved)), moved


def test_people_are_served_by_cookie(guest):
    """A server under siege: the driver itself answers a stranger's SYN, and the page comes."""
    guest.run("sysctl -qw net.ipv4.tcp_syncookies=2; httpd -h /tmp/www")
    guest.fw("service", "add", "web", "--to", "10.80.1.2", "--tcp", "80")
    guest.fw("service", "set", "web", "--level", "siege")
    assert guest.fetch("virtio0"), "no page"
    moved = guest.reasons()
    assert moved.get("cookie_sent") and moved.get("cookie_valid"), moved
    guest.fw("service", "set", "web", "--level", "auto")
    storm = guest.flood("virtio0", "syn", sources=0, pps=3000, seconds=300)
    served = [bool(guest.fetch("virtio0")) for _ in range(5)]
    storm.stop()
    assert all(served), served


def test_link_down_and_up(guest):
    guest.run("ip link set virtio0 down")
    attached(guest, "virtio0")
    guest.up("virtio0")
    attached(guest, "virtio0")
    assert all_blocked(guest, "virtio0", sources=1)


def test_change_of_mtu(guest):
    for mtu in (1400, 1500):
        guest.run("ip link set virtio0 mtu %d" % mtu)
        attached(guest, "virtio0")
        assert all_blocked(guest, "virtio0", sources=1)


def test_jumbo_frames(guest):
    """Below the dispatcher, too: frames of several pages are judged and arrive, where the driver has
    them. Where it has not, it takes neither them nor a program, nor gives one back: said, with what
    helps."""
    big = dict(payload=8900, count=500, pps=1000, port=9, sources=1)
    lab.run(["ip", "-n", guest.ns, "link", "set", guest.nics["virtio0"][0], "mtu", "9000"])
    guest.run("ip link set virtio0 mtu 9000")
    if guest.name == "6.1":  # virtio_net takes them since 6.3
        p = guest.fw("-j", "detach", "virtio0", check=False)
        assert p.returncode == 2, p
        assert json.loads(p.stdout)["error"]["hint"] == "ip link set virtio0 mtu 3506"
        assert "MTU 9000 may be more" in guest.fw("doctor", "virtio0", check=False).stdout
    else:
        before, noports = guest.reasons("bytes"), no_ports(guest)
        moved = exactly(guest, "virtio0", start="45.1.0.9", **big)
        assert set(moved) == {"blocked"} and no_ports(guest) == noports, moved
        size = sum(lab.minus(guest.reasons("bytes"), before).values())
        assert size == moved["blocked"] * (14 + 20 + 8 + 8900)
        moved = exactly(guest, "virtio0", start="45.4.0.9", **big)
        passed = moved["newcomer"] + moved.get("source_ok", 0)
        assert passed >= 10 and no_ports(guest) == noports + passed, moved
        assert "in several buffers, which works" in guest.fw("doctor", "virtio0", check=False).stdout
    guest.run("ip link set virtio0 mtu 1500")
    attached(guest, "virtio0")
    assert all_blocked(guest, "virtio0", sources=1)


def test_a_program_beside_ours(guest):
    """Both are in force, and ours runs first."""
    guest.run("xdp-loader load -m native virtio0 /obj/beside.bpf.o")
    s = attached(guest, "virtio0")
    assert s["dispatcher"] and [o["name"] for o in s["others"]] == ["beside"], s
    noports = no_ports(guest)
    moved = exactly(guest, "virtio0", sources=500, start="45.3.0.1", port=9999)
    assert set(moved) == {"newcomer", "source_ok"}, "we passed them"
    assert no_ports(guest) == noports, "and the other did not drop them"
    assert all_blocked(guest, "virtio0", sources=1)


def test_replace_has_no_gap(guest):
    """With the dispatcher rebuilt twice on the way, nothing blocked gets by and nothing is lost."""
    old = guest.status("virtio0")["program_id"]
    before = guest.counted("virtio0")
    noports = no_ports(guest)
    storm = guest.flood("virtio0", sources=1, start="45.1.0.7", port=9, pps=500, seconds=300)
    assert json.loads(guest.attach("virtio0").stdout)["interfaces"][0]["replaced"]
    assert set(guest.arrived("virtio0", before, storm.stop())) == {"blocked"}
    assert no_ports(guest) == noports, "something got by"
    s = attached(guest, "virtio0")
    assert s["program_id"] != old and [o["name"] for o in s["others"]] == ["beside"]


def test_detach_leaves_the_other(guest):
    guest.fw("detach", "virtio0")
    assert guest.status("virtio0") is None
    assert "beside" in guest.run("xdp-loader status virtio0").stdout
    assert guest.fetch("virtio0"), "no page"
    guest.run("xdp-loader unload virtio0 --all")
    assert guest.xdp("virtio0") is None
    assert guest.run("ls /sys/fs/bpf/floodwall 2>/dev/null", check=False).stdout == ""


def doctor(guest, dev):
    """What it says of a device, and the command below each line, by their first words."""
    return guest.fw("doctor", dev, check=False).stdout.split("\n%s\n" % dev)[1]


def test_a_vlan_is_refused_naming_its_parent(guest):
    """Native XDP is the parent's, which reads tags itself; nothing is touched."""
    guest.fw("detach", "--all", check=False)  # where the tests before were left out
    guest.run("ip link add link virtio0 name virtio0.7 type vlan id 7; ip link set virtio0.7 up")
    p = guest.attach("virtio0.7", check=False)
    error = json.loads(p.stdout)["error"]
    assert p.returncode == 2 and "virtio0.7 is a VLAN of virtio0" in error["message"], p
    assert error["hint"].startswith("floodwall attach virtio0 ")
    assert guest.xdp("virtio0") is None and guest.xdp("virtio0.7") is None
    assert guest.run("ls /sys/fs/bpf/floodwall 2>/dev/null", check=False).stdout == ""
    assert "floodwall attach virtio0\n" in doctor(guest, "virtio0.7")
    guest.run("ip link del virtio0.7")


def test_cards_that_join_packets(guest):
    """vmxnet3 has LRO, and switches it off for a program, as virtio_net does with hardware GRO. Said
    before, with the command that works; and no longer when it is no longer so."""
    guest.up("vmxnet0")
    mend = "ethtool -K vmxnet0 lro off"
    assert "LRO joins packets" in doctor(guest, "vmxnet0") and mend in doctor(guest, "vmxnet0")
    guest.run(mend)
    assert "no offload joins packets" in doctor(guest, "vmxnet0")
    guest.run("ethtool -K vmxnet0 lro on")
    assert "virtio_net switches off" in doctor(guest, "virtio0")
    for dev in ["virtio0"] + ["vmxnet0"] * NATIVE[guest.name]["vmxnet0"]:
        p = guest.attach(dev)
        assert "joins packets" not in p.stdout + p.stderr, p
        guest.fw("detach", dev)


def test_a_hypervisor_that_joins_packets(guest):
    """And will not be told to stop: refused in words that say so, and where it can be mended."""
    guest.up("virtio1")
    assert "fail  the hypervisor hands over joined packets" in doctor(guest, "virtio1")
    p = guest.attach("virtio1", check=False)
    error = json.loads(p.stdout)["error"]
    assert p.returncode == 2 and "hands over joined packets" in error["message"], p
    assert "ctrl_guest_offloads=on" in error["hint"] and guest.xdp("virtio1") is None


@pytest.mark.parametrize("dev, driver", [("vmxnet0", "vmxnet3"), ("e1000e0", "e1000e")])
def test_other_cards(guest, note, dev, driver):
    """Native where the driver has it. Where not: refused in words that name the driver, nothing is
    touched, and generic works when asked for and says so everywhere."""
    guest.up(dev)
    p = guest.attach(dev, check=False)
    expected = NATIVE[guest.name][dev]
    assert expected is None or (p.returncode == 0) == expected, p
    if p.returncode == 0:
        assert attached(guest, dev)["driver"] == driver
        note(guest, driver, "native")
    else:
        assert p.returncode == 2
        error = json.loads(p.stdout)["error"]
        assert error["message"] == "%s: driver %s has no native XDP" % (dev, driver)
        assert "--mode generic" in error["hint"]
        assert guest.xdp(dev) is None and guest.status(dev) is None
        p = guest.attach(dev, "--mode", "generic", check=False)
        assert p.returncode == 5, "works, but degraded"
        attached(guest, dev, "generic")
        assert "GENERIC" in guest.fw("status", check=False).stdout
        note(guest, driver, "refused; generic if asked")
    guest.fw("block", "add", "45.1.0.0/16")
    assert all_blocked(guest, dev, sources=10, count=1000, pps=1000)
    assert guest.fetch(dev), "no page"
    guest.fw("detach", dev)
    assert guest.xdp(dev) is None


def test_veth(guest, note):
    guest.run("mount --make-shared /run; ip netns add far; "
              "ip link add web0 type veth peer name out0 netns far; ip link set web0 up; "
              "ip -n far link set out0 up; ip addr add 10.81.0.2/24 dev web0; "
              "ethtool -K web0 gro on; sleep 1")
    guest.attach("web0")
    attached(guest, "web0")
    mac = guest.run("cat /sys/class/net/web0/address").stdout.strip()
    f = json.loads(guest.run("ip netns exec far /own/flood --iface out0 --dst 10.81.0.2 --dmac %s "
                             "--port 9 --sources 10 --from 45.0.0.1 --count 2000 --pps 2000" %
                             mac).stdout.splitlines()[-1])
    lost = int(guest.run("ip netns exec far cat /sys/class/net/out0/statistics/tx_dropped").stdout)
    assert f["sent"] + f["ring_full"] == 2000 and lost < 2000 - ENOUGH

    def passed():
        moved = guest.reasons()
        return moved.get("newcomer", 0) + moved.get("source_ok", 0)
    assert lab.until(lambda: passed() == 2000 - lost), (passed(), lost)
    guest.fw("detach", "web0")
    guest.run("ip link del web0; ip netns del far")
    note(guest, "veth", "native")


def test_interface_removed_and_returned(guest):
    """Pulled out like a card from its slot: said, not fatal; and the next one can be protected."""
    guest.attach("virtio0")
    slot = "/sys/bus/pci/devices/$(basename $(readlink -f /sys/class/net/virtio0/device/..))"
    guest.run("echo 1 > %s/remove" % slot)
    p = guest.fw("status", check=False)
    assert p.returncode in (3, 5) and "virtio0" in p.stdout + p.stderr, p
    guest.run("echo 1 > /sys/bus/pci/rescan")
    guest.wait_for("[ -e /sys/class/net/eth0 ]")
    guest.run("ip link set eth0 name virtio0")
    guest.up("virtio0")
    assert guest.xdp("virtio0") is None
    guest.attach("virtio0")
    attached(guest, "virtio0")
    guest.fw("block", "add", "45.1.0.0/16")
    assert all_blocked(guest, "virtio0", sources=1)
    guest.fw("detach", "--all")
    assert guest.xdp("virtio0") is None


def test_more_memory_than_there_is(guest):
    p = guest.fw("-j", "attach", "virtio0", "--sources4", "64M", check=False)
    assert p.returncode == 2 and "MiB left" in json.loads(p.stdout)["error"]["message"], p
    assert guest.xdp("virtio0") is None
    assert guest.run("ls /sys/fs/bpf/floodwall 2>/dev/null", check=False).stdout == ""


def within(guest, limit, *argv):
    """floodwall in a new cgroup that may use so much memory; what it used at most, in bytes, too."""
    group = "/sys/fs/cgroup/at" + limit
    p = guest.run("mkdir %s; echo %s > %s/memory.max\n"
                  "sh -c 'echo $$ > %s/cgroup.procs; exec %s'" %
                  (group, limit, group, group, " ".join(argv)), check=False)
    p.peak = int(guest.run("cat %s/memory.peak" % group).stdout)
    return p


def untouched(guest):
    pins = guest.run("ls /sys/fs/bpf/floodwall 2>/dev/null", check=False).stdout
    return guest.xdp("virtio0") is None and pins == ""


def test_a_cgroup_with_too_little_memory(guest):
    """Refused in words before anything is touched, or wholly done; never killed half-way. What is on
    stays on when there is no memory to replace it with. Newer kernels charge what the verifier keeps,
    so what is asked for must leave room above what it took."""
    guest.fw("detach", "--all", check=False)  # where the tests before were left out
    guest.run("mkdir -p /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup\n"
              "echo +memory > /sys/fs/cgroup/cgroup.subtree_control")
    for limit in ("30M", "50M", "60M"):
        p = within(guest, limit, "floodwall", "-j", "attach", "virtio0", *vm.SMALL)
        assert p.returncode == 2 and "this cgroup (memory.max) has only" in p.stdout, (limit, p)
        assert untouched(guest)
    p = within(guest, "31M", "timeout 60 floodwall run --listen off", *vm.SMALL, "virtio0")
    assert "this cgroup (memory.max) has only" in p.stderr and "illed" not in p.stderr, p
    assert untouched(guest)
    p = within(guest, "110M", "floodwall", "-j", "attach", "virtio0", *vm.SMALL)
    assert p.returncode == 0, p
    before = guest.status("virtio0")["program_id"]
    p = within(guest, "32M", "floodwall", "-j", "explain", "192.0.2.1")
    assert p.returncode == 2 and "loading the program need" in p.stdout, p
    for limit in ("3M", "16M", "24M"):
        p = within(guest, limit, "floodwall", "-j", "attach", "virtio0")
        assert p.returncode == 2 and "loading the program needs" in p.stdout, (limit, p)
    assert attached(guest, "virtio0")["program_id"] == before
    needs = int(re.search(r"needs (\d+) MiB", p.stdout).group(1)) << 20
    p = within(guest, "64M", "floodwall", "-j", "attach", "virtio0")
    assert p.returncode == 0 and json.loads(p.stdout)["interfaces"][0]["replaced"], p
    assert p.peak < 0.9 * needs, "%d bytes: FW_OBJECT_SPARE must grow" % p.peak
    guest.fw("detach", "virtio0")


def test_kernel_never_warned(guest):
    assert guest.splats() == []
    assert guest.run("cat /proc/sys/kernel/tainted").stdout.strip() == "0"
