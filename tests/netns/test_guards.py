# SPDX-License-Identifier: GPL-2.0-only
"""No command cuts off the session that types it, whichever it is, and slips are met with the way on."""

import json
import subprocess

import pytest

import lab

HERE = {"SSH_CONNECTION": "203.0.113.9 51234 192.0.2.10 22"}


@pytest.fixture(scope="module")
def desk():
    with lab.Lab("guards", threaded=False) as one:
        one.attach()
        yield one


def says(desk, *argv, code=0, env=None, stdin=None):
    p = subprocess.run(["nsenter", "--net=/run/netns/" + desk.srv, lab.FLOODWALL, *map(str, argv)],
                       env=dict(desk.env(), **(env or {})), stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, text=True, input=stdin, timeout=60, check=False)
    assert p.returncode == code, (argv, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


# What prepares the ground (as somebody else), what would cut, a word of why, what clears up.
CUTS = [
    ([["manage", "add", "203.0.113.9"], ["limit", "set", "packets", "5/s"]],
     ["manage", "flush"], "leave 203.0.113.9 in management"),
    ([["manage", "add", "203.0.113.9"], ["limit", "set", "packets", "5/s"]],
     ["manage", "del", "203.0.113.9"], 'limit of packets of class "default"'),
    ([["trust", "add", "203.0.113.0/24"], ["limit", "set", "syn", "1/h"]],
     ["trust", "flush"], "leave 203.0.113.9 in the trusted lane"),
    ([["trust", "add", "203.0.113.0/24"]], ["limit", "set", "syn", "1/h", "--class", "trusted"],
     "protect it first: floodwall manage add 203.0.113.9"),
    ([["trust", "add", "203.0.113.9"]],
     ["service", "add", "web", "--to", "192.0.2.10", "--tcp", "80", "--closed"],
     "protect it first: floodwall manage add 203.0.113.9"),
    ([["class", "new", "slow"], ["limit", "set", "bytes", "1kB/s", "--class", "slow"]],
     ["class", "add", "slow", "203.0.113.0/24"], 'of class "slow"'),
    ([["mode", "monitor"], ["limit", "set", "packets", "5/s"]], ["mode", "enforce"], "packets"),
    ([["mode", "monitor"], ["block", "add", "203.0.113.0/24"]], ["mode", "enforce"],
     "203.0.113.0/24 would block 203.0.113.9"),
    ([["manage", "add", "203.0.113.9"]], ["option", "set", "reserved-source", "on"],
     "203.0.113.9, where you are logged in from, is a reserved address"),
    ([["service", "add", "web", "--to", "192.0.2.10", "--tcp", "80", "--closed"],
      ["manage", "add", "203.0.113.9"]], ["manage", "flush"], "192.0.2.10 would speak no TCP port 22"),
]


def test_a_policy_may_come_through_a_pipe(desk):
    assert "standard input: valid, 1 prefix" in says(desk, "policy", "check", "-",
                                                     stdin="lanes: {blocked: [192.0.2.1]}\n")
    said = says(desk, "policy", "check", "-", stdin="mode: enforce\nmoed: monitor\n", code=1)
    assert "standard input:2:1: error:" in said and "moed: monitor" in said, said
    doc = json.loads(says(desk, "-j", "policy", "diff", "-", stdin="mode: monitor\n"))
    assert "mode" in [c["path"] for c in doc["changes"]]
    assert "not standard input" in says(desk, "policy", "apply", "-", stdin="", code=1)


@pytest.mark.parametrize("slip,meant,most", [(["packets", "5/h"], ["packets", "5k/s"], 5000),
                                             (["bytes", "5"], ["bytes", "5MB/s"], 5000000)])
def test_a_slip_of_the_unit_leaves_no_burst_of_hours(desk, clean, slip, meant, most):
    says(desk, "limit", "set", *slip)
    assert desk.fwj("limit", "set", *meant)["limit"]["burst"] <= most


def test_a_label_of_an_address_is_no_interface(desk):
    """The kernel would take web0:1 for web0, and detach would take the filter off."""
    label = desk.iface + ":1"
    for words in (["attach", label], ["detach", "--keep", label], ["doctor", label], ["run", label]):
        said = says(desk, *words, code=1)
        assert label in said and "interface" in said, said
    assert [i["interface"] for i in desk.fwj("status")["interfaces"]] == [desk.iface]


def test_a_list_that_is_missing_is_looked_for_beside_its_policy(desk, tmp_path):
    path = tmp_path / "lists.yaml"
    path.write_text("lanes: {blocked: [{file: feed.txt}]}\n")
    said = says(desk, "policy", "check", path, code=1)
    assert "%s cannot be read" % (tmp_path / "feed.txt") in said and "current directory" not in said
    assert "where the policy file is" in said, said


def test_a_policy_is_saved_to_a_file_and_shown_on_a_pipe(desk, tmp_path):
    p = desk.inside(desk.srv, lab.FLOODWALL, "policy", "save", "-", env=desk.env(), cwd=tmp_path,
                    check=False)
    assert p.returncode == 1 and "floodwall policy show" in p.stderr, p
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("nobody", ["0.0.0.0", "192.0.2.1,::"])
def test_a_service_that_nobody_reaches_is_told(desk, clean, nobody):
    """0.0.0.0 is where a server listens; a service there would claim nothing, and close nothing."""
    said = desk.fwj("service", "add", "web", "--to", nobody, "--tcp", "443", "--closed")
    assert "nobody is reached there; every address is called any" in said["warnings"][0]
    assert "warnings" not in desk.fwj("service", "set", "web", "--to", "192.0.2.1")


def test_the_class_comes_before_the_list(desk, tmp_path):
    path = tmp_path / "isp.txt"
    path.write_text("192.0.2.1\n")
    said = says(desk, "class", "import", path, "isp", code=1)
    assert "the class comes first: class import isp %s" % path in said, said


def test_the_way_to_larger_tables_loses_nothing(desk, clean):
    """Detaching takes lists and limits away: what keeps them is named before."""
    many = "".join("11.0.%d.%d\n" % (i >> 8, i & 255) for i in range(11001))
    said = says(desk, "block", "import", "-", stdin=many, code=2)
    assert "room for 11000" in said and 0 < said.find("policy save") < said.find("detach"), said
    said = says(desk, "attach", desk.iface, "--prefixes4", "20k")
    assert "keep their sizes" in said and 0 < said.find("policy save") < said.find("detach"), said


SLIPS = [
    (["policy", "apply", "--confirm", "0", "/dev/null"], "not between 5 s and a day"),
    (["undo"], 'did you mean "policy undo"?'),
    (["lift", "1.2.3.4"], 'did you mean "ban lift"?'),
    (["class", "add", "203.0.113.0/24", "isp"], "the class comes first: class add isp 203.0.113.0/24"),
    (["block", "add", "[2001:db8::1]:443"], "write 2001:db8::1 alone"),
    (["service", "set", "host", "--level", "seige"], "levels: calm guarded siege auto"),
    (["option", "set", "ban-time", "5h"], "floodwall option set ban-ceiling 5h"),
]


@pytest.mark.parametrize("words,way_on", SLIPS, ids=[" ".join(s[0]) for s in SLIPS])
def test_a_slip_is_told_with_the_way_on(desk, words, way_on):
    assert way_on in says(desk, *words, code=1)


def test_a_note_needs_no_quotes_and_no_number(desk, tmp_path):
    env = {"FLOODWALL_HISTORY": str(tmp_path / "history.db")}
    says(desk, "incident", "note", "last", "too", "early", env=env, code=3)
    says(desk, "incident", "open", "page", "is", "slow", env=env)
    says(desk, "incident", "note", "last", "called the provider,", "ticket", "4711", env=env)
    says(desk, "incident", "close", "last", env=env)
    shown = json.loads(says(desk, "-j", "incident", "show", "last", env=env))
    assert [n["text"] for n in shown["notes"]] == ["page is slow",
                                                   "called the provider, ticket 4711"]


def test_who_only_looks_is_not_on_record_for_a_change(desk, tmp_path):
    path, env = tmp_path / "now.yaml", {"FLOODWALL_HISTORY": str(tmp_path / "history.db")}
    says(desk, "incident", "open", env=env)
    for words in (["mode"], ["mode", "enforce"], ["policy", "save", path], ["policy", "check", path],
                  ["policy", "diff", path], ["policy", "apply", path]):
        says(desk, *words, env=env)
        says(desk, "-j", *words, env=env)
    shown = json.loads(says(desk, "-j", "incident", "show", "last", env=env))
    assert not shown["changes"], shown["changes"]
    says(desk, "mode", "monitor", env=env)
    says(desk, "mode", "enforce", env=env)
    shown = json.loads(says(desk, "-j", "incident", "show", "last", env=env))
    assert [c["what"] for c in shown["changes"]] == ["floodwall mode monitor", "floodwall mode enforce"]


def test_a_slip_in_one_name_takes_no_filter_away(desk):
    """Nor anything else: of several operands all are looked at before the first is touched."""
    said = says(desk, "detach", "--keep", desk.iface, "nosuch0", code=1)
    assert "no interface is called nosuch0" in said and "done on" not in said, said
    assert "lo: floodwall is not attached there" in says(desk, "detach", desk.iface, "lo", code=3)
    assert "named twice" in says(desk, "detach", desk.iface, desk.iface, code=1)
    says(desk, "attach", "--mode", "generic", "lo", "nosuch0", code=1)
    says(desk, "block", "add", "192.0.2.1", "192.0.2.2")
    says(desk, "block", "del", "192.0.2.1", "192.0.2.3", code=3)
    says(desk, "block", "add", "192.0.2.4", "192.0.2.400", code=1)
    says(desk, "reflect", "add", "4444", "70000", code=1)
    says(desk, "reflect", "del", "123", "4445", code=3)
    assert [i["interface"] for i in desk.fwj("status")["interfaces"]] == [desk.iface]
    assert len(desk.fwj("block", "list")["prefixes"]) == 2
    assert 123 in [p["port"] for p in desk.fwj("reflect", "list")["ports"]]
    says(desk, "block", "flush")


@pytest.fixture
def clean(desk, tmp_path):
    path = tmp_path / "default.yaml"
    path.write_text("")
    yield
    says(desk, "policy", "apply", path)


@pytest.mark.parametrize("before,cut,why", CUTS, ids=[" ".join(c[1]) for c in CUTS])
def test_no_command_cuts_the_session_that_types_it(desk, clean, before, cut, why):
    for words in before:
        says(desk, *words)
    generation = desk.fwj("status")["generation"]
    said = says(desk, *cut, env=HERE, code=1)
    assert "own session" in said and why in said and "--force" in said, said
    assert json.loads(says(desk, "-j", *cut, env=HERE, code=1))["error"]["code"] == 1
    assert desk.fwj("status")["generation"] == generation
    says(desk, *cut, "--force", env=HERE)
    # Cut off already: what else is changed is not refused for it.
    says(desk, "budget", "set", "arp", "2k/s", env=HERE)


# What ran before, under which the session would be cut; a change that freed it, a word of why.
UNDONE = [
    ([["block", "add", "203.0.113.0/24"]], ["block", "flush"], "203.0.113.0/24 would block"),
    ([["limit", "set", "packets", "5/s"]], ["manage", "add", "203.0.113.9"],
     "leave 203.0.113.9 in management"),
    ([["trust", "add", "203.0.113.9"], ["limit", "set", "syn", "1/h", "--class", "trusted"]],
     ["limit", "set", "syn", "500/s", "--class", "trusted"], "say --force if that is meant; with"),
    ([["mode", "monitor"], ["limit", "set", "syn", "1/h"], ["mode", "enforce"]], ["mode", "monitor"],
     'limit of syn of class "default"'),
]


@pytest.mark.parametrize("before,freed,why", UNDONE, ids=[" ".join(c[1]) for c in UNDONE])
def test_going_back_does_not_cut_the_session_either(desk, clean, before, freed, why):
    for words in [*before, freed]:
        says(desk, *words)
    generation = desk.fwj("status")["generation"]
    said = says(desk, "policy", "undo", env=HERE, code=1)
    assert "own session" in said and why in said and "--force" in said, said
    assert "protect it first" not in said, said  # that is what the undo would take back
    assert json.loads(says(desk, "-j", "policy", "undo", env=HERE, code=1))["error"]["code"] == 1
    assert desk.fwj("status")["generation"] == generation
    says(desk, "policy", "undo", "--force", env=HERE)
    says(desk, "policy", "undo", env=HERE)  # what frees it is never refused
    says(desk, "policy", "undo")  # nor anything, to whom it cuts nothing off


def test_an_undo_that_cannot_be_says_so_first(desk, clean, tmp_path):
    path = tmp_path / "cuts.yaml"
    path.write_text("lanes: {blocked: [203.0.113.0/24]}\n")
    says(desk, "policy", "apply", path)
    says(desk, "policy", "apply", tmp_path / "default.yaml", "--confirm", "1h")
    said = says(desk, "policy", "undo", env=HERE, code=1)
    assert "203.0.113.0/24 would block 203.0.113.9" in said, said
    says(desk, "policy", "confirm", env=HERE)


def test_attaching_to_kept_lists_does_not_cut_the_session_either(desk, clean):
    says(desk, "block", "add", "203.0.113.0/24")
    says(desk, "attach", desk.iface, env=HERE)  # it is filtered already: nothing becomes worse
    says(desk, "detach", "--keep", desk.iface)
    said = says(desk, "attach", desk.iface, env=HERE, code=1)
    assert "203.0.113.0/24 would block 203.0.113.9" in said and "--force" in said, said
    assert not desk.fwj("status", check=False)["interfaces"]
    says(desk, "attach", desk.iface, "--force", env=HERE)
    says(desk, "detach", "--keep", desk.iface)
    says(desk, "attach", desk.iface, "--monitor", env=HERE)
    says(desk, "mode", "enforce")


def test_what_reserved_source_drops_of_the_lanes_is_told(desk, clean):
    for argv in (["manage", "add", "10.9.0.0/24"], ["trust", "add", "8.8.8.0/24", "2001:db8::7"],
                 ["block", "add", "192.168.0.0/16"]):
        assert "reserved" not in says(desk, *argv)
    said = says(desk, "option", "set", "reserved-source", "on")
    assert "10.9.0.0/24 is dropped all the same" in said and "2001:db8::7/128 is" in said
    assert "8.8.8.0" not in said and "192.168" not in said
    assert "fd00::7/128 is dropped all the same" in says(desk, "manage", "add", "fd00::7", "9.9.9.9")
    for argv in (["trust", "add", "9.9.9.8"], ["block", "add", "10.1.0.0/16"],
                 ["option", "set", "reserved-source", "off"], ["manage", "add", "10.9.1.0/24"]):
        assert "reserved, and" not in says(desk, *argv)
    # It is no more than the truth.
    says(desk, "option", "set", "reserved-source", "on")
    for who, ends in (("10.9.0.5", "bogus_source"), ("9.9.9.9", "management")):
        assert desk.fwj("explain", who, "--to", lab.SRV4 + ":22")["reason"] == ends
