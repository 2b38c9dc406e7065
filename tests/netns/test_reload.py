# SPDX-License-Identifier: GPL-2.0-only
"""The controller and the policy file: applied before the first packet, again at SIGHUP; a broken file
changes nothing and is told with its place, at a reload, at a start, and after a reboot."""

import os
import re
import shutil
import signal

import pytest
from lab import until
from test_metrics import get, samples, total
from test_run import attached, program

GOOD = """\
interfaces:
  web0: native
classes:
  default:
    udp: 200/s burst 200
lanes:
  blocked:
    - prefix: 45.0.0.7
      why: must never pass
recording:
  enabled: off
"""


@pytest.fixture
def policy(box):
    path = os.path.join(box.dir, "floodwall.yaml")

    def write(text=GOOD):
        with open(path + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(path + ".new", path)
        return path
    write()
    box.ip(box.srv, "link set lo up")
    return write


def start(box, path, want="is ready"):
    p = box.daemon("--policy", path)
    assert until(lambda: want in p.said()), p.said()
    return p


def udp(box):
    """The running UDP limit of one source, a second."""
    classes = box.fwj("limit", "show", "--class", "default")["classes"]
    return classes[0]["limits"]["udp"]["count"]


def differs(box):
    return total(samples(get(box)[2]), "floodwall_policy_differs")


def test_applied_before_anything_is_attached(box, policy):
    """The blocked source sends from before the start: not one packet of it is ever passed."""
    flood = box.flood("udp", sources=1, start="45.0.0.7", port=9, pps=5000, seconds=120)
    p = start(box, policy())
    assert attached(box) and udp(box) == 200
    assert until(lambda: box.reasons().get("blocked", 0) > 1000)
    flood.stop()
    box.quiet()
    moved = box.reasons()
    assert set(moved) <= {"blocked", "essential"}, moved
    assert "applied" in p.said()


def reloads(box, result):
    return total(samples(get(box)[2]), "floodwall_policy_reloads_total", result=result)


def test_reload(box, policy):
    p = start(box, policy())
    policy(GOOD.replace("200/s burst 200", "300/s burst 300"))
    p.send_signal(signal.SIGHUP)
    assert until(lambda: udp(box) == 300), p.said()
    assert until(lambda: "SIGHUP of process %d" % os.getpid() in p.said())
    assert until(lambda: reloads(box, "applied") == 2)
    assert total(samples(get(box)[2]), "floodwall_policy_last_reload_success") == 1


def test_a_broken_file_changes_nothing(box, policy):
    p = start(box, policy())
    path = policy(GOOD.replace("udp: 200/s", "udpp: 200/s"))
    before = box.fwj("status", check=False)["generation"]
    p.send_signal(signal.SIGHUP)
    assert until(lambda: "refused, nothing changed" in p.said()), p.said()
    assert "%s:5:" % path in p.said() and "udpp" in p.said()
    assert box.fwj("status", check=False)["generation"] == before and udp(box) == 200
    assert until(lambda: reloads(box, "refused") == 1)
    assert total(samples(get(box)[2]), "floodwall_policy_last_reload_success") == 0
    policy()
    p.send_signal(signal.SIGHUP)
    assert until(lambda: total(samples(get(box)[2]), "floodwall_policy_last_reload_success") == 1)


def test_a_broken_file_at_the_first_start_is_an_error(box, policy):
    path = policy("interfaces: [\n")
    p = box.daemon("--policy", path)
    assert p.wait(60) == 1, p.said()
    assert path + ":" in p.said()
    assert program(box) is None
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)


def test_after_a_reboot_the_last_good_policy_runs(box, policy):
    """State and interface are as after a reboot, the file was broken before it: the host is
    filtered all the same, and it is told loudly."""
    p = start(box, policy())
    p.terminate()
    assert p.wait(60) == 0, p.said()
    box.fw("detach", "--all")
    path = policy("interfaces: [\n")
    p = start(box, path)
    assert "the last good policy runs instead" in p.said()
    assert attached(box) and udp(box) == 200
    assert "45.0.0.7" in box.fw("block", "list").stdout
    found = samples(get(box)[2])
    assert total(found, "floodwall_policy_last_reload_success") == 0
    assert total(found, "floodwall_state") == 1


def test_an_interface_that_comes_after_the_file_broke_is_filtered(box, policy):
    """An admin is in the middle of an edit when the link appears."""
    p = start(box, policy(GOOD.replace("web0", "late0")))
    policy("interfaces: [\n")
    box.ip(box.srv, "link add late0 type veth peer name late1")
    assert until(lambda: attached(box, "late0")), p.said()
    assert "the last good policy runs instead" in p.said()
    assert "45.0.0.7" in box.fw("block", "list").stdout and udp(box) == 200
    assert until(lambda: total(samples(get(box)[2]), "floodwall_policy_last_reload_success") == 0)


