# SPDX-License-Identifier: GPL-2.0-only
"""What make is told, and must not take for something else. Nothing is built here."""

import os
import shutil
import subprocess

import pytest

import lab


def make(*argv, cwd=lab.ROOT):
    """Says what would be done: exit code and text."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "O", "SAN")}
    p = subprocess.run(["make", "-n", *argv], cwd=cwd, env=env, text=True, check=False,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode, p.stdout


@pytest.mark.parametrize("where", [".", "..", "/", ""])
def test_clean_never_takes_the_sources(where):
    code, said = make("O=" + where, "clean")
    assert code == 2 and "rm -rf" not in said, said


def test_path_with_a_space_is_named(tmp_path):
    folder = tmp_path / "a b"
    folder.mkdir()
    shutil.copy(os.path.join(lab.ROOT, "Makefile"), folder)
    code, said = make("clean", cwd=folder)
    assert code == 2 and "without spaces" in said and "rm -rf" not in said, said


def test_sanitizers_do_not_mix(tmp_path):
    (tmp_path / "sanitized.no").touch()
    code, said = make("O=%s" % tmp_path, "SAN=1", "all")
    assert code == 2 and "without SAN=1" in said, said
    assert make("O=%s" % tmp_path, "SAN=1", "clean") == (0, "rm -rf %s\n" % tmp_path)


def test_another_version_is_compiled():
    """The Makefile says the version: whoever changes it wants it in all objects."""
    san = ["SAN=1"] if os.environ.get("SAN") else []
    code, said = make("-W", "Makefile", "O=" + lab.BUILD, *san, "all")
    assert code == 0 and "user/cli/main.c" in said and "bpf/floodwall.bpf.c" in said, said
