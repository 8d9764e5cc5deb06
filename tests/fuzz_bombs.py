"""Pickles written to do harm: to never end, to fill the memory. Each from its seed."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import tempfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from conftest import describe_module, make_network, write_nvlabs
from fuzz_calls import Calls
from tensorflow_files import Network, network_of, variables_of, write_tensorflow
from test_rosinality import rosinality_state

Bomb = Callable[[random.Random], bytes]
BOMBS: dict[str, Bomb] = {}
LEGACY_START = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2)
LEGACY_START += pickle.dumps({"protocol_version": 1001, "little_endian": True, "type_sizes": {}}, 2)


def bomb(function: Bomb) -> Bomb:
    BOMBS[function.__name__.replace("_", " ")] = function
    return function


def written(write: Callable, *arguments, **keywords) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write(Path(folder) / "network", *arguments, **keywords).read_bytes()


def nvidia(data=None, network=None, **state) -> bytes:
    return written(write_nvlabs, network if network or data is not None else make_network(), data, **state)


def saved(data, legacy: bool) -> bytes:
    out = io.BytesIO()
    torch.save(data, out, _use_new_zipfile_serialization=not legacy)
    return out.getvalue()


def part_of(described, path: str) -> dict:
    """The state of one module inside a described network."""
    for name in path.split(".") if path else []:
        described = described.description["state"]["_modules"][name]
    return described.description["state"]


def with_state(path: str, **changes) -> bytes:
    """An NVIDIA file in which the module at `path` has these attributes."""
    described = describe_module(make_network())
    part_of(described, path).update(changes)
    return nvidia({"G_ema": described})


def endless(rng: random.Random, depth: int = 60):
    """A few bytes that would be 2^60 things, were they written out."""
    kind, nest = rng.randrange(4), rng.choice(((), [], {}, 1, "x" * 1000))
    for _ in range(depth):
        nest = ((nest, nest), [nest, nest], {"a": nest, "b": nest}, (nest,) * 9)[kind]
    if rng.random() < 0.2:  # and it holds itself
        nest = [nest]
        nest.append(nest)
    return nest


SPOTS = (
    "synthesis",
    "mapping",
    "synthesis.b4",
    "synthesis.b4.conv1",
    "mapping.fc0",
    "synthesis.b16.torgb",
    "",
)
ATTRIBUTES = ("activation", "conv_clamp", "use_fp16", "bias_gain", "_init_kwargs", "_init_args", "_modules")
ATTRIBUTES += ("_parameters", "_buffers", "resample_filter", "training")


@bomb
def memo_bombs_in_modules(rng):
    return with_state(rng.choice(SPOTS), **{rng.choice(ATTRIBUTES): endless(rng)})


@bomb
def memo_bombs_in_options(rng):
    nest = endless(rng)
    options = rng.choice(
        (
            {"strange": nest},
            {"synthesis_kwargs": nest},
            {"synthesis_kwargs": {"odd": nest}},
            {"mapping_kwargs": {"odd": nest}},
        )
    )
    return nvidia(
        network=make_network(), _init_kwargs=options | {"activation": nest} if rng.random() < 0.3 else options
    )


@bomb
def memo_bombs_in_place_of_networks(rng):
    nest = endless(rng)
    return nvidia(
        rng.choice((nest, [nest], {"G_ema": nest}, {"G": nest, "D": nest}, {"G_ema": {"_modules": nest}}))
    )


@bomb
def memo_bombs_in_tensorflow_files(rng):
    network, nest = make_network(), endless(rng)
    held = network_of(network)
    setattr(held, rng.choice(("name", "static_kwargs", "components", "variables", "version")), nest)
    options = network_of(
        network, **{rng.choice(("resample_kernel", "conv_clamp", "odd", "nonlinearity", "verbose")): nest}
    )
    lone = Network(nest, {}, [])
    return written(
        write_tensorflow, rng.choice((held, options, (lone, lone), {"Gs": lone}, (None, nest, options)))
    )


@bomb
def memo_bombs_in_torch_files(rng):
    state, nest = rosinality_state(make_network()), endless(rng)
    data = rng.choice(
        ({"g_ema": state, "args": nest}, {"g_ema": nest}, {"g_ema": state | {"x": nest}}, nest, [nest])
    )
    return saved(data, rng.random() < 0.5)


@bomb
def memo_bombs_as_storage_keys(rng):
    keys = pickle.dumps(rng.choice(([endless(rng)], endless(rng), [10**5000])), 2)
    return LEGACY_START + pickle.dumps({"g_ema": {}}, 2) + keys


@bomb
def memo_bombs_as_dictionary_keys(rng):
    """Hashing nested tuples takes as long as writing them out."""
    key = b")" + b"2\x86" * rng.randint(40, 80)
    return b"\x80\x04" + rng.choice(
        (
            b"}" + key + b"K\x01s.",
            b"(" + key + b"K\x01d.",
            b"\x8f(" + key + b"\x90.",
            b"(" + key + b"\x91.",
            b"ccollections\nOrderedDict\n]" + key + b"K\x01\x86a\x85R.",
            b"cdnnlib.util\nEasyDict\n]" + key + b"K\x01\x86a\x85R.",
            b"cbuiltins\nset\n]" + key + b"a\x85R.",
            b"cdnnlib.util\nEasyDict\n(" + key + b"K\x01d\x85R.",
        )
    )


@bomb
def modules_used_everywhere(rng):
    """A few modules, each holding the next under many names: more of them than can be visited."""
    width = rng.choice((3, 30, 1000))
    inner = describe_module(make_network().mapping.fc0)
    for _ in range(rng.choice((7, 8, 40))):
        outer = describe_module(torch.nn.Module())
        part_of(outer, "")["_modules"] = {f"{'n' * rng.choice((1, 150))}{i}": inner for i in range(width)}
        inner = outer
    return nvidia({"G_ema": inner})


@bomb
def modules_inside_themselves(rng):
    module = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    described = b"}q\x01(X\x0a\x00\x00\x00class_nameX\x01\x00\x00\x00GX\x05\x00\x00\x00state}q\x02u"
    table = rng.choice((b"X\x08\x00\x00\x00_modules", b"X\x0b\x00\x00\x00_parameters"))
    # The module is remembered (3), and its state (2) then gets a table that holds it.
    return (
        b"\x80\x02" + module + described + b"\x85Rq\x030h\x02" + table + b"}X\x01\x00\x00\x00ah\x03ss0h\x03."
    )


@bomb
def deep_nesting(rng):
    depth = rng.choice((1000, 30_000, 300_000))
    return b"\x80\x04" + rng.choice(
        (
            b"](" * depth + b"e" * depth + b".",
            b"N" + b"\x85" * depth + b".",
            b"}K\x01" * depth + b"N" + b"s" * depth + b".",
            b"(" * depth + b"l" * depth + b".",
            b"(" * depth + b".",
            b"cdnnlib.util\nEasyDict\n)R(K\x01" * depth + b"N" + b"u" * depth + b".",
            b"cnumpy\ndtype\n(" * min(depth, 30_000)
            + b"X\x02\x00\x00\x00f4"
            + b"tR" * min(depth, 30_000)
            + b".",
        )
    )


@bomb
def very_many_steps(rng):
    """Millions of small things, packed small or not."""
    step = rng.choice(
        (b"N0", b"}", b"\x8f", b"(\x91", b"]", b"cnumpy\nndarray\n", b"N\x85", b"}2", b"K\x01\x94", b"(")
    )
    stream = b"\x80\x04" + step * (6_000_000 // len(step)) + b"."
    return gzip.compress(stream, 1) if rng.random() < 0.4 else stream


@bomb
def the_same_data_copied_again_and_again(rng):
    """One large argument, remembered, and as many calls that may copy it."""
    many, large = rng.choice((2000, 200_000)), rng.choice((100, 100_000, 1_000_000))
    text = b"X" + large.to_bytes(4, "little") + b"a" * large
    numbers = b"(" + b"K\x01" * large
    function, argument = rng.choice(
        (
            (b"c_codecs\nencode\n", text),
            (b"cbuiltins\nset\n", numbers + b"l"),
            (
                b"ccollections\nOrderedDict\n",
                b"}(" + b"".join(b"J" + i.to_bytes(4, "little") + b"N" for i in range(large // 4)) + b"u",
            ),
            (b"cdnnlib.util\nEasyDict\n", b"](" + b"K\x01N\x86" * (large // 2) + b"e"),
            (b"ctorch._utils\n_rebuild_parameter\n", numbers + b"t"),
        )
    )
    return b"\x80\x02" + function + b"q\x00" + argument + b"\x85q\x01" + b"h\x00h\x01R" * many + b"."


@bomb
def python2_text_as_arrays_again_and_again(rng):
    count = rng.choice((1000, 1_000_000))
    state = (
        b"(K\x01J" + count.to_bytes(4, "little") + b"\x85cnumpy\ndtype\n(X\x02\x00\x00\x00u1K\x00K\x01tR\x89T"
    )
    state += count.to_bytes(4, "little") + b"a" * count + b"tq\x01"
    return b"\x80\x02cnumpy\nndarray\nq\x00" + state + b"h\x00)\x81h\x01b" * 50_000 + b"."


SIZES = (
    ((2**40,), (0,)), ((2**39, 5), (5, 1)), ((0, 2**39), (1, 1)), ((2**33, 0, 3, 3), (0, 9, 3, 1)),
    ((16,), (10**13,)), ((-1,), (1,)), ((4,) * 9, (1,) * 9), ((2**63,), (1,)), ((8, 8), (-8, 1)),
    ((1.5,), (1,)), ((8,), (8, 1)), (8, 1), ((True,), (1,)), ("88", "11"), ((8, 8, 3, 3), (0, 0, 0, 0)),
    ((2_500_000_000_000,), (1,)), ((2**20, 2**20), (1, 1)),
)  # fmt: skip


def misshapen(rng: random.Random) -> Calls:
    """A tensor whose sizes, strides or offset reach far outside its numbers."""
    numbers = torch.zeros(rng.choice((1, 64, 5000)))
    storage = torch.storage.TypedStorage(
        wrap_storage=numbers.untyped_storage(), dtype=numbers.dtype, _internal=True
    )
    size, stride = rng.choice(SIZES)
    offset = rng.choice((0, 0, 0, 5000, -1, 2**62, None))
    return Calls(torch._utils._rebuild_tensor_v2, storage, offset, size, stride, False, OrderedDict())


def any_tensor(rng: random.Random, network) -> str:
    return rng.choice(list(network.state_dict()))


@bomb
def torch_tensors_beyond_their_storage(rng):
    network = make_network()
    name, described = any_tensor(rng, network), describe_module(network)
    place, leaf = name.rsplit(".", 1)
    state = part_of(described, place)
    group = "_buffers" if leaf in state["_buffers"] else "_parameters"
    state[group] = dict(state[group]) | {leaf: misshapen(rng)}
    return nvidia({"G_ema": described})


@bomb
def rosinality_tensors_beyond_their_storage(rng):
    state = rosinality_state(make_network())
    state[rng.choice(list(state))] = misshapen(rng)
    return saved({"g_ema": state, "latent_avg": misshapen(rng) if rng.random() < 0.2 else None}, legacy=True)


@bomb
def numpy_arrays_of_ten_terabytes(rng):
    network, shape = make_network(), rng.choice(SIZES)[0]
    variables = variables_of(network)
    name = rng.choice(list(variables))
    dtype = np.dtype(rng.choice(("f4", "f8", "u1", "c16")))
    state = (1, shape, dtype, False, bytes(rng.choice((0, 4, 4096, 100_000))))
    variables[name] = Calls(np._core.multiarray._reconstruct, np.ndarray, (0,), b"b", state=state)
    return written(write_tensorflow, network_of(network, variables=variables))


@bomb
def widths_without_numbers(rng):
    """Tensors of no elements that claim a width, for the network to be built as wide."""
    network, width = make_network(), rng.choice((2**20, 2**33, 2**39))
    empty = torch.empty(0)
    if rng.random() < 0.5:
        state = rosinality_state(network)
        for name in rng.sample([n for n in state if n.endswith("weight")], 3):
            state[name] = empty.as_strided((width, 0), (1, 1))
        return saved({"g_ema": state}, rng.random() < 0.5)
    described = describe_module(network)
    for place in rng.sample(
        ("mapping.fc0", "mapping.fc1", "synthesis.b4.conv1", "synthesis.b16.conv1", "synthesis.b8.conv0"), 2
    ):
        state = part_of(described, place)
        shape = rng.choice(((width, 0, 3, 3), (0, width, 3, 3), (width, 0), (0, width)))
        state["_parameters"] = dict(state["_parameters"]) | {
            "weight": empty.as_strided(shape, (1,) * len(shape))
        }
    return nvidia({"G_ema": described})


@bomb
def endless_filters(rng):
    taps = torch.ones(rng.choice((1000, 250_000)))
    taps = rng.choice(
        (taps, taps[None], taps.reshape(-1, 10), torch.zeros(4), torch.full([4], torch.nan), torch.ones([]))
    )
    if rng.random() < 0.5:
        return with_state("synthesis.b16", _buffers={"resample_filter": taps})
    state = rosinality_state(make_network())
    return saved(
        {"g_ema": state | {name: taps for name in state if name.endswith("kernel")}}, rng.random() < 0.5
    )


@bomb
def large_latents_and_constants(rng):
    """What a reader draws, averages or doubles grows with them."""
    state = rosinality_state(make_network(), noises=False)
    const = rng.choice(((1, 8, 1, 30_000), (1, 8, 64, 64), (1, 8, 500, 500)))
    change = rng.choice(
        (
            {"style.1.weight": torch.ones(8, 200_000)},
            {"style.1.weight": torch.ones(200_000, 8)},
            {"input.input": torch.ones(const)},
        )
    )
    state.update(change)
    if rng.random() < 0.5:
        state.update({f"convs.{n}.conv.weight": torch.ones(1, 8, 8, 3, 3) for n in range(20)})
    return saved({"g_ema": state}, rng.random() < 0.5)


@bomb
def huge_numbers(rng):
    value = rng.choice((1 << 20_000, 10**4999, 1 << 4_000_000, float("inf"), float("nan"), -(1 << 200)))
    if rng.random() < 0.3:
        option = rng.choice(
            ("fmap_base", "conv_clamp", "mapping_lrmul", "odd", "resample_kernel", "fused_scale")
        )
        return written(write_tensorflow, network_of(make_network(), **{option: value}))
    if rng.random() < 0.5:
        return nvidia(
            network=make_network(), _init_kwargs={rng.choice(("channel_base", "odd", "conv_clamp")): value}
        )
    return with_state(rng.choice(SPOTS), **{rng.choice(ATTRIBUTES[:4]): value})


@bomb
def long_names(rng):
    name = "b" + rng.choice(("9" * 5000, "x" * 1_000_000, "²", "1048576", "4\n\x1b[31m"))
    described = describe_module(make_network())
    part_of(described, "synthesis")["_modules"] |= {name: describe_module(make_network().synthesis.b4)}
    variables = variables_of(make_network()) | {name: np.ones(3, "f4")}
    tensorflow = written(write_tensorflow, network_of(make_network(), variables=variables))
    return rng.choice(
        (nvidia({"G_ema": described}), tensorflow, saved({"g_ema": {name: torch.ones(2)}}, False))
    )


@bomb
def one_array_under_many_names(rng):
    big, network = np.ones(rng.choice((100, 500_000)), "f4"), make_network()
    many = {f"{'verbose' if rng.random() < 0.5 else 'odd'}_{i}": big for i in range(5000)}
    if rng.random() < 0.5:
        return written(write_tensorflow, network_of(network, **many))
    return written(write_tensorflow, network_of(network, variables=variables_of(network) | many))


@bomb
def one_tensor_under_many_names(rng):
    big, described = torch.ones(rng.choice((100, 500_000))), describe_module(make_network())
    state = part_of(described, rng.choice(SPOTS))
    state["_buffers"] = dict(state["_buffers"]) | {f"n{i}": big for i in range(5000)}
    return nvidia({"G_ema": described})
