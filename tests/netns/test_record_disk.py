# SPDX-License-Identifier: GPL-2.0-only
"""The record and its disk: full, hanging, without a file to be had, and a full run directory. Filtering goes
on, what is missing is said, and with room again the record goes on."""

import os
import sqlite3
import subprocess

import pytest

import lab
from lab import until
from test_metrics import get, samples, total
from test_record import recording, start


def recorder_up(box):
    return total(samples(get(box)[2]), "floodwall_part_up", part="recorder")


def test_disk_full(box):
    """A full disk: filtering and serving go on, status and the journal say that nothing is recorded,
    and with room again the counts of that time are there."""
    small = os.path.join(box.dir, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "small", small], check=True)
    try:
        env = {"FLOODWALL_HISTORY": os.path.join(small, "history.db")}
        p = start(box, env=env)
        hog = os.path.join(small, "hog")
        with open(hog, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(b"x" * 4096)
            except OSError:
                pass
        before = box.counted()
        flood = box.flood("udp", pps=20000, count=60000, port=9)
        assert until(lambda: recording(box).get("ok") is False), p.said()
        assert "recording stands still, filtering goes on" in p.said()
        status = box.fw("status", check=False)
        assert status.returncode == 5 and "STANDS STILL" in status.stdout
        assert until(lambda: recorder_up(box) == 0), p.said()
        judged = sum(box.arrived(before, flood.result()).values())
        assert judged > 1000, "the filter stopped"
        os.unlink(hog)
        assert until(lambda: recording(box).get("ok")), p.said()
        assert until(lambda: "recording goes on" in p.said())
        assert until(lambda: recorder_up(box) == 1)
        db = sqlite3.connect("file:%s?mode=ro" % env["FLOODWALL_HISTORY"], uri=True)
        assert db.execute("SELECT sum(packets) FROM total").fetchone()[0] >= judged
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        p.terminate()
        assert p.wait(60) == 0
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_disk_hangs(box):
    """A disk that neither takes nor refuses: filtering and the controller go on, and it is said."""
    disk, small = os.path.join(box.dir, "disk"), os.path.join(box.dir, "small")
    os.mkdir(small)
    with open(disk, "wb") as f:
        f.truncate(32 << 20)
    lab.run(["mkfs.ext4", "-q", disk])
    if subprocess.run(["mount", "-o", "loop", disk, small], check=False).returncode:
        pytest.skip("no loop devices")
    try:
        p = start(box, env={"FLOODWALL_HISTORY": os.path.join(small, "history.db")})
        lab.run(["fsfreeze", "-f", small])
        try:
            assert until(lambda: recording(box).get("ok") is False, 120), p.said()
            assert until(lambda: "the disk does not answer" in p.said())
            assert recorder_up(box) == 0 and get(box, "/healthz")[0] == 200
        finally:
            lab.run(["fsfreeze", "-u", small])
        assert until(lambda: recording(box).get("ok")), p.said()
        assert until(lambda: "recording goes on" in p.said())
        p.terminate()
        assert p.wait(60) == 0
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_run_directory_full(box):
    """The history goes on; what cannot be known of it is not called lost."""
    os.makedirs(box.run_dir)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "run", box.run_dir], check=True)
    try:
        p = start(box)
        hog = os.path.join(box.run_dir, "hog")
        with open(hog, "wb", buffering=0) as f:
            with pytest.raises(OSError):
                while True:
                    f.write(b"x" * 4096)
        assert until(lambda: "s old" in recording(box)["trouble"]), recording(box)
        status = box.fw("status", check=False)
        assert status.returncode == 5 and "is there room in " + box.run_dir in status.stderr
        assert "NOT KNOWN" in status.stdout and "nothing is recorded" not in status.stderr
        os.unlink(hog)
        assert until(lambda: recording(box).get("ok")), p.said()
        p.terminate()
        assert p.wait(60) == 0
    finally:
        subprocess.run(["umount", "-l", box.run_dir], check=True)


def test_no_file_for_the_log(box):
    """Room for the history, but for no more files: totals go on being written, and nobody is told
    that nothing is. With a file to be had, the log holds what waited."""
    small = os.path.join(box.dir, "small")
    os.mkdir(small)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=32", "small", small],
                   check=True)
    try:
        p = start(box, env={"FLOODWALL_HISTORY": os.path.join(small, "history.db")})
        hogs = []
        with pytest.raises(OSError):
            while True:
                hogs.append(os.path.join(small, "hog%d" % len(hogs)))
                open(hogs[-1], "xb").close()
        box.flood("syn", pps=30000, count=90000)
        assert until(lambda: recording(box).get("ok") is False), p.said()
        status = box.fw("status", check=False)
        assert status.returncode == 5 and "WAIT IN MEMORY" in status.stdout, status.stdout
        assert "accounts of sources are not on disk" in status.stderr
        assert recording(box)["totals"] and "nothing is recorded" not in status.stderr
        assert "accounts of sources wait in memory" in p.said()
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(small, "history.db"), uri=True)
        before = db.execute("SELECT max(id) FROM tick").fetchone()[0]
        assert until(lambda: db.execute("SELECT max(id) FROM tick").fetchone()[0] > before)
        os.unlink(hogs[0])
        assert until(lambda: recording(box).get("ok")), p.said()
        db.close()
        p.terminate()
        assert p.wait(60) == 0
    finally:
        subprocess.run(["umount", "-l", small], check=True)
