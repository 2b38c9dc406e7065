# SPDX-License-Identifier: GPL-2.0-only
"""Reports and bundles of an invented night whose figures are known: that they agree with it and with
each other, and that hostile text stays text."""

import csv
import hashlib
import html.parser
import io
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lab as lablib  # noqa: E402
import mmdb  # noqa: E402
from evidence import OTHER, PROVEN, Evidence, ev  # noqa: E402,F401

STIX_SPACE = uuid.UUID("00abedb4-aa42-466c-9c01-fed23315a9b7")


# ---- reports ------------------------------------------------------------------------------------


def test_figures_agree(ev):
    r = json.loads(ev.fw("incident", "report", 1, "--format", "json"))
    counted = r["counted"]
    for key in ("passed", "dropped", "answered"):
        assert counted[key]["packets"] == ev.truth[key], key
    assert counted["clerks_dropped"]["packets"] == 0
    assert counted["clerks_passed"]["packets"] == ev.truth["clerks"]
    # Reasons, series and totals.csv are the same packets counted another way.
    everything = ev.truth["passed"] + ev.truth["dropped"] + ev.truth["answered"]
    assert sum(c["packets"] for c in counted["reasons"].values()) == everything
    words = [k for k in r["series"][0] if k not in ("end", "seconds", "clerks_passed",
                                                     "clerks_dropped")]
    assert sum(p[w] for p in r["series"] for w in words) == everything
    rows = list(csv.DictReader(io.StringIO(ev.files["totals.csv"].decode(), newline="")))
    assert sum(int(x["packets"]) for x in rows) == everything
    assert r["sources"]["proven"]["all"]["count"] == PROVEN
    other = r["sources"]["possibly_spoofed"]
    assert other["counted"]["count"] + other["sampled"]["count"] == other["addresses"] == OTHER
    for some, standing in ((r["sources"]["proven"], "proven"), (other, "possibly spoofed")):
        assert {s["standing"] for s in some["top"]} == {standing}
    text = ev.fw("incident", "report", 1, "--format", "md")
    for n in (ev.truth["passed"], ev.truth["dropped"], ev.truth["answered"]):
        assert "{:,}".format(n) in text


def test_verdicts(ev):
    flood, rush = (json.loads(ev.fw("incident", "report", i, "--format", "json"))["attack_or_rush"]
                   for i in (1, 2))
    assert flood["verdict"] == "attack" and rush["verdict"] == "rush"
    for m in flood["measures"] + rush["measures"]:
        assert m["why"] and (m["share"] is None or 0 <= m["share"] <= 1)
    assert {m["name"] for m in flood["measures"] if m["sampled"]} == {"ttl", "length", "kind"}


class Page(html.parser.HTMLParser):
    VOID = {"meta", "path", "rect"}

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.attrs, self.text = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += attrs
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attrs += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_page(ev):
    raw = ev.files["report.html"].decode("utf-8")
    page = Page()
    page.feed(raw)
    assert not page.open
    assert not {"script", "img", "iframe", "link", "object", "embed", "a", "b<"} & set(page.tags)
    for name, value in page.attrs:
        assert not name.startswith("on") and name not in ("src", "href")
        assert name == "xmlns" or "://" not in (value or "")
    assert "url(" not in raw and "@import" not in raw
    # What was typed stands there as text, every character of it that can be shown.
    assert "<script>alert(1)</script>" in page.text
    assert "\u202e" not in raw and "\x1b" not in raw
    assert page.tags.count("svg") >= 2
    assert "Addresses that are possibly spoofed" in page.text


def test_hostile_text_elsewhere(ev):
    md = ev.files["report.md"].decode()
    assert "<script" not in md and "](javascript" not in md
    note = json.loads(ev.files["report.json"])["events"]["notes"][0]["text"]
    assert note.startswith("<script>alert(1)</script>")  # JSON holds what was typed


def test_public(ev):
    for i in (1, 2):
        text = ev.fw("incident", "report", i, "--public")
        assert 5 <= len(text.strip().splitlines()) <= 9
        assert not re.search(r"\d+\.\d+\.\d+\.\d+|[0-9a-f]+:[0-9a-f]*:", text)
        assert "script" not in text and "SYN" not in text and "results-1" not in text
    assert "not one was dropped" in text
    assert ev.fw("incident", "report", 1, "--public").strip() == ev.files["public.txt"].decode().strip()


