# SPDX-License-Identifier: GPL-2.0-only
"""Floods: every packet counted once, limits kept, people served."""

import pytest

import lab

MODES = ["udp", "syn", "ack", "synack", "rst", "icmp", "frag", "mix"]


@pytest.mark.parametrize("vlan", [(), (7,), (100, 7)], ids=["plain", "vlan", "qinq"])
@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_every_packet_ends_in_one_reason(make_lab, v6, vlan):
    """Packets and bytes over all reasons are what was sent, for every kind of flood, from one, a
    hundred and random sources; and reasons say what it was."""
    box = make_lab(vlan=vlan)
    box.attach()
    box.quiet()
    for mode in MODES:
        for sources in (1, 100, 0):
            packets, size = box.counted(), box.reasons("bytes")
            f = box.flood(mode, v6=v6, sources=sources, start="2a00:1::" if v6 else "45.0.0.1",
                          pps=40000, count=3000).result()
            moved = box.arrived(packets, f)
            if box.lost() == packets[1]:
                assert sum(lab.minus(box.reasons("bytes"), size).values()) == f["bytes"]
            if vlan:
                assert "other_l3" not in moved, "tags were not understood"


@pytest.mark.parametrize("vlan", [(7,), (100, 7)], ids=["vlan", "qinq"])
@pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])
def test_tagged_people_are_served(make_lab, v6, vlan):
    box = make_lab(vlan=vlan)
    if not box.vlan_devices:
        pytest.skip("this kernel has no VLAN devices (CONFIG_VLAN_8021Q)")
    box.nginx()
    box.attach()
    storm = box.flood("syn", v6=v6, pps=50000, seconds=4)
    r = box.voters(v6=v6, rate=50, seconds=2, timeout_ms=8000).result()
    lost = box.lost_by_machine() / storm.result()["sent"]
    assert r["tried"] > 50 and lab.came_through(r["served"], r["tried"], lost), (r, lost)
