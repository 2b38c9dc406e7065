# SPDX-License-Identifier: GPL-2.0-only
"""Numbered packets through two hundred changes of every kind: not one that is allowed is lost, not one
that is blocked comes through. And the file's life as an admin lives it."""

import json
import os
import subprocess
import sys
import time

import lab
import rights
from lab import until

PORT, FLIPS = 7007, 200

# Sends numbers from an allowed and a blocked address in turn until its input closes; then says how
# many. 1,500 of each a second.
SENDER = """
import select, socket, sys, time
socks = []
for addr in sys.argv[2:]:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, 15, 1)  # IP_FREEBIND
    s.bind((addr, 0))
    s.connect((sys.argv[1], %d))
    socks.append(s)
n, start = 0, time.monotonic()
while n %% 64 or not select.select([sys.stdin], [], [], 0)[0]:
    for i, s in enumerate(socks):
        s.send(b"%%d %%d" %% (i, n))
    n += 1
    late = start + n / 1500 - time.monotonic()
    if late > 0:
        time.sleep(late)
print(n)
""" % PORT

# Receives until its input closes and nothing has come for a while, for what the filter has counted may
# be on its way up; says which numbers came, of each sender.
SINK = """
import json, select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)  # SO_RCVBUFFORCE
s.bind(("0.0.0.0", %d))
print("ready", flush=True)
seen = {0: set(), 1: set()}
ready = [s]
while ready:
    ready = select.select([s, sys.stdin], [], [])[0]
    if s not in ready:
        ready = select.select([s], [], [], 0.5)[0]
    if ready:
        who, n = s.recv(100).split()
        seen[int(who)].add(int(n))
print(json.dumps([sorted(seen[0]), sorted(seen[1])]))
""" % PORT

POLICY = """
classes:
  default: {packets: none, bytes: none, syn: none, udp: %s, icmp: none, fragments: none}
services:
  sink:
    udp: [%d]
    crowd: {syn: none, packets: none, bytes: none}
    network: {syn: none, packets: none, bytes: none}
budgets: {newcomers4: none}
lanes:
  blocked: [%s, 198.51.%d.0/24]
"""


