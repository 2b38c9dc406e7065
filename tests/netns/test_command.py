# SPDX-License-Identifier: GPL-2.0-only
"""The command as a tired admin meets it: slips, guards, wrong files, missing rights, help."""

import json
import os
import stat
import subprocess

import pytest

import lab
import rights


@pytest.fixture(scope="module")
def desk():
    """One attached lab for all tests here: they tidy up the lists they fill."""
    with lab.Lab("command", threaded=False) as one:
        one.attach()
        yield one


@pytest.fixture(autouse=True)
def tidy(desk):
    yield
    for lane in ("block", "trust", "manage", "class"):
        desk.fw(lane, "flush", "--force")


def generation(desk):
    return desk.fwj("status")["generation"]


def says(desk, *argv, code=0, env=None, stdin=None):
    """Runs a command, checks its exit code, returns what it says on both channels."""
    p = subprocess.run(["nsenter", "--net=/run/netns/" + desk.srv, lab.FLOODWALL] +
                       list(map(str, argv)), env=dict(desk.env(), **(env or {})),
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, input=stdin,
                       timeout=60, check=False)
    assert p.returncode == code, (argv, p.returncode, p.stdout, p.stderr)
    return p.stdout + p.stderr


def listed(desk, lane, *argv):
    return [p["prefix"] for p in desk.fwj(lane, "list", *argv)["prefixes"]]


# -- guards -----------------------------------------------------------------------------------------

SESSIONS = [("203.0.113.9", "203.0.113.0/24"), ("2001:db8::9", "2001:db8::/32"),
            ("fe80::1%web0", "fe80::/10")]


@pytest.mark.parametrize("client,prefix", SESSIONS)
@pytest.mark.parametrize("how", ["SSH_CONNECTION", "SSH_CLIENT"])
def test_own_session_cannot_be_cut(desk, client, prefix, how):
    env = {how: client + " 51234 22"}
    before = generation(desk)
    text = says(desk, "block", "add", "198.51.100.1", prefix, env=env, code=1)
    assert client.split("%")[0] in text and prefix in text
    text = says(desk, "block", "import", "-", env=env, stdin=prefix + "\n", code=1)
    assert client.split("%")[0] in text
    assert generation(desk) == before and not listed(desk, "block")
    says(desk, "manage", "add", client.split("%")[0], env=env)
    says(desk, "block", "add", prefix, env=env)
    # Now only management keeps the session: it cannot be taken away either.
    says(desk, "manage", "del", client.split("%")[0], env=env, code=1)
    says(desk, "manage", "flush", env=env, code=1)
    assert len(listed(desk, "manage")) == 1
    says(desk, "manage", "flush", "--force", env=env)
    # Cut already: other changes are not refused for it.
    says(desk, "block", "add", "198.51.100.2", env=env)


def test_own_session_is_found_through_sudo(desk):
    """sudo clears the environment; the shell above still has it."""
    script = "env -u SSH_CONNECTION %s block add 203.0.113.0/24; true" % lab.FLOODWALL
    p = desk.inside(desk.srv, "sh", "-c", script, check=False,
                    env=dict(desk.env(), SSH_CONNECTION="203.0.113.9 51234 10.0.0.1 22"))
    assert "203.0.113.9" in p.stderr and not listed(desk, "block")


def test_forced_block_cuts(desk):
    env = {"SSH_CONNECTION": "203.0.113.9 1 10.0.0.1 22"}
    says(desk, "block", "add", "--force", "203.0.113.0/24", env=env)
    assert listed(desk, "block") == ["203.0.113.0/24"]
    assert says(desk, "block", "list", "198.51.100.1") == "no such prefix is blocked\n"


