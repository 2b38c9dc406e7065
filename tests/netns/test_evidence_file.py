# SPDX-License-Identifier: GPL-2.0-only
"""Where a bundle is written to: whole, or not at all, on whatever file system."""

import contextlib
import os
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lab as lablib  # noqa: E402
from evidence import ev  # noqa: E402,F401


@pytest.mark.skipif(not os.path.exists("/dev/fuse"), reason="no FUSE in this kernel or container")
def test_simple_file_system(ev):
    """One that knows neither files without a name nor a rename that spares what is there, as NFS."""
    real, seen = ev.path("real"), ev.path("seen")
    os.mkdir(real)
    os.mkdir(seen)
    lablib.run(["bindfs", real, seen])
    try:
        ev.fw("incident", "export", 1, "--to", seen + "/night.tar")
        assert os.listdir(real) == ["night.tar"]
        ev.json("incident", "export", 1, "--to", seen + "/night.tar", code=1)
        assert os.listdir(real) == ["night.tar"] and ev.verify("real/night.tar")["intact"]
    finally:
        lablib.run(["umount", seen])


def test_full_disk(ev):
    """Too little room: an error, and nothing that looks like a bundle."""
    small = ev.path("small")
    os.mkdir(small)
    lablib.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small])
    try:
        e = ev.json("incident", "export", 1, "--to", small + "/night.tar", code=2)
        assert "No space" in e["error"]["message"]
        assert not os.listdir(small)
        with contextlib.suppress(OSError), open(small + "/full", "wb", buffering=0) as f:
            while True:
                f.write(bytes(4096))
        e = ev.json("incident", "report", 1, "--to", small + "/night.html", code=2)
        assert "No space" in e["error"]["message"]
        assert os.listdir(small) == ["full"]
    finally:
        lablib.run(["umount", small])


def test_killed(ev):
    """Killed at any moment, an export leaves a whole bundle or nothing."""
    number = ev.night("flood", 1000, 40000, 3)["id"]
    folder = ev.path("killed")
    os.mkdir(folder)
    whole = 0
    for i in range(8):
        p = subprocess.Popen([lablib.FLOODWALL, "incident", "export", str(number), "--to",
                              folder + "/%d.tar" % i], env=ev.env, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
        try:
            p.wait(timeout=max(i - 2, 0) * 0.1)
        except subprocess.TimeoutExpired:
            p.kill()
        p.wait()
        for name in os.listdir(folder):
            assert ev.verify("killed/" + name)["intact"]
            whole += 1
            os.unlink(os.path.join(folder, name))
    assert whole < 8  # the first ones were killed at once