def test_formats(ev):
    """The file's ending decides; nobody's terminal is filled with HTML."""
    for name, begin in (("r.html", "<!DOCTYPE"), ("r.md", "# Incident 1"), ("r.json", "{"), ("r", "<!DOC")):
        ev.fw("incident", "report", 1, "--to", ev.path(name))
        with open(ev.path(name), encoding="utf-8") as f:
            assert f.read().startswith(begin), name
    assert ev.fw("incident", "report", 1).startswith("<!DOCTYPE")
    shown = lablib.run(["script", "-qec", "%s incident report last" % lablib.FLOODWALL, "/dev/null"],
                       env=ev.env).stdout
    assert shown.startswith("# Incident ")


def test_report_errors(ev):
    assert ev.json("incident", "report", 99, code=3)["error"]["hint"]
    assert "x1" in ev.json("incident", "report", "x1", code=1)["error"]["message"]
    ev.json("incident", "report", 1, "--format", "pdf", code=1)
    assert '"pdf"' in ev.json("incident", "report", 1, "--to", ev.path("r.pdf"),
                              code=1)["error"]["message"]
    assert not os.path.exists(ev.path("r.pdf"))
    ev.json("incident", "report", 1, "--format", "md", "--public", code=1)
    ev.json("incident", "export", 1, code=1)


def altered(ev, name, *statements):
    """A history of its own, changed by hand; what the page and the JSON then say."""
    own = Evidence(os.path.join(ev.dir, name) if not os.mkdir(ev.path(name)) else None)
    shutil.copy(ev.env["FLOODWALL_HISTORY"], own.env["FLOODWALL_HISTORY"])
    db = sqlite3.connect(own.env["FLOODWALL_HISTORY"])
    for sql in statements:
        db.execute(sql)
    db.commit()
    db.close()
    return own, own.fw("incident", "report", 1), json.loads(
        own.fw("incident", "report", 1, "--format", "json"))


def test_clock_jumped_back(ev):
    own, page, r = altered(
        ev, "jumped", "UPDATE tick SET utc_ns = utc_ns - 3600000000000 WHERE id > 60",
        "INSERT INTO clock SELECT NULL, 1, 60, 1794000060000000000, 1060000000000, 0, 16000000000, "
        "16000000000, -3600000000000")
    assert r["incident"]["seconds"] == 120 and len(r["series"]) == 120
    assert r["counted"]["dropped"]["packets"] == ev.truth["dropped"]
    assert "The clock jumped" in page and "-3600.000 s" in page
    own.fw("incident", "export", 1, "--to", own.path("x.tar"))
    assert ev.verify("jumped/x.tar")["intact"]


def test_times_of_sources(ev):
    """The clock is set back within the incident, and the sources are written down after that: of each
    the times are those that the clock showed then, as with everything else in the bundle."""
    back = 3600 * 10**9
    own, _, r = altered(
        ev, "times", "INSERT INTO clock(run, tick, utc_ns, boot_ns, synchronised, max_error_ns, "
        "est_error_ns, step_ns) VALUES (1, 60, 1794000060000000000 - %d, 1060000000000, 0, 0, 0, -%d)"
        % (back, back),
        "UPDATE source SET first_utc_ns = first_utc_ns - %d, last_utc_ns = last_utc_ns - %d "
        "WHERE incident = 1" % (back, back))
    own.fw("incident", "export", 1, "--to", own.path("x.tar"))
    with tarfile.open(own.path("x.tar")) as t:
        rows = list(csv.DictReader(io.StringIO(t.extractfile("sources.csv").read().decode(), newline="")))
        stix = json.load(t.extractfile("stix.json"))["objects"]
    before = list(csv.DictReader(io.StringIO(ev.files["sources.csv"].decode(), newline="")))
    late = 0
    for now, then in zip(rows, before):
        assert now["address"] == then["address"]
        assert now["last_seen"] == then["last_seen"].replace("T21", "T20"), now
        set_back = then["first_seen"] >= "2026-11-06T21:21:00"
        late += set_back
        assert now["first_seen"] == (then["first_seen"].replace("T21", "T20") if set_back
                                     else then["first_seen"]), now
    assert 0 < late < len(rows)
    seen = [o["first_observed"] for o in stix if o["type"] == "observed-data"]
    assert sorted(seen) == sorted(x["first_seen"] for x in rows if x["standing"] == "proven")
    top = {s["first_seen"] for s in r["sources"]["proven"]["top"]}
    assert top and top <= set(seen)