def crash_after_a_block(box, p, path):
    """Blocks by hand and kills the controller; returns the next one, which has kept the block."""
    box.fw("block", "add", "45.0.0.99", "--why", "22:00")
    p.kill()
    p.wait()
    p = start(box, path)
    assert "45.0.0.99" in box.fw("block", "list").stdout
    shown = re.search(r"differs from .*`floodwall policy diff (/\S+)`", p.said())
    assert shown and os.path.samefile(shown.group(1), path), p.said()
    return p


def test_a_restart_keeps_what_was_changed_by_hand(box, policy):
    """A crash in the middle of an attack must not lift the block of a minute ago. A reload says
    that the file counts again."""
    path = policy()
    p = start(box, path)
    p = crash_after_a_block(box, p, path)
    assert until(lambda: differs(box) == 1), "the metric does not say so"
    policy(GOOD + "\n# edited\n")
    p.send_signal(signal.SIGHUP)
    assert until(lambda: "45.0.0.99" not in box.fw("block", "list").stdout), p.said()
    assert until(lambda: differs(box) == 0)


def test_a_file_named_by_a_link_or_from_here_is_the_same_file(box, policy):
    """As configuration management leaves it, and as one types it: a restart still keeps what was
    changed by hand, and status finds the file from anywhere."""
    link = os.path.join(box.dir, "link.yaml")
    os.symlink(policy(), link)
    path = os.path.relpath(link)
    p = start(box, path)
    told = box.fwj("status", check=False)["policy_file"]
    assert told["file"][0] == "/" and os.path.normpath(told["file"]) == link
    assert not told["file_missing"]
    crash_after_a_block(box, p, path)


def test_metrics_say_when_running_differs_from_the_file(box, policy):
    """As soon as another command has changed something, until it is undone or the file, the same
    one, counts again."""
    p = start(box, policy())
    assert differs(box) == 0
    box.fw("limit", "set", "udp", "7/s")
    assert until(lambda: differs(box) == 1)
    box.fw("policy", "undo")
    assert until(lambda: differs(box) == 0)
    box.fw("limit", "set", "udp", "7/s")
    assert until(lambda: differs(box) == 1)
    p.send_signal(signal.SIGHUP)
    assert until(lambda: differs(box) == 0), p.said()
    assert udp(box) == 200


def test_interfaces_follow_the_file(box, policy):
    p = start(box, policy())
    box.ip(box.srv, "link add two0 type veth peer name two1")
    policy(GOOD.replace("  web0: native\n", "  web0: native\n  two0: native\n"))
    p.send_signal(signal.SIGHUP)
    assert until(lambda: attached(box, "two0")), p.said()
    policy()
    p.send_signal(signal.SIGHUP)
    assert until(lambda: "two0: is not in the policy file any more and stays" in p.said())
    assert attached(box, "two0")


def test_metrics_move_with_the_file(box, policy):
    p = start(box, policy())
    policy(GOOD + "metrics:\n  port: 9898\n")
    p.send_signal(signal.SIGHUP)

    def answer():
        return box.inside(box.srv, "curl", "-s", "-m", "5", "http://127.0.0.1:9898/healthz",
                          check=False).stdout == "ok\n"
    assert until(answer), p.said()
    assert until(lambda: box.inside(box.srv, "curl", "-s", "-m", "5",
                                    "http://127.0.0.1:9797/healthz", check=False).returncode)


def test_metrics_wait_for_their_address(box, policy):
    """The unit starts before the network does, so the address to serve on may come later."""
    p = start(box, policy(GOOD + "metrics:\n  address: 10.78.0.1\n"))
    assert "cannot serve metrics on 10.78.0.1" in p.said() and attached(box)

    def answer():
        return box.inside(box.srv, "curl", "-s", "-m", "5", "http://10.78.0.1:9797/healthz",
                          check=False).stdout
    box.ip(box.srv, "addr add 10.78.0.1/32 dev lo")
    assert until(lambda: answer() == "ok\n"), p.said()
    assert p.said().count("cannot serve metrics") == 1 and "served now" in p.said()
    assert "address that others reach" in p.said()
    policy(GOOD + "metrics:\n  address: 10.78.0.2\n")
    p.send_signal(signal.SIGHUP)
    assert until(lambda: "metrics keeps its settings: cannot serve" in p.said()), p.said()
    assert until(lambda: answer() == "ok\n"), p.said()


def test_a_taken_port_is_told_and_filtering_goes_on(box, policy):
    start(box, policy())
    again = box.daemon("--policy", policy(), env={"FLOODWALL_PINS": box.pins + "-2",
                                                  "RUNTIME_DIRECTORY": box.run_dir + "2"})
    # Another interface would be needed to attach; what matters is what it says of the port.
    assert until(lambda: "cannot serve metrics" in again.said()), again.said()
    again.kill()
    again.wait()
    shutil.rmtree(box.pins + "-2", ignore_errors=True)