def start(box, ns, code, *args):
    p = subprocess.Popen(["nsenter", "--net=/run/netns/" + ns, sys.executable, "-c", code, *args],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    box.jobs.append(p)
    return p


def end(p):
    out, _ = p.communicate("\n", timeout=60)
    return out.strip().splitlines()[-1]


def all_came(box, before, sender, sink):
    """Whatever met the filter and was not blocked has come, and nothing else: a sender that was kept
    waiting catches up in a burst, which may find the pair's ring full. How many were sent."""
    sent = int(end(sender))
    moved = box.arrived(before, {"sent": 2 * sent, "ring_full": 0})
    allowed, leaked = json.loads(end(sink))
    assert not leaked, "%d blocked packets came through" % len(leaked)
    lost = sorted(set(range(sent)) - set(allowed))
    assert len(allowed) == sum(moved.values()) - moved["blocked"] > 1000, \
        "%d of %d lost: %s ..., %s" % (len(lost), sent, lost[:10], moved)
    return sent


def test_numbered_packets_through_changes(box, tmp_path):
    blocked = "41.85.0.1"
    files = []
    for i, udp in enumerate(("none", "10M/s burst 1M")):
        path = tmp_path / ("%d.yaml" % i)
        path.write_text("interfaces: {%s: native}\n" % box.iface +
                        POLICY % (udp, PORT, blocked, i))
        files.append(str(path))
    box.attach()
    box.fw("policy", "apply", files[0])
    before = box.counted()
    sink = start(box, box.srv, SINK)
    assert sink.stdout.readline() == "ready\n"
    sender = start(box, box.world, SENDER, lab.SRV4, lab.KNOWN4, blocked)
    for i in range(FLIPS):
        if i % 20 == 3:
            assert box.attach()["interfaces"][0]["replaced"]
        elif i % 10 == 6:
            box.fw("limit", "set", "udp", "%dM/s" % (5 + i % 3), "burst", "1M")
        elif i % 10 == 8:
            box.fw("policy", "undo")
        else:
            box.fw("policy", "apply", files[(i + 1) % 2])
    sent = all_came(box, before, sender, sink)
    total, blocked_by = box.fwj("stats")["total"], box.reasons()["blocked"]
    assert total["drop_packets"] == blocked_by >= sent - box.lost_by_machine(), total


def test_a_long_list_while_packets_flow(box, tmp_path):
    """300,000 blocked addresses come and go; whoever is in neither list is served throughout."""
    listed, path, none = (tmp_path / n for n in ("list.txt", "p.yaml", "none.yaml"))
    listed.write_text("".join("45.%d.%d.%d\n" % (i >> 16, i >> 8 & 255, i & 255)
                              for i in range(300000)))
    head = "interfaces: {%s: native}\n" % box.iface + POLICY % ("none", PORT, "41.85.0.1", 1)
    path.write_text(head.replace("198.51.1.0/24]", "{file: list.txt, why: feed}]"))
    none.write_text(head)
    box.fwj("attach", box.iface, "--sources4", "65536", "--sources6", "65536", "--prefixes4",
            "400000", "--prefixes6", "1000")
    box.fw("policy", "apply", str(none))
    before = box.counted()
    sink = start(box, box.srv, SINK)
    assert sink.stdout.readline() == "ready\n"
    sender = start(box, box.world, SENDER, lab.SRV4, lab.KNOWN4, "41.85.0.1")
    for _ in range(3):
        assert "300000 new" in box.fw("policy", "apply", str(path)).stdout
        assert "300000 gone" in box.fw("policy", "apply", str(none)).stdout
    all_came(box, before, sender, sink)


def test_a_killed_controller_changes_nothing_about_going_back(box, tmp_path):
    """apply --confirm from a shell that dies at once: the program goes back in time."""
    path = tmp_path / "p.yaml"
    path.write_text("lanes: {blocked: [41.85.0.1]}\n")
    box.attach()
    before = box.fw("policy", "show").stdout.split("\n", 1)[1]
    p = box.popen_fw("policy", "apply", "--confirm", "5s", str(path))
    assert "goes back by itself in 5 s" in p.communicate()[0]
    assert box.fwj("block", "list")["prefixes"]
    assert box.fw("block", "add", "192.0.2.1", check=False).returncode == 2
    assert until(lambda: not box.fwj("status")["confirm_within_s"])
    assert box.fw("policy", "show").stdout.split("\n", 1)[1] == before
    assert box.fw("policy", "confirm", check=False).returncode == 2


def test_the_file_as_an_admin_lives_with_it(box, tmp_path):
    path, copy = tmp_path / "p.yaml", tmp_path / "saved.yaml"
    listed = tmp_path / "list.txt"
    listed.write_text("198.51.100.1\n")
    path.write_text("lanes: {blocked: [{file: list.txt, why: feed}]}\n")
    assert box.fw("policy", "apply", str(path), check=False).returncode == 3  # nothing attached
    box.attach()
    said = box.fw("policy", "apply", str(path))
    assert "1 new" in said.stdout
    assert box.fwj("status")["policy_file"]["file"] == str(path)
    assert "running differs" not in box.fw("status").stdout
    # Another command, and the file's list changes too.
    box.fw("block", "add", "192.0.2.1")
    said = box.fw("status").stdout
    assert "running differs from file" in said
    way_on = said.partition("since (floodwall ")[2].partition(")")[0].split()
    assert "- lanes.blocked: 192.0.2.1/32" in box.fw(*way_on).stdout
    listed.write_text("198.51.100.2\n")
    assert box.fwj("status")["policy_file"]["file_changed"]
    changes = {(c["path"], c["before"], c["after"])
               for c in box.fwj("policy", "diff", str(path))["changes"]}
    assert ("lanes.blocked", "192.0.2.1/32", None) in changes
    assert ("lanes.blocked", None, "198.51.100.2/32 feed") in changes
    # Saved, changed away from, applied again: the same.
    copy.write_text("# mine\n")
    box.fw("policy", "save", str(copy))
    assert (tmp_path / "saved.yaml.old").read_text() == "# mine\n"
    assert sorted(os.listdir(str(tmp_path))) == ["list.txt", "p.yaml", "saved.yaml",
                                                 "saved.yaml.old"]
    box.fw("policy", "apply", str(path))
    box.fw("policy", "apply", str(copy))
    assert {p["prefix"] for p in box.fwj("block", "list")["prefixes"]} == {"198.51.100.1/32",
                                                                          "192.0.2.1/32"}


def test_whoever_types_is_not_cut_off(box, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("lanes: {blocked: [41.80.0.0/16]}\n")
    box.attach()
    env = dict(box.env(), SSH_CONNECTION="41.80.0.9 50000 10.77.0.1 22")

    def typed(*argv):
        return box.inside(box.srv, lab.FLOODWALL, "policy", *argv, check=False, env=env)
    p = typed("apply", str(path))
    assert p.returncode == 1 and "cut your own session off" in p.stderr
    assert typed("apply", "--force", str(path)).returncode == 1
    assert not box.fwj("block", "list")["prefixes"]
    assert typed("apply", "--force", "--confirm", "5m", str(path)).returncode == 0
    assert box.fwj("block", "list")["prefixes"]
    assert typed("undo").returncode == 0
    assert not box.fwj("block", "list")["prefixes"]


def test_check_needs_no_privilege(tmp_path):
    """As nobody, without capabilities and without a BPF file system to look at."""
    path = tmp_path / "p.yaml"
    path.write_text("mode: enforse\n")
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        os.chmod(folder, 0o755)
    p = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        "--bounding-set=-all", rights.anybodys_copy(tmp_path), "-j", "policy", "check", str(path)],
                       stdout=subprocess.PIPE, text=True, check=False)
    error = json.loads(p.stdout)["error"]
    assert p.returncode == 1 and error["code"] == 1
    assert [(x["line"], x["column"], x["severity"]) for x in error["problems"]] == [(1, 7, "error")]
    assert error["problems"][0]["message"] == '"enforse" is not enforce or monitor'