def test_started_anew_above_calm(ev):
    """A service was above calm before the machine started anew and after: nobody knows for how long,
    and no length is made of two clocks that have nothing to do with each other."""
    _, page, r = altered(
        ev, "level", "UPDATE tick SET boot_ns = boot_ns - 1050000000000 WHERE id > 60",
        "INSERT OR IGNORE INTO service(id, name) SELECT coalesce(max(id), 0) + 1, 'web' FROM service",
        "DELETE FROM level", "INSERT INTO level SELECT NULL, 1, 1794000001000000000, 1001000000000, "
        "(SELECT id FROM service WHERE name = 'web'), 0, 2, 0",
        "INSERT INTO level SELECT NULL, 90, 1794000090000000000, 40000000000, "
        "(SELECT id FROM service WHERE name = 'web'), 2, 0, 0")
    assert [s["until"] is not None for s in r["events"]["above_calm"]] == [True]
    table = page[page.index("Each service above calm"):]
    assert re.findall(r'<td class="n">([^<]*)</td>', table[:table.index("</table>")]) == ["&ndash;"]


def test_started_anew_within(ev):
    _, page, r = altered(ev, "anew", "UPDATE tick SET boot_ns = boot_ns - 1050000000000 WHERE id > 60")
    assert r["incident"]["seconds"] == 120
    assert r["counted"]["dropped"]["packets"] == ev.truth["dropped"] and "</html>" in page


def test_counted_and_sampled(ev):
    """An address that was counted and, apart from that, sampled is one address in every figure."""
    own, page, r = altered(
        ev, "twice", "INSERT INTO source SELECT incident, 0, address, 0, 0, first_utc_ns, first_boot_ns, "
        "last_utc_ns, last_boot_ns, 1, 60, 0, 0, 700, '' FROM source WHERE incident = 1 AND exact = 1 AND "
        "NOT proven LIMIT 7")
    other = r["sources"]["possibly_spoofed"]
    assert other["counted"]["count"] + other["sampled"]["count"] == OTHER + 7
    assert other["addresses"] == OTHER
    assert own.json("incident", "show", 1)["sources_possibly_spoofed"] == OTHER
    assert "<b class=\"\">%d</b><span>other addresses noted" % OTHER in page


def test_gap(ev):
    """The recorder was away for ten seconds: the sentence says so, and the axis has a hole."""
    own, _, r = altered(ev, "gap", "DELETE FROM total WHERE tick BETWEEN 70 AND 79",
                        "DELETE FROM tick WHERE id BETWEEN 70 AND 79")
    assert r["incident"]["seconds"] == 120 and r["record"]["recorded_seconds"] == 110
    assert "For 10 seconds of that time nothing was recorded" in own.fw("incident", "report", 1,
                                                                        "--public")


def test_nobody_records(ev):
    """An incident that is open while the controller is not there lasts on, and for how long nothing was
    recorded is said; but not on a machine that has nothing to do with it."""
    boot, utc = time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns()
    open_it = "UPDATE incident SET closed_by = NULL WHERE id = 1"
    for name, off, least in (("away", 0, 160), ("elsewhere", 10**15, 120)):
        own, _, r = altered(ev, name, open_it, "UPDATE tick SET utc_ns = %d - (160 - id) * 1000000000, boot_ns "
                            "= %d + %d - (160 - id) * 1000000000 WHERE id <= 120" % (utc, boot, off))
        public = own.fw("incident", "report", 1, "--public")
        assert r["incident"]["seconds"] >= least and r["record"]["recorded_seconds"] == 120
        assert (least > 120) == ("of that time nothing was recorded" in public), public
        assert least > 120 or r["incident"]["seconds"] == 120


