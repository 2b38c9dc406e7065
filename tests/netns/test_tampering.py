# SPDX-License-Identifier: GPL-2.0-only
"""Every kind of tampering with a bundle is named by the command, and noticed by the recipe with standard
tools that is in it; and what two incidents share."""

import hashlib
import os
import re
import shutil
import sys
import tarfile
import tempfile

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lab as lablib  # noqa: E402
from evidence import OTHER, PROVEN, Evidence, ev  # noqa: E402,F401


def members(data):
    """(name, offset, whole length) of each member."""
    at, found = 0, []
    while data[at]:
        name = data[at:at + 100].rstrip(b"\0").decode()
        size = int(data[at + 124:at + 135], 8)
        length = 512 + (size + 511) // 512 * 512
        found.append((name, at, length))
        at += length
    return found


def place(data, name):
    return next((at, length) for n, at, length in members(data) if n == name)


def change_byte(d):
    at, _ = place(d, "sources.csv")
    return d[:at + 700] + bytes([d[at + 700] ^ 1]) + d[at + 701:]


def remove(d):
    at, n = place(d, "sources.csv")
    return d[:at] + d[at + n:]


def cut(d):
    at, n = place(d, "sources.csv")
    return d[:at + n // 2]


def append(d):
    return d + b"\0" * 10240


def append_file(d):
    at, n = place(d, "public.txt")
    return d[:-1024] + d[at:at + n] + d[-1024:]


def reorder(d):
    a, n = place(d, "report.md")
    b, m = place(d, "report.json")
    assert a + n == b
    return d[:a] + d[b:b + m] + d[a:a + n] + d[b + m:]


def break_chain(d):
    """Content, hash and length agree again; only chain and signature know."""
    at, n = place(d, "manifest.txt")
    line = re.search(rb"\n7 public\.txt \d+ ([0-9a-f]{64}) ", d[at:at + n])
    return d[:at + line.start(1)] + b"0" * 64 + d[at + line.end(1):]


def write_between(d):
    """Words in the zeros behind a file: no tar shows them."""
    at, n = place(d, "public.txt")
    assert not any(d[at + n - 20:at + n])
    return d[:at + n - 20] + b"not what was signed!" + d[at + n:]


def write_in_end(d):
    return d[:-20] + b"not what was signed!"


def name_owner(d):
    """A header that is as good as the true one, but for what it says."""
    at, _ = place(d, "public.txt")
    h = bytearray(d[at:at + 512])
    h[265:269] = b"evil"
    h[148:156] = b" " * 8
    h[148:156] = b"%06o\0 " % sum(h)
    return d[:at] + bytes(h) + d[at + 512:]


KINDS = [(change_byte, "changed", "sources.csv"), (remove, "removed", "sources.csv"),
         (cut, "cut", "sources.csv"), (append, "appended", None),
         (append_file, "added", "public.txt"), (reorder, "reordered", "report.json"),
         (break_chain, "chain", "public.txt"), (write_between, "frame", "public.txt"),
         (write_in_end, "frame", None), (name_owner, "frame", None)]


@pytest.mark.parametrize("tamper,fault,name", KINDS, ids=[k[0].__name__ for k in KINDS])
def test_tampering(ev, tamper, fault, name):
    with open(ev.path("night.tar"), "rb") as f:
        data = f.read()
    bad = tamper(data)
    assert bad != data
    with open(ev.path("bad.tar"), "wb") as f:
        f.write(bad)
    c = ev.verify("bad.tar", code=2)
    assert not c["intact"]
    named = [x for x in c["findings"] if x["fault"] == fault]
    assert named and (name is None or named[0]["name"] == name), c["findings"]
    assert name is None or name in named[0]["text"]
    assert "NOT INTACT" in ev.fw("incident", "verify", ev.path("bad.tar"), code=2)
    code, out = ev.recipe("bad.tar")
    assert code and "NOT INTACT" in out, out


def test_recipe_writes_nowhere(ev):
    """A forger's archive holds links in the places where the recipe could write: who checks it keeps
    his files. And a machine that cannot check accuses nobody."""
    victim = ev.path("victim")
    with open(victim, "w", encoding="utf-8") as f:
        f.write("precious")
    for name in (".sums", ".said", ".names", ".records", "sums", "said", "names", "records", "list"):
        with tarfile.open(ev.path("night.tar")) as t, \
                tarfile.open(ev.path("bad.tar"), "w", format=tarfile.USTAR_FORMAT) as bad:
            for m in t.getmembers():
                bad.addfile(m, t.extractfile(m))
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, victim
            bad.addfile(link)
        code, out = ev.recipe("bad.tar")
        assert code == 1 and "NOT INTACT: the lines above are no plain files" in out, out
        assert open(victim, encoding="utf-8").read() == "precious", name
    code, out = ev.recipe("nowhere.tar")
    assert code == 2 and "NOT CHECKED: cannot read" in out and "NOT INTACT" not in out
    said = lablib.run(["/bin/sh", ev.path("VERIFY.txt")], check=False)
    assert said.returncode == 2 and said.stdout == "NOT CHECKED: say which: sh VERIFY.txt BUNDLE [PUBLIC-KEY]\n"
    os.makedirs(ev.path("bin"))
    for name in "tar awk sed diff cmp od tr mktemp mkdir readlink grep rm sha256sum".split():
        os.symlink(shutil.which(name), ev.path("bin/" + name))
    said = lablib.run(["env", "-i", "PATH=" + ev.path("bin"), "/bin/sh", ev.path("VERIFY.txt"),
                       ev.path("night.tar")], check=False)
    assert said.returncode == 2 and said.stdout == "NOT CHECKED: this machine has no openssl\n"


def test_recipe_accuses_nobody(ev):
    """What is wrong with the machine, or with what was typed, is no fault of the bundle."""
    for key in (ev.path("nothing.pem"), ev.path("VERIFY.txt")):
        code, out = ev.recipe("night.tar", key)
        assert code == 2 and "NOT CHECKED: %s is no public key" % key in out and "INTACT" not in out, out
    small = ev.path("small")
    os.mkdir(small)
    lablib.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", small])
    try:
        said = lablib.run(["sh", ev.path("VERIFY.txt"), ev.path("night.tar")], check=False,
                          env=dict(os.environ, TMPDIR=small))
        assert said.returncode == 2 and "NOT CHECKED: tar cannot unpack" in said.stdout, said.stdout
        assert "INTACT" not in said.stdout and not os.listdir(small)
    finally:
        lablib.run(["umount", small])


def test_key_not_the_named_one(ev):
    """All signed anew with another key, but the manifest still names the office's: command and recipe
    say that these two are not one."""
    folder = ev.path("renamed")
    os.mkdir(folder)
    key, pub = folder + "/key.pem", folder + "/public-key.pem"
    lablib.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key])
    lablib.run(["openssl", "pkey", "-in", key, "-pubout", "-out", pub])
    files = dict(ev.files)
    with open(pub, "rb") as f:
        files["public-key.pem"] = f.read()
    head, lines = files["manifest.txt"].decode().split("\n\n")
    chain, rows = hashlib.sha256((head + "\n\n").encode()).hexdigest(), []
    for line in lines.splitlines()[:-1]:
        number, name = line.split()[:2]
        row = "%s %s %d %s" % (number, name, len(files[name]), hashlib.sha256(files[name]).hexdigest())
        chain = hashlib.sha256(("%s %s\n" % (chain, row)).encode()).hexdigest()
        rows.append("%s %s\n" % (row, chain))
    files["manifest.txt"] = (head + "\n\n" + "".join(rows) + lines.splitlines()[-1] + "\n").encode()
    with open(folder + "/manifest.txt", "wb") as f:
        f.write(files["manifest.txt"])
    lablib.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", f.name, "-out",
                folder + "/manifest.sig"])
    with open(folder + "/manifest.sig", "rb") as f:
        files["manifest.sig"] = f.read()
    with open(ev.path("night.tar"), "rb") as f:
        data = f.read()
    out = b""
    for name, at, length in members(data):
        assert len(files[name]) == int(data[at + 124:at + 135], 8)
        out += data[at:at + 512] + files[name].ljust(length - 512, b"\0")
    with open(ev.path("bad.tar"), "wb") as f:
        f.write(out + bytes(1024))
    c = ev.verify("bad.tar", code=2)
    assert [x["fault"] for x in c["findings"]] == ["key"] and "swapped" in c["findings"][0]["text"]
    code, said = ev.recipe("bad.tar")
    assert code == 1 and "NOT INTACT: the manifest names (<) another key" in said, said