def test_no_limit_or_service_cuts_the_own_session(desk):
    """Not by a low limit of its class, nor by a service that closes the port it came in by."""
    env = {"SSH_CONNECTION": "203.0.113.9 51234 192.0.2.10 22"}
    before, classes = generation(desk), desk.fwj("limit", "show")["classes"]
    assert "manage add 203.0.113.9" in says(desk, "limit", "set", "packets", "5/s", env=env, code=1)
    assert "own session" in says(desk, "limit", "set", "bytes", "1kB/s", env=env, code=1)
    assert generation(desk) == before
    says(desk, "limit", "set", "packets", "5/s", "--class", "trusted", env=env)
    says(desk, "limit", "set", "packets", "100/s", env=env)
    web = ["service", "add", "web", "--to", "192.0.2.10", "--tcp", "80", "--closed"]
    assert "192.0.2.10 would speak no TCP port 22" in says(desk, *web, env=env, code=1)
    says(desk, "service", "add", "ssh", "--to", "192.0.2.10", "--tcp", "22", env=env)
    says(desk, *web, env=env)
    assert "TCP port 22" in says(desk, "service", "del", "ssh", env=env, code=1)
    says(desk, "manage", "add", "203.0.113.9", env=env)  # is asked nothing
    says(desk, "limit", "set", "packets", "5/s", env=env)
    says(desk, "service", "del", "ssh", env=env)
    says(desk, "manage", "flush", "--force", env=env)
    says(desk, "limit", "set", "syn", "1/h", "--force", env=env)
    says(desk, "mode", "monitor")
    says(desk, "limit", "set", "bytes", "1kB/s", env=env)
    says(desk, "mode", "enforce")
    says(desk, "service", "del", "web")
    for one, kind, rate in [(c["class"], *k) for c in classes for k in c["limits"].items()]:
        words = [rate["text"], "burst", str(rate["burst"])] if rate["count"] else ["off"]
        says(desk, "limit", "set", kind, *words, "--class", one)  # as it was


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "128.0.0.0/1", "::/0", "2000::/3"])
def test_half_the_internet_is_a_slip(desk, prefix):
    assert prefix in says(desk, "block", "add", prefix, code=1)
    assert prefix in says(desk, "block", "import", "-", stdin=prefix, code=1)
    assert not listed(desk, "block")
    says(desk, "block", "add", "--force", prefix)
    # Nor everybody's friend: unfiltered, or in the clerks' budget.
    assert "nothing from there would be filtered" in says(desk, "manage", "add", prefix, code=1)
    assert "clerks' budget" in says(desk, "trust", "import", "-", stdin=prefix, code=1)
    assert not listed(desk, "manage") and not listed(desk, "trust")
    says(desk, "manage", "add", "--force", prefix)


def test_limits_that_nobody_honest_keeps_are_told(desk):
    assert "cuts honest visitors off" in says(desk, "limit", "set", "packets", "100/s")
    assert "warnings" not in desk.fwj("limit", "set", "packets", "100k/m")
    said = desk.fwj("budget", "set", "arp", "1/s")["warnings"]
    assert len(said) == 1 and "would not find this host" in said[0]
    assert "warning" not in says(desk, "limit", "set", "packets", "100/s", "--class", "trusted")
    for words in (["limit", "set", "packets", "20k/s", "burst", "20k", "soft", "80%"],
                  ["limit", "set", "packets", "50k/s", "burst", "50k", "--class", "trusted"],
                  ["budget", "set", "arp", "1k/s", "burst", "1k"]):
        says(desk, *words)


def test_outweighed_blocks_are_said(desk):
    says(desk, "manage", "add", "192.0.2.5")
    says(desk, "trust", "add", "192.0.2.64/26")
    text = says(desk, "block", "add", "192.0.2.5", "192.0.2.65", "10.9.9.9")
    assert "192.0.2.5/32 is not cut off" in text and "192.0.2.65/32 is not cut off" in text
    assert "10.9.9.9" not in text
    assert "but for 192.0.2.64/26" in says(desk, "block", "add", "192.0.0.0/16")
    warnings = desk.fwj("block", "add", "192.0.2.5")["warnings"]
    assert len(warnings) == 1 and "192.0.2.5/32" in warnings[0]


# -- lists ------------------------------------------------------------------------------------------

def test_list_filters_and_times(desk):
    says(desk, "block", "add", "192.0.2.0/24", "--for", "10m", "--why", "scanner, ticket 12")
    says(desk, "block", "add", "2001:db8::/32")
    assert listed(desk, "block", "192.0.2.77") == ["192.0.2.0/24"]
    assert listed(desk, "block", "192.0.0.0/16") == ["192.0.2.0/24"]
    assert listed(desk, "block", "2001:db8:1::1") == ["2001:db8::/32"]
    assert listed(desk, "block", "198.51.100.1") == []
    one, two = desk.fwj("block", "list")["prefixes"]
    assert one["why"] == "scanner, ticket 12" and 590 <= one["left_s"] <= 600
    assert two["left_s"] is None and two["until"] is None
    text = says(desk, "block", "list")
    assert "scanner, ticket 12" in text and "forever" in text
    # Again with another time: renewed, not doubled.
    assert desk.fwj("block", "add", "192.0.2.0/24", "--for", "1h")["replaced"] == 1
    assert desk.fwj("block", "list", "192.0.2.0/24")["prefixes"][0]["left_s"] > 3500


