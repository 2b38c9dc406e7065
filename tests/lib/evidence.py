# SPDX-License-Identifier: GPL-2.0-only
"""An invented night whose figures are known, its history, reports and bundle."""

import json
import os
import subprocess
import tarfile

import pytest

import lab as lablib
import mmdb

NIGHT = os.path.join(lablib.BUILD, "tests", "netns", "night")
PROVEN, OTHER = 40, 400


class Evidence:
    def __init__(self, folder):
        self.dir = str(folder)
        self.env = dict(os.environ, FLOODWALL_HISTORY=self.path("state/history.db"))
        os.mkdir(self.path("state"), 0o700)

    def path(self, name):
        return os.path.join(self.dir, name)

    def night(self, *args):
        out = lablib.run([NIGHT, self.env["FLOODWALL_HISTORY"], *map(str, args)])
        return json.loads(out.stdout)

    def fw(self, *args, code=0):
        p = subprocess.run([lablib.FLOODWALL, *map(str, args)], env=self.env, text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        assert p.returncode == code, (args, p.returncode, p.stdout, p.stderr)
        return p.stdout

    def json(self, *args, code=0):
        return json.loads(self.fw("-j", *args, code=code))

    def verify(self, name, *more, code=0):
        return self.json("incident", "verify", self.path(name), *more, code=code)

    def recipe(self, name, *more):
        p = subprocess.run(["sh", self.path("VERIFY.txt"), self.path(name), *more], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return p.returncode, p.stdout


@pytest.fixture(scope="module")
def ev(tmp_path_factory):
    e = Evidence(tmp_path_factory.mktemp("evidence"))
    e.truth = e.night("flood", PROVEN, OTHER)
    e.night("rush", 500, 30, 7)
    mmdb.write(e.path("asn.mmdb"), "Test-ASN", {
        "41.80.0.0/28": {"autonomous_system_number": 64500,
                         "autonomous_system_organization": "=HYPERLINK(\"x\"), <b>Net</b>"},
        "41.80.0.16/28": {"autonomous_system_number": 64501,
                          "autonomous_system_organization": "Plain Net"},
        "64.0.0.0/2": {"autonomous_system_number": 64999,
                       "autonomous_system_organization": "Innocent"}})
    mmdb.write(e.path("country.mmdb"), "Test-Country", {"41.80.0.0/16": {"country": {"iso_code": "KE"}}})
    e.done = e.json("incident", "export", 1, "--to", e.path("night.tar"), "--asn",
                    e.path("asn.mmdb"), "--country", e.path("country.mmdb"))
    with tarfile.open(e.path("night.tar")) as t:
        e.files = {m.name: t.extractfile(m).read() for m in t.getmembers()}
    with open(e.path("VERIFY.txt"), "wb") as f:
        f.write(e.files["VERIFY.txt"])
    return e