def test_monitor_mode(ev):
    own, page, r = altered(ev, "monitor", "UPDATE total SET would = 1")
    assert r["counted"]["dropped"]["packets"] == r["counted"]["answered"]["packets"] == 0
    assert r["counted"]["would_drop"]["packets"] == ev.truth["dropped"] + ev.truth["answered"]
    assert "watch only" in own.fw("incident", "report", 1, "--public")
    assert "would have been dropped" in page


# ---- the bundle ---------------------------------------------------------------------------------


def test_intact(ev):
    c = ev.verify("night.tar", "--key", ev.done["key"])
    assert c["intact"] and c["key_compared"] and not c["findings"]
    assert c["bytes"] == os.path.getsize(ev.path("night.tar")) == ev.done["bytes"]
    assert c["records"] == ev.done["records"]
    assert ev.verify("night.tar", "--key", ev.path("state/evidence.pub"))["intact"]
    assert os.stat(ev.path("night.tar")).st_mode & 0o77 == 0
    code, out = ev.recipe("night.tar", ev.path("state/evidence.pub"))
    assert code == 0 and ev.done["key"] in out, out


def test_sources(ev):
    raw = ev.files["sources.csv"].decode()
    rows = list(csv.DictReader(io.StringIO(raw, newline=""), strict=True))
    assert raw.endswith("\r\n") and len(rows) == PROVEN + OTHER
    proven = {r["address"]: r for r in rows if r["standing"] == "proven"}
    assert set(proven) == {"41.80.0.%d" % i for i in range(PROVEN)}
    assert all(int(proven["41.80.0.%d" % i]["packets"]) == 1 + i for i in range(PROVEN))
    assert {r["standing"] for r in rows} == {"proven", "possibly spoofed"}
    for r in rows:
        assert all(not v.startswith(("=", "+", "-", "@", "\t")) for v in r.values())
        assert (r["one_sample_in"] == "") == (r["known_by"] == "counted")
        # What was answered with a cookie was not dropped.
        by = dict(x.split(":") for x in r["reasons"].split())
        assert int(r["dropped_packets"]) == int(by.get("source_syn", 0)), r
        # SYNs need no connection: they are nobody's for sure, whatever the address has proven.
        assert r["dropped_without_connection"] == r["dropped_packets"], r
        assert re.fullmatch(r"2026-11-06T21:2\d:\d\d\.\d{3}Z", r["first_seen"])
    assert proven["41.80.0.1"]["as_holder"] == "'=HYPERLINK(\"x\"), <b>Net</b>"
    assert proven["41.80.0.1"]["country"] == "KE" and proven["41.80.0.1"]["as_number"] == "64500"


def test_broken_countries(ev):
    """A database with something else where codes of countries should be: no formula and no field more."""
    codes = ["=1", ',"', "\r\n", "K", "", "ke"]
    mmdb.write(ev.path("odd.mmdb"), "Test-Country", {
        "41.80.0.%d/32" % i: {"country": {"iso_code": c}} for i, c in enumerate(codes)})
    ev.fw("incident", "export", 1, "--to", ev.path("odd.tar"), "--country", ev.path("odd.mmdb"))
    with tarfile.open(ev.path("odd.tar")) as t:
        raw = t.extractfile("sources.csv").read().decode()
    rows = list(csv.DictReader(io.StringIO(raw, newline=""), strict=True))
    assert len(rows) == PROVEN + OTHER == raw.count("\r\n") - 1
    assert {r["country"] for r in rows} == {""} and not any(None in r for r in rows)


def test_networks(ev):
    """Each provider is asked only about its own proven addresses."""
    names = [n for n in ev.files if n.startswith("as/")]
    assert names == ["as/AS64500.csv", "as/AS64501.csv"]  # not the one of spoofed addresses
    for name, low in zip(names, (0, 16)):
        rows = list(csv.DictReader(io.StringIO(ev.files[name].decode(), newline="")))
        assert {r["address"] for r in rows} == {"41.80.0.%d" % i for i in range(low, low + 16)}
        assert {r["standing"] for r in rows} == {"proven"}