def test_what_is_said_twice_is_counted_once(desk):
    assert says(desk, "block", "add", "192.0.2.1", "192.0.2.1/32") == "192.0.2.1/32 blocked\n"
    assert desk.fwj("block", "add", "192.0.2.1", "192.0.2.1")["added"] == ["192.0.2.1/32"]
    assert "1 port " in says(desk, "reflect", "add", "4242", "4242")
    says(desk, "reflect", "del", "4242")


def test_delete_is_all_or_nothing(desk):
    says(desk, "block", "add", "192.0.2.0/24", "198.51.100.0/24")
    assert "covered by 192.0.2.0/24" in says(desk, "block", "del", "198.51.100.0/24", "192.0.2.7",
                                             code=3)
    assert len(listed(desk, "block")) == 2
    text = says(desk, "block", "del", "198.51.100.0/24", "192.0.2.0/24", "198.51.100.0/24")
    assert text.startswith("2 prefixes ")
    assert not listed(desk, "block")


def test_import_counts_and_replaces(desk):
    text = "\ufeff# a list\r\n192.0.2.1\r\n192.0.2.1 ; again\r\n\r\n2001:db8::/48 # why\r\n10.0.0.0/8"
    got = json.loads(says(desk, "-j", "block", "import", "-", stdin=text))
    assert (got["added"], got["repeated"], got["replaced"], got["total"]) == (3, 1, 0, 3)
    got = json.loads(says(desk, "-j", "block", "import", "-", "--replace", stdin="192.0.2.1\n1.1.1.1"))
    assert (got["removed"], got["total"]) == (3, 2)
    assert listed(desk, "block") == ["1.1.1.1/32", "192.0.2.1/32"]


@pytest.mark.parametrize("data,words", [
    (b"", "no prefix"), (b"# nothing\n\n", "no prefix"), (b"\x7fELF\0\0\1", "not a text file"),
    (b"192.0.2.1\n192.0.2.1/24\nfoo\n", "2 of 3 lines are wrong"),
])
def test_wrong_files_change_nothing(desk, tmp_path, data, words):
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    says(desk, "block", "add", "198.51.100.1")
    for argv in (["block", "import", path], ["block", "import", path, "--replace"]):
        text = says(desk, *argv, code=1)
        assert words in text and "list.txt" in text
    assert listed(desk, "block") == ["198.51.100.1/32"]


def test_wrong_files_as_json(desk, tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("192.0.2.1\n 192.0.2.1/24\nfoo\n")
    error = json.loads(says(desk, "-j", "block", "import", path, code=1))["error"]
    assert [(p["line"], p["column"]) for p in error["problems"]] == [(2, 2), (3, 1)]
    says(desk, "block", "import", tmp_path / "none", code=1)
    says(desk, "block", "import", tmp_path, code=1)


READS_A_FILE = ["policy check", "policy diff", "policy apply", "run --policy", "replay", "replay --policy X",
                "limit suggest", "incident verify", "incident verify X --key", "block import",
                "class import default"]


@pytest.mark.parametrize("line", READS_A_FILE)
def test_a_file_that_is_not_there_is_bad_input(desk, tmp_path, line):
    """One rule for all commands: 1, and the file is named. Nor may anything else pass for a file."""
    before = generation(desk)
    aside = tmp_path / "aside"
    aside.write_text("")
    os.symlink("loop", tmp_path / "loop")
    argv = [aside if w == "X" else w for w in line.split()]
    for wrong in ("none", "aside/none", "loop", ""):
        path = "%s/%s" % (tmp_path, wrong)
        said = says(desk, *argv, path, code=1)
        assert path.rstrip("/") in said, said
    assert generation(desk) == before


def test_a_policy_is_a_plain_file(desk, tmp_path):
    """Nothing that could hang the reader, and no device; a list in it neither."""
    pipe, policy = tmp_path / "pipe", tmp_path / "policy.yaml"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe, "/dev/zero"):
        for verb in ("check", "diff", "apply"):
            assert "%s is not a plain file" % path in says(desk, "policy", verb, path, code=1)
        policy.write_text("lanes: {blocked: [{file: %s}]}\n" % path)
        assert "%s is not a plain file" % path in says(desk, "policy", "check", policy, code=1)
    policy.write_text("lanes: {blocked: [{file: none.txt}]}\n")
    said = says(desk, "policy", "check", policy, code=1)
    assert said.startswith("%s:1:" % policy) and "none.txt cannot be read: No such file" in said, said
    # The file goes by the name it was given.
    near = os.path.relpath(policy)
    assert says(desk, "policy", "check", near, code=1).startswith("%s:1:" % near)