def meta(box, change=None):
    """The bytes of the meta map; with `change` they are replaced by what it makes of them."""
    pin = os.path.join(box.pins, "fw_meta")
    tool = "/usr/sbin/bpftool"
    got = json.loads(lab.run([tool, "-j", "map", "dump", "pinned", pin]).stdout)
    value = [int(b, 16) for b in got[0]["value"]]
    if change:
        lab.run([tool, "map", "update", "pinned", pin, "key", "0", "0", "0", "0", "value",
                 *[str(b) for b in change(list(value))]])
    return value


def test_state_of_another_schema_is_refused(box, tmp_path):
    """Pins that say another version: no command reads, changes or removes them; the program goes on;
    and with their own version they are as they were."""
    path = tmp_path / "p.yaml"
    path.write_text("interfaces: {%s: native}\nlanes: {blocked: [192.0.2.1]}\n" % box.iface)
    box.attach()
    box.fw("policy", "apply", str(path))
    shown = box.fw("policy", "show").stdout.split("\n", 1)[1]
    before = meta(box, lambda v: v[:8] + [v[8] + 1, 0, 0, 0] + v[12:])
    pins = sorted(os.listdir(box.pins))
    for argv in (("policy", "apply", str(path)), ("policy", "undo"), ("policy", "show"),
                 ("policy", "diff", str(path)), ("block", "flush"), ("attach", box.iface),
                 ("status",)):
        p = box.fw("-j", *argv, check=False)
        error = json.loads(p.stdout)["error"]
        assert p.returncode == 2 and error["hint"], (argv, p.stdout)
        assert "another floodwall (ABI version " in error["message"], error
    assert sorted(os.listdir(box.pins)) == pins
    meta(box, lambda v: before)
    assert box.fw("policy", "show").stdout.split("\n", 1)[1] == shown


def test_save_makes_the_usual_folder(box):
    """`make install` brings none, and what `policy check` proposes then must work. In an /etc of its own."""
    box.attach()
    script = "mount -t tmpfs none /etc && {0} policy save && {0} -j policy check".format(lab.FLOODWALL)
    p = box.inside(box.srv, "unshare", "-m", "sh", "-c", script, env=box.env())
    assert json.loads(p.stdout.splitlines()[-1])["valid"]


def test_many_lists_are_remembered(box, tmp_path):
    """More than the record has room for by name: their contents count all the same."""
    lists = [tmp_path / ("list-of-a-provider-with-a-long-name-%03d.txt" % i) for i in range(120)]
    for i, one in enumerate(lists):
        one.write_text("198.51.100.%d\n" % i)
    path = tmp_path / "p.yaml"
    path.write_text("lanes:\n  blocked:\n" + "".join("    - {file: %s}\n" % one.name for one in lists))
    old = tmp_path / "old.txt"
    old.write_text("192.0.2.1\n")
    end = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3))
    with open(path, "a", encoding="utf-8") as f:
        f.write("    - {file: old.txt, until: %s}\n" % end)

    def said():
        status = box.fwj("status")["policy_file"]
        return status["file_changed"], status["file_missing"]
    box.attach()
    box.fw("policy", "apply", path)
    assert said() == (False, False)
    time.sleep(4)  # what is over is still what was applied
    assert said() == (False, False)
    lists[-1].write_text("203.0.113.1\n")
    assert said() == (True, False)
    lists[-1].unlink()
    assert said() == (False, True)
    deep = tmp_path.joinpath(*["d" * 100] * 3)
    deep.mkdir(parents=True)
    (deep / "p.yaml").write_text("mode: monitor\n")
    p = box.fw("policy", "apply", deep / "p.yaml", check=False)
    assert p.returncode == 1 and "too long to be remembered" in p.stderr
    assert box.fwj("status")["policy_file"]["file"] == str(path)