def test_samples(ev):
    with open(ev.path("samples.pcapng"), "wb") as f:
        f.write(ev.files["samples.pcapng"])
    out = lablib.run(["tshark", "-r", ev.path("samples.pcapng"), "-T", "fields", "-E",
                      "separator=|", "-e", "frame.comment", "-e", "frame.len", "-e", "frame.cap_len",
                      "-e", "ip.src", "-e", "frame.time_epoch"]).stdout.splitlines()
    assert len(out) == 300 == ev.done["samples"]
    comment, length, captured, src, when = out[20].split("|")
    assert comment.startswith("drop source_syn web; source possibly spoofed; drawn as one in 2000")
    assert (length, captured, src) == ("60", "54", "96.2.106.172")
    assert when.startswith("1794000008.")
    assert "before the first drop" in out[0]


def test_stix(ev):
    doc = json.loads(ev.files["stix.json"])
    with sqlite3.connect(ev.env["FLOODWALL_HISTORY"]) as db:
        start = db.execute("SELECT utc_ns FROM incident WHERE id = 1").fetchone()[0]
    objects = {o["id"]: o for o in doc["objects"]}
    assert doc["type"] == "bundle" and len(objects) == len(doc["objects"])
    required = {"identity": ["name", "identity_class", "created", "modified"],
                "ipv4-addr": ["value"], "ipv6-addr": ["value"], "autonomous-system": ["number"],
                "observed-data": ["created", "modified", "first_observed", "last_observed",
                                  "number_observed", "object_refs", "created_by_ref"]}
    for o in doc["objects"]:
        kind, ident = o["id"].split("--")
        assert kind == o["type"] and uuid.UUID(ident).version == 5 and o["spec_version"] == "2.1"
        assert all(k in o for k in required[kind]), o
        for ref in o.get("object_refs", []) + o.get("belongs_to_refs", []):
            assert ref in objects
        if kind == "ipv4-addr":  # the identifier that any other tool computes
            assert ident == str(uuid.uuid5(STIX_SPACE, '{"value":"%s"}' % o["value"]))
        if kind == "observed-data":
            # Section 2.9: that namespace is for observables alone.
            told = "%.16s/1/%d/" % (ev.done["key"], start)
            assert ident != str(uuid.uuid5(STIX_SPACE, told + objects[o["object_refs"][0]]["value"]))
            assert o["created"] <= o["modified"] and o["first_observed"] <= o["last_observed"]
            assert 1 <= o["number_observed"] <= 999999999
    values = {o["value"] for o in doc["objects"] if "value" in o}
    assert values == {"41.80.0.%d" % i for i in range(PROVEN)}


def test_stix_hostile(ev):
    """Texts from outside are strings in it and nothing else; what people noted is not in it at all."""
    evil = '","type":"bundle"}]}\n\x1b[2J</script>\u202e\\'
    with sqlite3.connect(ev.env["FLOODWALL_HISTORY"]) as db:
        host = db.execute("SELECT host FROM run WHERE id = 1").fetchone()[0]
        db.execute("UPDATE run SET host = ? WHERE id = 1", (evil,))
    ev.fw("incident", "note", 1, evil)
    ev.fw("incident", "export", 1, "--to", ev.path("hostile.tar"), "--asn", ev.path("asn.mmdb"))
    with sqlite3.connect(ev.env["FLOODWALL_HISTORY"]) as db:
        db.execute("UPDATE run SET host = ? WHERE id = 1", (host,))
    with tarfile.open(ev.path("hostile.tar")) as t:
        text = t.extractfile("stix.json").read().decode()
        noted = json.load(t.extractfile("report.json"))["events"]["notes"][-1]["text"]
    assert noted == evil and "\x1b" not in text
    doc, old = json.loads(text), json.loads(ev.files["stix.json"])
    assert [o["type"] for o in doc["objects"]] == [o["type"] for o in old["objects"]]
    assert [o["name"] for o in doc["objects"] if o["type"] == "identity"] == ["floodwall on " + evil]
    assert {o["name"] for o in doc["objects"] if o["type"] == "autonomous-system"} == {
        '=HYPERLINK("x"), <b>Net</b>', "Plain Net"}
    assert text.count("</script>") == 1  # the name of the machine, where a name is said