def test_what_is_written_needs_a_folder(desk, tmp_path):
    assert "No such file" in says(desk, "policy", "save", tmp_path / "none" / "policy.yaml", code=1)
    assert os.listdir(tmp_path) == []


def test_only_who_is_banned_is_let_off(desk):
    for who in ("192.0.2.1", "192.0.2.0/24", "2001:db8::1"):
        assert "%s is not banned" % who in says(desk, "ban", "lift", who, code=3)
        assert json.loads(says(desk, "-j", "ban", "lift", who, code=3))["error"]["code"] == 3
    assert "0 bans lifted" in says(desk, "ban", "lift", "all")


# -- classes, limits, services ----------------------------------------------------------------------

def test_classes(desk):
    assert "no class" in says(desk, "class", "add", "isp", "100.64.0.0/10", code=1)
    says(desk, "class", "new", "isp")
    says(desk, "class", "new", "isp", code=1)
    says(desk, "class", "add", "isp", "100.64.0.0/10")
    says(desk, "limit", "set", "packets", "50k/s", "--class", "isp")
    assert "1 prefix" in says(desk, "class", "drop", "isp", code=1)
    shown = desk.fwj("source", "show", "100.64.1.1")
    assert shown["class"] == "isp" and shown["limits"]["packets"]["text"] == "50k/s"
    assert shown["listed"][0]["prefix"] == "100.64.0.0/10"
    says(desk, "class", "add", "default", "192.0.2.1", code=1)
    says(desk, "class", "new", "other")
    said = says(desk, "class", "del", "other", "100.64.0.0/10", code=3)
    assert "not in class other by itself" in said and "it is in class isp" in said, said
    assert "take that one away" not in says(desk, "class", "del", "other", "100.64.0.1", code=3)
    assert "100.64.0.0/10; take that one" in says(desk, "class", "del", "isp", "100.64.0.1", code=3)
    assert "1 had been (1 in another class)" in says(desk, "class", "add", "other", "100.64.0.0/10")
    says(desk, "class", "add", "isp", "100.64.0.0/10")
    assert "another" not in says(desk, "class", "add", "isp", "100.64.0.0/10")
    says(desk, "class", "drop", "other")
    says(desk, "class", "flush", "isp")
    says(desk, "class", "drop", "isp")
    says(desk, "class", "list", "isp", code=1)


def test_limits_say_back(desk):
    before = desk.fwj("limit", "show", "--class", "default")["classes"][0]["limits"]["udp"]
    got = desk.fwj("limit", "set", "udp", "10k/m", "burst", "500", "soft", "50%")
    assert got["limit"] == {"text": "10k/m", "count": 10000, "per_s": 60, "burst": 500,
                            "soft_percent": 50}
    assert got["was"] == before and "no packet counts as soft" in got["warnings"][0]
    soft = desk.fwj("limit", "set", "packets", "10k/s", "soft", "50%")
    assert soft["limit"]["soft_percent"] == 50 and "warnings" not in soft
    # The same time's worth of the rate, and the percentage stays.
    got = desk.fwj("limit", "set", "udp", "20k/m")
    assert (got["limit"]["burst"], got["limit"]["soft_percent"]) == (1000, 50)
    text = says(desk, "limit", "set", "packets", "10k/s", "burst", "5", code=1)
    assert "at least" in text
    assert desk.fwj("limit", "set", "udp", "off")["limit"]["count"] == 0
    assert "200MB/s" in says(desk, "limit", "set", "bytes", "1.6Gbit/s")


def test_budgets(desk):
    assert desk.fwj("budget", "set", "newcomers4", "5k/s")["rate"]["count"] == 5000
    assert desk.fwj("budget", "show")["budgets"]["newcomers4"]["count"] == 5000
    got = desk.fwj("budget", "set", "net-bytes", "5MB/s", "--service", "host")
    assert got["rate"]["text"] == "5MB/s"
    shown = desk.fwj("budget", "show", "--service", "host")["services"]["host"]
    assert shown["net-bytes"]["count"] == 5000000
    assert "syn?" in says(desk, "budget", "set", "sny", "1/s", "--service", "host", code=1)
    assert "newcomers4" in says(desk, "budget", "set", "newcomer", "1/s", code=1)
    assert "--service" in says(desk, "budget", "set", "syn", "1/s", code=1)
    assert "burst N" in says(desk, "budget", "set", "arp", "1k/s", "soft", "50%", code=1)


