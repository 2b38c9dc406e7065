# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that is too old: one clear sentence, and nothing is touched."""

import json

PRINTS = "ip -d link; ls -R /sys/fs/bpf; cat /proc/sys/net/core/bpf_jit_enable"


def test_refused_in_one_sentence(old_guest, note):
    old_guest.up("virtio0")
    before = old_guest.run(PRINTS).stdout
    p = old_guest.fw("attach", "virtio0", check=False)
    assert p.returncode == 2, p
    said = [l for l in p.stderr.splitlines() if l.strip()]
    assert len(said) == 2 and "5.10" in said[0] and "5.15" in said[1], p.stderr
    error = json.loads(old_guest.fw("-j", "attach", "virtio0", check=False).stdout)["error"]
    note(old_guest, "refused", error["message"])
    generic = old_guest.fw("attach", "virtio0", "--mode", "generic", check=False)
    assert generic.returncode == 2 and "5.15" in generic.stderr
    assert old_guest.run(PRINTS).stdout == before
    assert old_guest.xdp("virtio0") is None


def test_doctor_says_so(old_guest):
    p = old_guest.fw("doctor", check=False)
    assert p.returncode in (2, 5) and "5.15" in p.stdout + p.stderr, p


def test_kernel_never_warned(old_guest):
    assert old_guest.splats() == []