def test_minutes(ev):
    """Who was heaviest in which minute, proven sources and possibly spoofed ones apart."""
    minutes = ev.json("incident", "report", 1)["minutes"]
    for page in ("md", "html"):  # nobody is said to have sent what came in his name
        text = ev.fw("incident", "report", 1, "--format", page)
        assert "what each sent" not in text and "in whose names most came, minute by minute" in text
    assert [m["from"] for m in minutes] == ["2026-11-06T21:20:00.000Z", "2026-11-06T21:21:00.000Z"]
    for m in minutes:
        assert [(s["address"], s["packets"], s["dropped"]) for s in m["possibly_spoofed"]] == [
            ("96.2.106.172", 123456, 120000)]
        assert [(s["address"], s["rank"], s["class"]) for s in m["proven"]] == [
            ("41.80.0.0", 2, "<b>|cgnat")]
    page = ev.fw("incident", "report", 1, "--format", "html")
    assert page.count("<td><code>41.80.0.0</code> (&lt;b&gt;|cgnat): 4,321</td>"
                      "<td><code>96.2.106.172</code>: 123,456, 120,000 dropped</td>") == 2
    assert "`41.80.0.0` (&lt;b&gt;\\|cgnat): 4,321 | `96.2.106.172`: 123,456" in ev.fw(
        "incident", "report", 1, "--format", "md")


def test_record(ev):
    doc = json.loads(ev.files["record.json"])
    policy = doc["record"]["policies"][0]
    assert policy["programs"] == "web0:cafe0123cafe0123"
    assert hashlib.sha256(ev.files["policy/1-generation-1.yaml"]).hexdigest() == policy["sha256"]
    assert doc["record"]["clocks"][0]["synchronised"] is True
    assert doc["samples"]["emitted"] == 6000 and doc["samples"]["lost"] == 120
    assert [n["database"] for n in doc["networks_named_by"]] == ["Test-Country", "Test-ASN"]


def test_again(ev):
    """A second export has the same records but for the times at which they were made."""
    ev.fw("incident", "export", 1, "--to", ev.path("again.tar"), "--asn", ev.path("asn.mmdb"),
          "--country", ev.path("country.mmdb"))
    with tarfile.open(ev.path("again.tar")) as t:
        for name in ("sources.csv", "totals.csv", "samples.pcapng", "as/AS64500.csv"):
            assert t.extractfile(name).read() == ev.files[name]
    before = os.listdir(ev.dir)
    ev.json("incident", "export", 1, "--to", ev.path("again.tar"), code=1)  # never overwrites
    assert sorted(os.listdir(ev.dir)) == sorted(before)
    os.unlink(ev.path("again.tar"))
    os.symlink(ev.path("nowhere"), ev.path("again.tar"))
    e = ev.json("incident", "export", 1, "--to", ev.path("again.tar"), code=1)["error"]
    assert "is there already" in e["message"] and e["hint"]
    os.unlink(ev.path("again.tar"))
    for name in ("", ev.path("folder/")):
        assert "no name of a file" in ev.json("incident", "export", 1, "--to", name, code=1)["error"]["message"]


def test_key(ev):
    shown = ev.json("key", "show")
    pub = ev.path("state/evidence.pub")
    der = subprocess.run(["openssl", "pkey", "-pubin", "-in", pub, "-outform", "DER"],
                         stdout=subprocess.PIPE, check=True).stdout
    assert shown["fingerprint"] == hashlib.sha256(der).hexdigest() == ev.done["key"]
    assert os.stat(ev.path("state/evidence.key")).st_mode & 0o777 == 0o600
    ev.json("key", "make", code=1)
    os.chmod(ev.path("state/evidence.key"), 0o640)
    assert "640" in ev.json("incident", "export", 1, "--to", ev.path("no.tar"),
                            code=4)["error"]["message"]
    os.chmod(ev.path("state/evidence.key"), 0o600)