def test_services(desk):
    says(desk, "service", "add", "web", "--to", "10.77.0.1,fd77::1", "--tcp", "80,443,8000-8010",
         "--closed")
    assert "needs addresses" in says(desk, "service", "add", "dns", "--udp", "53", "--closed", code=1)
    assert "web" in says(desk, "service", "add", "b", "--tcp", "80", "--to", "10.77.0.1", code=1)
    says(desk, "service", "set", "web", "--udp", "443")
    rules = desk.fwj("service", "show", "web")["services"][0]["rules"]
    assert "udp/443@fd77::1" in rules and "tcp/8000-8010@10.77.0.1" in rules and len(rules) == 8
    says(desk, "service", "set", "web", "--udp", "none", "--open", "--proof", "retransmit")
    web = desk.fwj("service", "show", "web")["services"][0]
    assert not web["closed"] and web["proof"] == "retransmit" and len(web["rules"]) == 6
    says(desk, "service", "set", "web", "--tcp", "none", code=1)
    says(desk, "service", "set", "web", code=1)
    assert "only --proof and --level" in says(desk, "service", "set", "host", "--tcp", "80", code=1)
    says(desk, "service", "del", "web")
    says(desk, "service", "show", "web", code=1)


def test_levels_are_pinned_and_let_go(desk):
    assert "level siege" in says(desk, "service", "set", "host", "--level", "siege")
    assert desk.fwj("service", "show", "host")["services"][0]["level"] == "siege"
    assert "calm guarded siege" in says(desk, "service", "set", "host", "--level", "panic", code=1)
    says(desk, "service", "set", "host", "--level", "auto")
    assert desk.fwj("service", "show", "host")["services"][0]["level"] is None


def test_options(desk):
    before = desk.fwj("option", "show")["options"]
    assert set(before) == {"bogus-source", "reserved-source", "net48-factor", "proof-time",
                           "ban-time", "ban-ceiling"}
    says(desk, "option", "set", "reserved-source", "on")
    says(desk, "option", "set", "net48-factor", "8")
    assert "20m" in says(desk, "option", "set", "proof-time", "20m")
    now = desk.fwj("option", "show")["options"]
    assert (now["reserved-source"], now["net48-factor"], now["proof-time"]) == (True, 8, 1200)
    at = generation(desk)
    for argv in (["net48-factor", "0"], ["net48-factor", "99999999999"], ["proof-time", "1d"],
                 ["reserved-source", "yes"], ["reserved-sourc", "on"]):
        says(desk, "option", "set", *argv, code=1)
    assert generation(desk) == at
    for name, value in before.items():
        says(desk, "option", "set", name, {True: "on", False: "off"}.get(value, value)
             if isinstance(value, bool) else value)
    assert desk.fwj("option", "show")["options"] == before


def test_reflected_ports(desk):
    before = desk.fwj("reflect", "list")["ports"]
    assert any(p["port"] == 53 for p in before)
    says(desk, "reflect", "add", "4242", "--everywhere")
    assert {"port": 4242, "everywhere": True} in [
        {k: p[k] for k in ("port", "everywhere")} for p in desk.fwj("reflect", "list")["ports"]]
    at = generation(desk)
    for argv in (["add", "0"], ["add", "70000"], ["add", "1-9"], ["add", "dns"]):
        says(desk, "reflect", *argv, code=1)
    says(desk, "reflect", "del", "4242", "4243", code=3)
    assert generation(desk) == at
    says(desk, "reflect", "del", "4242")
    assert desk.fwj("reflect", "list")["ports"] == before


# -- rights, state, help ----------------------------------------------------------------------------

READERS = ["status", "stats", "limit show", "budget show", "mode", "block list", "trust list",
           "manage list", "class list", "class show", "service list", "source top",
           "source show 192.0.2.1", "option show", "reflect list"]
WRITERS = ["limit set packets 5k/s", "budget set arp 1k/s", "mode monitor", "block add 192.0.2.1",
           "block flush", "class new x", "service add x --tcp 1", "option set proof-time 5m",
           "reflect add 17"]


