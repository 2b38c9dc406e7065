# SPDX-License-Identifier: GPL-2.0-only
"""What the lab says of itself: every figure of the demo depends on it."""

import os
import sys

import lab
import machine
import pytest

LIB = os.path.join(lab.ROOT, "tests/lib")
INSIDE = """import sys
sys.path.insert(0, sys.argv[1])
import lab, machine
with lab.Lab("inside", cpu=machine.cpus(demo=True)) as box:
    box.attach()
    before = box.counted()
    flood = box.flood("udp", pps=20000, count=4000).result()
    print(machine.sees_kernel(), box.pinned, sum(box.arrived(before, flood).values()) > 1000)
"""


@pytest.mark.parametrize("demo", [False, True])
def test_each_end_of_the_pair_has_the_cpu_it_was_given(make_lab, demo):
    box = make_lab(cpu=machine.cpus(demo=demo))
    assert box.pinned == (machine.sees_kernel() and box.cpu["napi"] is not None)
    for dev, role in ((box.iface, "napi"), (box.out, "clients")) if box.pinned else ():
        given = [os.sched_getaffinity(t) for t in machine.napi_threads(dev)]
        assert {box.cpu[role]} in given, (dev, given, box.cpu)


def test_with_two_cpus_the_interface_has_one_to_itself(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {4, 6})
    monkeypatch.setattr(machine, "sees_kernel", lambda: True)
    given = machine.cpus(demo=True)
    assert given["napi"] == 4 and {c for r, c in given.items() if r != "napi"} == {6}
    assert set(machine.cpus().values()) == {None}
    monkeypatch.setattr(machine, "sees_kernel", lambda: False)
    assert machine.cpus(demo=True) == {"napi": None, "server": 4, "clients": 6, "flood": 6}


def test_a_container_is_noticed(request):
    """No thread of the kernel is to be seen there; the lab works, and does not claim to have pinned."""
    ident = os.environ.get("FLOODWALL_TEST_ID", "fwlab") + "p"
    said = lab.run(["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", sys.executable, "-B", "-c",
                    INSIDE, LIB], env=dict(os.environ, FLOODWALL_TEST_ID=ident)).stdout
    assert said.split() == ["False", "False", "True"]


def test_a_tool_stopped_at_once_says_what_it_did(box):
    """However early: a signal before the tool takes it would end it without a word."""
    for _ in range(10):
        assert box.flood("syn", pps=1000, seconds=60).stop()["sent"] <= 60000
        assert box.voters(rate=10, seconds=60).stop()["tried"] <= 600
