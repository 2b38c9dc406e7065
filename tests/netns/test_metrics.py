# SPDX-License-Identifier: GPL-2.0-only
"""Metrics: the formats hold, the sums are the program's own, and a real Prometheus that scrapes a real
controller under a flood ends up with the program's counters; every query of the dashboard and every
alert is asked of it."""

import json
import os
import re
import subprocess
import time
import urllib.parse

import lab
import pytest
from lab import until

SYSTEM = os.path.join(lab.ROOT, "system")
URL = "http://127.0.0.1:9797"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


def get(box, path="/metrics", *options):
    """(status, content type, body), asked from the server's own namespace."""
    out = box.inside(box.srv, "curl", "-s", "-m", "20", "-w", "\n%{http_code} %{content_type}",
                     *options, URL + path).stdout
    body, _, tail = out.rpartition("\n")
    code, _, kind = tail.partition(" ")
    return int(code), kind, body


def samples(text):
    """{(name, labels as a sorted tuple): value} of an exposition."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        m = re.match(r'^([a-zA-Z_][a-zA-Z0-9_]*)(?:\{(.*)\})? (\S+)$', line)
        assert m, "not a sample: " + line
        labels = tuple(sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(2) or "")))
        key = (m.group(1), labels)
        assert key not in found, "twice: " + line
        found[key] = float(m.group(3))
    return found


def total(found, name, **want):
    return sum(v for (n, labels), v in found.items()
               if n == name and want.items() <= dict(labels).items())


def calm(box, read):
    """What read() says, and what the interface had counted: of a moment in which nothing arrived, for
    neighbours ask for addresses when they like; and a scrape may be as old as a quarter of a second."""
    while True:
        arrived = box.quiet()
        time.sleep(0.3)
        got = read()
        if box.links()["rx"]["packets"] == arrived:
            return got, arrived


@pytest.fixture
def served(box):
    p = box.daemon(box.iface)
    assert until(lambda: "is ready" in p.said()), p.said()
    box.ip(box.srv, "link set lo up")
    return p


def test_text_format(box, served):
    code, kind, body = get(box)
    assert code == 200 and kind == "text/plain; version=0.0.4; charset=utf-8"
    p = subprocess.run(["promtool", "check", "metrics"], input=body, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True, check=False)
    assert (p.returncode, p.stdout) == (0, "")
    found = samples(body)
    assert total(found, "floodwall_interface_attached", interface=box.iface, mode="native") == 1
    assert total(found, "floodwall_service_level", service="host", level="calm") == 1
    for metric in ("floodwall_state", "floodwall_policy_last_reload_success"):
        assert total(found, metric) == 1


def test_an_interface_named_twice_is_one(box):
    """In the policy file and on the command line; two samples of one name make a scrape invalid."""
    path = os.path.join(box.dir, "policy.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("interfaces: {%s: native, later0: native}\n" % box.iface)
    p = box.daemon("--policy", path, box.iface, "more0", box.iface, "--mode", "generic")
    assert until(lambda: "is ready" in p.said()), p.said()
    found = samples(get(box)[2])  # which counts them
    assert total(found, "floodwall_interface_attached", mode="generic") == 1
    assert {dict(l)["interface"] for n, l in found if n == "floodwall_interface_state"} == {
        box.iface, "later0", "more0"}


def test_openmetrics_format(box, served):
    """Every rule of the specification that a line of ours could break."""
    code, kind, body = get(box, "/metrics", "-H", "Accept: " + OPENMETRICS)
    assert code == 200
    assert kind == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert body.endswith("\n# EOF\n")
    family, types, units, done = None, {}, {}, set()
    for line in body.splitlines()[:-1]:
        m = re.match(r"^# (TYPE|UNIT|HELP) (\S+) (.*)$", line)
        if m and m.group(1) == "TYPE":
            assert m.group(2) not in done, "interleaved: " + line
            done.add(m.group(2))
            family = m.group(2)
            types[family] = m.group(3)
            assert not family.endswith(("_total", "_info"))
        elif m and m.group(1) == "UNIT":
            assert m.group(2) == family and family.endswith("_" + m.group(3))
            units[family] = m.group(3)
        elif m:
            assert m.group(2) == family
        else:
            name = re.match(r"^[a-z0-9_]+", line).group(0)
            suffix = {"counter": "_total", "info": "_info", "gauge": ""}[types[family]]
            assert name == family + suffix, line
    assert types["floodwall_packets"] == "counter" and units["floodwall_bytes"] == "bytes"
    text, open_ = samples(get(box)[2]), samples(body)
    assert {k for k, _ in text} == {k for k, _ in open_}


def test_json_says_the_same(box, served):
    before = box.counted()
    box.arrived(before, box.flood("udp", sources=3, start="45.0.0.1", port=9, pps=500,
                                  seconds=0.5).result())
    ((code, kind, body), page), _ = calm(box, lambda: (get(box, "/api/v1/status"), get(box)[2]))
    assert code == 200 and kind == "application/json"
    doc = json.loads(body)
    assert doc["schema"] == 1
    as_json = {(m["name"], tuple(sorted(s["labels"].items()))): s["value"]
               for m in doc["metrics"] for s in m["samples"]}
    text = samples(page)
    assert set(as_json) == set(text)
    for key in text:
        if key[0] in ("floodwall_packets_total", "floodwall_bytes_total",
                      "floodwall_policy_generation", "floodwall_interface_attached"):
            assert as_json[key] == text[key], key


def test_verdicts_sum_to_packets(box, served):
    """Against the interface's own counter, to the packet, through changes of mode and services."""
    found, arrived = calm(box, lambda: samples(get(box)[2]))
    before, counted = total(found, "floodwall_packets_total"), box.counted()
    flood = {"sources": 4, "start": "45.0.0.1", "port": 9, "pps": 3000, "seconds": 1}
    box.fw("block", "add", "45.0.0.2")
    box.fw("service", "add", "votes", "--to", lab.SRV4, "--udp", "9")
    first = box.flood("udp", **flood).result()
    box.arrived(counted, first)
    box.fw("mode", "monitor")
    box.arrived(counted, first, box.flood("udp", **flood).result())
    found, seen = calm(box, lambda: samples(get(box)[2]))
    seen -= arrived
    assert total(found, "floodwall_packets_total") - before == seen
    assert total(found, "floodwall_cpu_packets_total") - before == seen
    assert total(found, "floodwall_packets_total", verdict="would_drop", reason="blocked") > 0
    assert total(found, "floodwall_packets_total", verdict="drop", reason="blocked") > 0
    assert total(found, "floodwall_monitor_mode") == 1
    box.fw("service", "del", "votes")
    found, seen = calm(box, lambda: samples(get(box)[2]))
    assert total(found, "floodwall_packets_total") - before == seen - arrived


