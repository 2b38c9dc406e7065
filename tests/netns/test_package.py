# SPDX-License-Identifier: GPL-2.0-only
"""What removing the package does to the kernel: the script that dpkg runs, without dpkg and systemd. Its
whole life in a guest with systemd is in tests/vm/test_system.py."""

import os

import pytest

import lab
from test_pins import meta


@pytest.fixture
def prerm(box, tmp_path):
    """Runs `prerm remove` as on the server of a lab, with the command that was built."""
    os.symlink(lab.FLOODWALL, tmp_path / "floodwall")
    # There may be a floodwall under systemd on this machine, and it is not ours to stop.
    (tmp_path / "deb-systemd-invoke").write_text("#!/bin/sh\n")
    (tmp_path / "deb-systemd-invoke").chmod(0o755)
    env = dict(box.env(), PATH="%s:%s" % (tmp_path, os.environ["PATH"]))
    script = os.path.join(lab.ROOT, "debian", "floodwall.prerm")
    return lambda: box.inside(box.srv, "sh", script, "remove", env=env, check=False)


@pytest.fixture
def postinst(box, tmp_path, prerm):
    """Runs `postinst configure VERSION`, VERSION being the last one that was configured here."""
    env = dict(box.env(), PATH="%s:%s" % (tmp_path, os.environ["PATH"]))
    script = os.path.join(lab.ROOT, "debian", "floodwall.postinst")
    # No key for this machine.
    words = 'mount -t tmpfs none /var/lib && exec sh "$0" configure "$@"'
    return lambda *version: box.inside(box.srv, "unshare", "-m", "sh", "-c", words, script, *version,
                                       env=env, check=False)


@pytest.mark.parametrize("version", [[""], ["0.1.0"]])
def test_installed_and_not_protected_is_said(box, postinst, version):
    """Also after an upgrade of what was never started, or removed before: its settings stay, and dpkg
    names the version that they were of."""
    p = postinst(*version)
    assert p.returncode == 0 and "nothing is protected yet" in p.stdout, p
    box.attach()
    p = postinst(*version)
    assert p.returncode == 0 and "not" not in p.stdout, p
    # Whatever the other version was: an older one, a newer one, or the same again.
    assert ("the program that was attached before" in p.stdout) == bool(version[0]), p


def test_removal_takes_off_what_is_attached_and_says_so(box, prerm):
    """Also where a name of a namespace is left that leads nowhere."""
    box.attach()
    stale = "/run/netns/%s-stale" % box.name
    with open(stale, "w", encoding="utf-8"):
        pass
    try:
        p = prerm()
    finally:
        os.unlink(stale)
    assert p.returncode == 0 and "no longer protected" in p.stdout, p
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)


def test_removal_leaves_no_kept_state(box, prerm):
    """Nothing is attached, so no word of protection; but the tables take memory until somebody goes."""
    box.attach()
    box.fw("detach", "--keep", box.iface)
    assert os.listdir(box.pins)
    p = prerm()
    assert (p.returncode, p.stdout, p.stderr) == (0, "", "")
    assert not os.path.exists(box.pins) or not os.listdir(box.pins)


def test_removal_of_what_was_never_used_is_silent(prerm):
    p = prerm()
    assert (p.returncode, p.stdout, p.stderr) == (0, "", "")


def test_what_cannot_be_taken_off_keeps_its_command(box, prerm):
    """State of another floodwall: the one at hand must not touch it, so it does not go either."""
    box.attach()
    value = meta(box)
    meta(box, {8: 200})
    p = prerm()
    assert p.returncode == 1 and "the package stays" in p.stderr, p
    meta(box, {8: value[8]})
    assert box.fwj("status")["interfaces"][0]["attached"]
