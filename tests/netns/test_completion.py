# SPDX-License-Identifier: GPL-2.0-only
"""What the shell offers: objects, verbs, options and their values, and the names that are there."""

import os

import pytest

import lab


@pytest.fixture(scope="module")
def desk():
    with lab.Lab("completion", threaded=False) as one:
        one.attach()
        yield one


def complete(desk, line):
    """What bash offers at the end of a line."""
    script = ('source <("$FW" completion bash); floodwall() { "$FW" "$@"; }; COMP_WORDS=(%s); '
              'COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _floodwall; printf "%%s\\n" "${COMPREPLY[@]}"')
    p = desk.inside(desk.srv, "bash", "-c", script % line,
                    env=dict(desk.env(), FW=lab.FLOODWALL))
    assert not p.stderr, p.stderr
    return p.stdout.split()


def test_completion(desk):
    assert complete(desk, 'floodwall bl') == ["block"]
    assert set(complete(desk, 'floodwall block ""')) == {"add", "del", "list", "import", "flush"}
    assert "--why" in complete(desk, 'floodwall block add --')
    assert complete(desk, 'floodwall -j limit set sy') == ["syn"]
    assert "lo" in complete(desk, 'floodwall attach l')  # of /sys, which nsenter leaves alone
    assert complete(desk, 'floodwall attach --mode na') == ["native"]
    assert complete(desk, 'floodwall limit show --class tr') == ["trusted"]
    assert complete(desk, 'floodwall budget show --service ho') == ["host"]
    assert complete(desk, 'floodwall budget show -s ho') == ["host"]
    assert complete(desk, 'floodwall attach -m na') == ["native"]
    assert not complete(desk, 'floodwall block add -w ""')
    skel = os.path.join(lab.BUILD, "floodwall.skel")
    assert complete(desk, 'floodwall run --policy %s' % skel) == [skel + ".h"]
    assert set(complete(desk, 'floodwall class import t')) >= {"trusted"}
    assert complete(desk, 'floodwall help refl') == ["reflect"]


def test_completion_knows_every_name(desk):
    limits = desk.fwj("limit", "show", "--class", "default")["classes"][0]["limits"]
    shared = desk.fwj("budget", "show")
    for line, names in (("limit", limits), ("budget", shared["budgets"]),
                        ("budget", shared["services"]["host"]),
                        ("option", desk.fwj("option", "show")["options"])):
        assert set(names) <= set(complete(desk, 'floodwall %s set ""' % line)), line