def test_a_new_name_begins_at_nothing(box, served):
    """A service and a class in place of others: what was counted for those stays theirs, by every way
    that names come in."""
    def of(**labels):
        time.sleep(0.3)  # a reading is given out for a quarter of a second
        found = samples(get(box)[2])
        name = "floodwall_class_packets_total" if "class" in labels else "floodwall_packets_total"
        return total(found, name, **labels)
    box.fw("service", "add", "dns", "--udp", "53")
    box.fw("class", "new", "campus")
    box.fw("class", "add", "campus", "45.0.0.0/8")
    box.flood("udp", sources=10, start="45.0.0.1", port=53, pps=2000, seconds=1).result()
    assert until(lambda: of(service="dns") > 1000)
    before = of(service="dns")
    box.fw("service", "del", "dns")
    box.fw("class", "del", "campus", "45.0.0.0/8")
    box.fw("class", "drop", "campus")
    box.fw("service", "add", "mail", "--tcp", "25")
    box.fw("class", "new", "office")
    assert of(service="mail") == 0 and of(service="(removed)") == before
    assert of(**{"class": "office"}) == 0
    path = os.path.join(box.dir, "policy.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("services: {mail: {tcp: [25]}, news: {tcp: [119]}}\nclasses: {home: {udp: 9/s}}\n")
    box.fw("policy", "apply", path)
    assert of(service="news") == 0 and of(service="(removed)") == before
    assert of(**{"class": "home"}) == 0


def test_no_address_is_a_label(box, served):
    """After a flood of a thousand sources there are as many series as before, none names one."""
    before = set(samples(get(box)[2]))
    box.flood("udp", sources=1000, start="45.99.0.1", port=9, pps=20000, seconds=1).result()
    box.quiet()
    time.sleep(0.3)
    body = get(box)[2]
    assert set(samples(body)) == before
    assert "45.99." not in body


def test_health(box, served):
    assert get(box, "/healthz")[0] == 200
    box.fw("detach", box.iface, "--keep")
    assert until(lambda: get(box, "/healthz")[0] == 503)
    assert until(lambda: total(samples(get(box)[2]), "floodwall_interface_state",
                               state="detached") == 1)
    assert total(samples(get(box)[2]), "floodwall_interface_attached") == 0


def test_listen_addresses(box):
    p = box.daemon(box.iface, "--listen", "nonsense")
    assert until(lambda: "cannot listen on" in p.said()), p.said()
    assert p.poll() is None or p.returncode, "it went on without a word"
    p.kill()
    p.wait()
    box.ip(box.srv, "link set lo up")
    p = box.daemon(box.iface, "--listen", "*:9797")
    assert until(lambda: "is ready" in p.said()), p.said()
    assert "address that others reach" in p.said()
    out = box.inside(box.world, "curl", "-s", "-m", "30", "http://%s:9797/healthz" % lab.SRV4)
    assert out.stdout == "ok\n"
    p.terminate()
    p.wait()
    p = box.daemon(box.iface)
    assert until(lambda: "is ready" in p.said()), p.said()
    refused = box.inside(box.world, "curl", "-s", "-m", "3", "http://%s:9797/healthz" % lab.SRV4,
                         check=False)
    assert refused.returncode, "the default is reachable from outside"


def test_rules(tmp_path):
    p = subprocess.run(["promtool", "test", "rules", "floodwall.rules_test.yml"], cwd=SYSTEM,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert p.returncode == 0, p.stdout
    rules = open(os.path.join(SYSTEM, "floodwall.rules.yml"), encoding="utf-8").read()
    cases = open(os.path.join(SYSTEM, "floodwall.rules_test.yml"), encoding="utf-8").read()
    for alert in re.findall(r"- alert: (\w+)", rules):
        assert "name: %s fires" % alert in cases and "name: %s stays quiet" % alert in cases
    env = dict(os.environ, FLOODWALL_PINS=str(tmp_path / "none"), FLOODWALL_HISTORY=str(tmp_path / "none.db"))
    for said in set(re.findall(r"`(floodwall [^`]*)`", rules)):
        typed = re.sub(r"{{.*?}}", "lo", said).split()[1:]
        p = subprocess.run([lab.FLOODWALL] + typed, env=env, stdout=subprocess.PIPE, text=True,
                           stderr=subprocess.STDOUT, check=False)  # there is nothing to change
        assert "usage:" not in p.stdout, (said, p.stdout)


# -- a real Prometheus -----------------------------------------------------------------------------


@pytest.fixture
def prometheus(box, served):
    """Scrapes the controller every second, from the server's namespace; everything it keeps goes
    with the lab."""
    path = os.path.join(box.dir, "prometheus.yml")
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                   "rule_files": [os.path.join(SYSTEM, "floodwall.rules.yml")],
                   "scrape_configs": [{"job_name": "floodwall", "static_configs": [
                       {"targets": ["127.0.0.1:9797"]}]}]}, f)
    log = open(os.path.join(box.dir, "prometheus.log"), "w", encoding="utf-8")
    p = subprocess.Popen(
        ["nsenter", "--net=/run/netns/" + box.srv, "prometheus", "--config.file=" + path,
         "--storage.tsdb.path=" + os.path.join(box.dir, "tsdb"), "--log.level=warn",
         "--web.listen-address=127.0.0.1:9090"], stdout=log, stderr=log,
        preexec_fn=lab.die_with_parent)
    box.jobs.append(p)

    def ask(path, **args):
        out = box.inside(box.srv, "curl", "-s", "-m", "10", "http://127.0.0.1:9090/api/v1/%s?%s" %
                         (path, urllib.parse.urlencode(args)), check=False).stdout
        return json.loads(out) if out.startswith("{") else {"status": "none"}
    assert until(lambda: ask("query", query="up")["status"] == "success")
    assert until(lambda: ask("query", query='up{job="floodwall"} == 1')["data"]["result"])
    return ask