def test_another_key(ev):
    """Signed anew with a key of the forger's own: only the fingerprint known before tells."""
    other = Evidence(ev.path("other") if os.mkdir(ev.path("other")) is None else None)
    shutil.copy(ev.env["FLOODWALL_HISTORY"], other.env["FLOODWALL_HISTORY"])
    forged = other.json("incident", "export", 1, "--to", ev.path("forged.tar"))
    assert forged["key"] != ev.done["key"]
    assert ev.verify("forged.tar")["key_compared"] is False
    for key in (ev.done["key"], ev.path("state/evidence.pub")):
        c = ev.verify("forged.tar", "--key", key, code=2)
        assert [x["fault"] for x in c["findings"]] == ["key"]
    assert ev.recipe("forged.tar", ev.path("state/evidence.pub"))[0] != 0


def test_anybody_may_check(ev):
    """Another user, no history, no key, no state: verify and the recipe work."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for path in (lablib.FLOODWALL, ev.path("night.tar"), ev.path("VERIFY.txt")):
            os.chmod(shutil.copy(path, folder), 0o755)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
                  "env", "-i", "PATH=/usr/bin:/bin", "FLOODWALL_HISTORY=/nonexistent/history.db"]
        for argv in ([folder + "/floodwall", "incident", "verify", folder + "/night.tar", "--key",
                      ev.done["key"]], ["sh", folder + "/VERIFY.txt", folder + "/night.tar"]):
            assert "intact: " in lablib.run(nobody + argv).stdout


def test_recipe_anywhere(ev):
    """The recipe asks no more of its tools than busybox has, as on an expert's rescue disk: what is
    intact reads so, and what is not is named."""
    busybox = shutil.which("busybox")
    if not busybox:
        pytest.skip("no busybox here")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("tar awk sed diff cmp od tr head date tee mktemp mkdir readlink cut grep wc rm echo cat "
                     "sha256sum").split():
            os.symlink(busybox, os.path.join(folder, name))
        os.symlink(shutil.which("openssl"), os.path.join(folder, "openssl"))
        bare = ["env", "-i", "PATH=" + folder, busybox, "sh", ev.path("VERIFY.txt")]
        assert "intact: " in lablib.run(bare + [ev.path("night.tar")]).stdout
        with open(ev.path("night.tar"), "rb") as f:
            bad = change_byte(f.read())
        with open(ev.path("bad.tar"), "wb") as f:
            f.write(bad)
        said = lablib.run(bare + [ev.path("bad.tar")], check=False)
        assert said.returncode == 1 and "NOT INTACT" in said.stdout
        assert "sources.csv: FAILED" in said.stdout and "README.txt" not in said.stdout


def text_file(ev):
    with open(ev.path("text"), "w", encoding="ascii") as f:
        f.write("hello")
    return f.name


def test_no_bundle(ev):
    ev.json("incident", "export", 1, "--to", "-", code=1)  # no file of that name, and no half of one
    assert "no bundle" in ev.json("incident", "verify", text_file(ev), code=1)["error"]["message"]
    ev.json("incident", "verify", ev.path("nothing"), code=1)
    os.mkfifo(ev.path("pipe"))
    assert "not a regular file" in ev.json("incident", "verify", ev.path("pipe"), code=1)["error"]["message"]
    ev.json("incident", "verify", ev.path("night.tar"), "--key", ev.path("text"), code=1)


# ---- comparing ----------------------------------------------------------------------------------


def test_compare(ev):
    """Incident 1 with itself, from the history and from its bundle; and with the other night."""
    for a, b in ((1, 1), (1, ev.path("night.tar")), (ev.path("night.tar"), ev.path("night.tar"))):
        c = ev.json("incident", "compare", a, b)
        assert c["proven"]["addresses"] == dict(c["proven"]["addresses"], a=PROVEN, b=PROVEN,
                                                shared=PROVEN, jaccard=1.0)
        assert c["possibly_spoofed"]["addresses"]["shared"] == OTHER
        assert c["agreement"] and min(c["agreement"].values()) > 0.999, c["agreement"]
        assert c["timing"]["seconds_apart"] == 0
        assert "Both are one and the same incident." in c["words"]
    assert c["proven"]["addresses"]["log10_of_chance_at_most"] < -100
    far = ev.json("incident", "compare", 1, 2)
    assert far["proven"]["addresses"]["shared"] == 0  # 41.80.0.0/24 and 41.80.7.0 to 41.80.8.255
    assert far["proven"]["addresses"]["log10_of_chance_at_most"] == 0
    assert "chance" in " ".join(far["words"]) and "same incident" not in " ".join(far["words"])


def test_compare_counts(ev):
    """Half of the proven sources are the same: exactly so many, and the networks."""
    number = ev.night("flood", 300, 10, 0)["id"]
    c = ev.json("incident", "compare", 1, number)["proven"]
    assert (c["addresses"]["shared"], c["addresses"]["a"], c["addresses"]["b"]) == (PROVEN, PROVEN, 300)
    assert abs(c["addresses"]["jaccard"] - PROVEN / 300) < 1e-9
    assert (c["networks"]["shared"], c["networks"]["a"], c["networks"]["b"]) == (1, 1, 2)
    assert abs(c["expected_within_shared_networks"] - PROVEN * 256 / 256) < 1e-9
    assert abs(c["addresses"]["expected_by_chance"] - PROVEN * 300 / 3702258432) < 1e-9


def test_compare_nothing(ev):
    """Of two names the one that is meant is said."""
    assert ev.path("text") in ev.json("incident", "compare", 1, text_file(ev), code=1)["error"]["message"]
    assert ev.dir in ev.json("incident", "compare", ev.dir, 1, code=1)["error"]["message"]


def test_compare_broken(ev):
    with open(ev.path("night.tar"), "rb") as f:
        data = f.read()
    with open(ev.path("bad.tar"), "wb") as f:
        f.write(change_byte(data))
    assert "not intact" in ev.json("incident", "compare", 1, ev.path("bad.tar"),
                                   code=2)["error"]["message"]
