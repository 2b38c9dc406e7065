# SPDX-License-Identifier: GPL-2.0-only
"""Writes small MaxMind databases, after the public specification of the format 2.0: a binary search
tree of 128 levels (IPv4 lies below ::/96), a data section, and metadata behind a marker."""

import ipaddress
import struct

MARK = b"\xab\xcd\xefMaxMind.com"


def _control(kind, size):
    head = [kind << 5] if kind < 8 else [0, kind - 7]
    if size < 29:
        return bytes([head[0] | size] + head[1:])
    if size < 285:
        return bytes([head[0] | 29] + head[1:] + [size - 29])
    return bytes([head[0] | 30] + head[1:]) + struct.pack(">H", size - 285)


def encode(value):
    if isinstance(value, dict):
        return _control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())
    if isinstance(value, list):
        return _control(11, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        value = value.encode()
        return _control(2, len(value)) + value
    kind, value = value if isinstance(value, tuple) else (6, value)  # uint32 unless said
    raw = value.to_bytes(8, "big").lstrip(b"\0")
    return _control(kind, len(raw)) + raw


def write(path, kind, entries):
    """entries: {"192.0.2.0/24": {...}}."""
    nodes, data = [[None, None]], b""
    for prefix, value in entries.items():
        net = ipaddress.ip_network(prefix)
        bits, length = int(net.network_address), net.prefixlen
        if net.version == 4:
            length += 96
        node = 0
        for i in range(length):
            bit = bits >> (127 - i) & 1
            if i == length - 1:
                nodes[node][bit] = ("data", len(data))
                data += encode(value)
            elif nodes[node][bit] is None:
                nodes.append([None, None])
                nodes[node][bit] = ("node", len(nodes) - 1)
            if i < length - 1:
                node = nodes[node][bit][1]
    count = len(nodes)

    def record(where):
        if where is None:
            return count
        return where[1] if where[0] == "node" else count + 16 + where[1]
    meta = {"node_count": count, "record_size": (5, 32), "ip_version": (5, 6),
            "database_type": kind, "languages": ["en"], "binary_format_major_version": (5, 2),
            "binary_format_minor_version": (5, 0), "build_epoch": (9, 1790000000),
            "description": {"en": "made for a test"}}
    with open(path, "wb") as f:
        for left, right in nodes:
            f.write(struct.pack(">II", record(left), record(right)))
        f.write(b"\0" * 16 + data + MARK + encode(meta))