def dashboard_queries():
    with open(os.path.join(SYSTEM, "floodwall.dashboard.json"), encoding="utf-8") as f:
        board = json.load(f)
    for panel in board["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for note in board["annotations"]["list"]:
        yield note["name"], note["expr"]


# What a calm lab has no series for: nobody changed a level, no alert-worthy card.
MAY_BE_EMPTY = {"Siege begins", "Events in the journal"}


def test_a_real_prometheus(box, served, prometheus):
    """Under a flood: every query of the dashboard gives something, alerts fire that should and no
    others, and at the end what Prometheus has stored is what the program counted."""
    box.fw("block", "add", "45.0.0.2")
    flood = box.flood("udp", sources=1000, start="45.0.0.1", port=9, pps=20000, seconds=180)
    empty = list(dashboard_queries())

    def answered():
        empty[:] = [(title, expr) for title, expr in empty if not gives(title, expr)]
        return not empty

    def gives(title, expr):
        doc = prometheus("query", query=expr.replace("$instance", ".*").replace(
            "$__rate_interval", "4s"))
        assert doc["status"] == "success", "%s: %s: %s" % (title, expr, doc)
        return doc["data"]["result"] or title in MAY_BE_EMPTY
    assert until(answered), empty
    doc = prometheus("rules")
    for rule in doc["data"]["groups"][0]["rules"]:
        assert rule["health"] == "ok", rule
    firing = {a["labels"]["alertname"] for a in prometheus("alerts")["data"]["alerts"]
              if a["state"] == "firing"}
    assert not firing & {"FloodwallDown", "FloodwallNotAttached", "FloodwallNoState",
                         "FloodwallHeartbeatMissing", "FloodwallReloadFailed",
                         "FloodwallProgramTrouble", "FloodwallPartDown"}, firing
    flood.stop()

    def program():
        return {(r["reason"], f): r[f] + r["would_" + f] for r in box.fwj("stats")["reasons"]
                for f in ("packets", "bytes")}

    def stored():
        return {(one["metric"]["reason"], field): int(float(one["value"][1]))
                for field in ("packets", "bytes")
                for one in prometheus("query", query="sum by (reason) (floodwall_%s_total)" %
                                      field)["data"]["result"]}

    def counted(doc):
        return {k: v for k, v in doc.items() if v}
    assert until(lambda: counted(stored()) == counted(program())), (stored(), program())
    assert program()["blocked", "packets"] > 0
