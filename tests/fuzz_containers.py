"""Archives, headers and streams written to do harm: to never end, to fill the memory. Each from its seed."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile

import torch
from fuzz_bombs import LEGACY_START, bomb, saved
from fuzz_files import MAGIC, safetensors


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as target:
        for name, content in entries.items():
            target.writestr(name, content)
    return out.getvalue()


@bomb
def packed_bombs(rng):
    zeros, steps = bytes(90_000_000), b"\x80\x04" + b"}" * 60_000_000
    inner = rng.choice((zeros, steps))
    return rng.choice(
        (
            lambda: gzip.compress(inner, 1),
            lambda: gzip.compress(gzip.compress(inner, 1), 1),
            lambda: archive({"network.pkl": inner}, zipfile.ZIP_DEFLATED),
            lambda: archive({"a/data.pkl": inner, "a/version": b"3"}, zipfile.ZIP_DEFLATED),
            lambda: gzip.compress(archive({"a/data.pkl": inner[:50_000_000], "a/version": b"3"}), 1),
        )
    )()


@bomb
def archives_of_many_files(rng):
    entry = b"PK\x01\x02" + bytes(24) + (4).to_bytes(2, "little") + bytes(16) + b"file"
    count = rng.choice((1000, 1_000_000))
    table = entry * count
    end = b"PK\x05\x06" + bytes(4) + (min(count, 65535)).to_bytes(2, "little") * 2
    end += len(table).to_bytes(4, "little") + (34).to_bytes(4, "little") + bytes(2)
    whole = b"PK\x03\x04" + bytes(22) + b"data.pkl" + table + end
    return gzip.compress(whole, 1) if rng.random() < 0.5 else whole


@bomb
def archives_packed_in_odd_ways(rng):
    content = {"a/data.pkl": pickle.dumps({"g_ema": {}}, 2), "a/version": b"3"}
    only = {"network.pkl": pickle.dumps({"G_ema": 1}, 2)}
    data = bytearray(
        archive(
            rng.choice((content, only)), rng.choice((zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2, zipfile.ZIP_STORED))
        )
    )
    for _ in range(rng.randrange(4)):
        data[rng.randrange(4, len(data))] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
    return bytes(data)


@bomb
def archives_in_pickles(rng):
    """torch's zip archives inside a pickle, which unpack to far more."""
    packed = archive(
        {"a/data.pkl": b"\x80\x02" + b"N0" * 10_000_000, "a/version": b"3"}, zipfile.ZIP_DEFLATED
    )
    whole = saved(torch.zeros(2000).untyped_storage(), legacy=False)
    payload = rng.choice(
        (packed, whole, archive({f"a/{i}": b"" for i in range(400)} | {"a/data.pkl": b"\x80\x02N."}))
    )
    call = b"B" + len(payload).to_bytes(4, "little") + payload + b"\x85R0"
    return b"\x80\x02" + (b"ctorch.storage\n_load_from_bytes\n" + call) * rng.choice((1, 100)) + b"N."


@bomb
def safetensors_headers(rng):
    many = (b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(50_000))
    text = rng.choice(
        (
            b"[" * 200_000, b'{"a":' * 200_000, b"[" + b"[]," * 3_000_000 + b"[]]", b"{}", b'{"a":1}',
            b'{"a":' + b"9" * 5_000_000 + b"}", b"{" + b",".join(many) + b"}", b'{"__metadata__":[1]}',
            b'{"__metadata__":{"blendreel":"' + b"[" * 100_000 + b'"}}',
        )
    )  # fmt: skip
    return rng.choice((len(text), len(text) - 1, 2**31)).to_bytes(8, "little") + text


@bomb
def safetensors_configs(rng):
    """A whole file, whose config describes something endless."""
    data = safetensors()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    own = json.loads(header["__metadata__"]["blendreel"])
    change = rng.choice(
        (
            {"mapping_layers": rng.choice((10**9, 10**6, 0, -1))}, {"resolution": rng.choice((2**14, 2**60))},
            {"w_dim": rng.choice((10**6, 10**12))}, {"z_dim": 10**9}, {"channels": [10**6] * 4},
            {"channel_base": 10**15, "channel_max": 10**9}, {"const_size": [64, 64]}, {"c_dim": 10**12},
            {"resample_filter": [1] * 100_000}, {"resample_filter": [[1] * 300] * 300},
            {"mapping_features": 10**7}, {"img_channels": 10**12},
        )
    )  # fmt: skip
    own["config"] |= change
    if rng.random() < 0.3:
        own["architecture"] = rng.choice(("stylegan1", "stylegan3"))
        own["config"] = {
            "resolution": 64,
            "filter_size": 32,
            "lrelu_upsampling": 16,
            "num_layers": 64,
            "num_critical": 1,
        }
        own["config"] |= rng.choice(
            ({}, {"num_layers": 2, "first_cutoff": 0.01, "first_stopband": 0.02}, {"channel_max": 10**9})
        )
    header["__metadata__"]["blendreel"] = json.dumps(own)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data[end:]


@bomb
def torch_streams_that_announce_too_much(rng):
    count = rng.choice((2**40, 2**62, 10**13, -5, 5000))
    reference = ("storage", "FloatStorage", "0", "cpu", count, None)
    data = b"\x80\x02}X\x05\x00\x00\x00g_ema(X\x07\x00\x00\x00storagectorch\nFloatStorage\n" + b"".join(
        pickle.dumps(each, 2)[2:-1].replace(b"q\x00", b"") for each in reference[2:]
    )
    keys = pickle.dumps(rng.choice((["0"], ["0", "0"], [], ["1"], {"0": 1})), 2)
    tail = (count % 2**64).to_bytes(8, "little") + bytes(rng.choice((0, 100, 20_000)))
    return (
        (MAGIC if rng.random() < 0.5 else b"")
        + LEGACY_START[len(MAGIC) if rng.random() < 0.1 else 0 :]
        + data
        + b"tQs."
        + keys
        + tail
    )


@bomb
def streams_inside_streams_again_and_again(rng):
    """A torch file of many steps in a pickle, read by thousands of calls."""
    data = b"\x80\x02" + b"N0" * rng.choice((10, 1900)) + b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
    data += (
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01NtQ."
        + pickle.dumps(["0"], 2)
        + (1).to_bytes(8, "little")
        + bytes(4)
    )
    payload = LEGACY_START + data
    call = b"B" + len(payload).to_bytes(4, "little") + payload + b"\x85"
    again = b"ctorch.storage\n_load_from_bytes\nq\x00" + call + b"q\x01" + b"h\x00h\x01R0" * 200_000
    each = b"ctorch.storage\n_load_from_bytes\nq\x00" + (b"h\x00" + call + b"R0") * 3000
    return b"\x80\x02" + rng.choice((again, each)) + b"."