@pytest.mark.parametrize("line", READERS + WRITERS)
def test_without_rights_and_without_state(desk, line):
    """4 for who may not, 3 where nothing is; JSON says the same."""
    argv = line.split()
    binary = os.path.join(desk.dir, "floodwall")
    if not os.path.exists(binary):
        rights.anybodys_copy(desk.dir)
    p = desk.inside(desk.srv, "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
                    binary, "-j", *argv, env=desk.env(), check=False)
    error = json.loads(p.stdout)["error"]
    assert (p.returncode, error["code"]) == (4, 4) and error["message"] and error["hint"]
    error = json.loads(says(desk, "-j", "--pins", desk.pins + "-none", *argv, code=3))["error"]
    assert error["code"] == 3 and "attach" in error["hint"]


def rows(desk):
    return desk.fwj("help")["commands"]


def words(row):
    return [row["object"]] + ([row["verb"]] if row["verb"] else [])


def test_a_saved_policy_keeps_owner_and_rights(desk, tmp_path):
    """The controller, which is not root, must be able to read what root saves over its file."""
    path = tmp_path / "policy.yaml"
    says(desk, "policy", "save", path)
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o640)
    os.chown(path, 65534, 65533)
    says(desk, "policy", "save", path)
    now = path.stat()
    assert (now.st_mode & 0o777, now.st_uid, now.st_gid) == (0o640, 65534, 65533)


def test_a_device_is_not_replaced(desk, tmp_path):
    """As root a rename() over /dev/null would take it away."""
    node = str(tmp_path / "null")
    os.mknod(node, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    for argv in (("policy", "save", node), ("policy", "save", "-j", node)):
        assert "is a device" in says(desk, *argv, code=1)
        assert stat.S_ISCHR(os.stat(node).st_mode)


def test_a_policy_that_cannot_be_saved_harms_no_other(desk, tmp_path):
    lab.run(["mount", "-t", "tmpfs", "-o", "size=8k", "tmpfs", str(tmp_path)])
    try:
        path, old = tmp_path / "policy.yaml", tmp_path / "policy.yaml.old"
        path.write_text("proof_time: 5m\n")
        old.write_text("proof_time: 6m\n")  # with its page the disk is full
        said = says(desk, "policy", "save", path, code=2)
        assert "No space left on device" in said, said
        assert path.read_text() == "proof_time: 5m\n" and old.read_text() == "proof_time: 6m\n"
        assert sorted(os.listdir(tmp_path)) == ["policy.yaml", "policy.yaml.old"]
    finally:
        lab.run(["umount", str(tmp_path)])


def test_a_reader_that_has_left_hears_nothing(desk):
    """`floodwall help | head`: no error on the screen."""
    reader, writer = os.pipe()
    os.close(reader)
    p = subprocess.run([lab.FLOODWALL, "help"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (p.returncode, p.stderr) == (2, b"")


def test_every_command_explains_itself(desk):
    overview = " ".join(says(desk, "help").split())
    seen = 0
    for row in rows(desk):
        text = says(desk, *words(row), "--help")
        flat = " ".join(text.split()).lower()
        assert row["help"].lower() in flat and " ".join(words(row)) in text
        for option in row["options"]:
            assert "--" + option["name"] in text
        assert row["help"] in overview
        assert desk.fwj(*words(row), "--help")["command"]["help"] == row["help"]
        assert "usage" in says(desk, *words(row), "--nonsense", code=1)
        seen += 1
    assert seen > 30
    for topic in ("exit-codes", "numbers", "lanes"):
        assert says(desk, "help", topic) and desk.fwj("help", topic)["text"]
    assert "did you mean" in says(desk, "help", "exit-code", code=1)
    assert says(desk, code=1).startswith("usage:")


def test_watch_is_one_document_a_line(desk):
    for argv in (["source", "top"], ["limit", "show"], ["block", "list"], ["status"], ["stats"]):
        p = desk.popen_fw(*argv, "--watch=0.1", "-p")
        lines = [json.loads(p.stdout.readline()) for _ in range(3)]
        p.terminate()
        assert p.wait(timeout=60) == 0
        assert all(one["schema"] == 1 for one in lines)


def test_colour_only_where_it_is_wanted(desk):
    assert "\033" not in says(desk, "limit", "show")
    assert "\033" in says(desk, "limit", "show", "--color=always")
    assert "\033" not in says(desk, "limit", "show", "--color=never")
