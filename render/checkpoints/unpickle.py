"""Reads pickles as data: a small pickle machine that can call nothing outside an allow-list.

Written from the opcode descriptions in Python's `pickletools`. The standard unpickler is not used, because
it can't be kept from running what a stream names without also trusting its handling of sizes and memo slots.
Here a stream may only build plain containers and call the stand-ins its reader passes in by name. Every size
is checked against what is left of the file. A stream may refer to what it built again and again, so the
number of steps is bounded, and so is what calls are given: a stand-in may copy it.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from render.errors import CheckpointError, UnsafeCheckpointError

MAX_STEPS = 2_000_000  # a full-size network takes some 50,000; this many take a second or two
LARGE = 64  # arguments of more elements than this count against what calls may be given
SPAN_BYTES = 4096  # from this length on, bytes are left in the file until they are needed
SCALARS = (str, bytes, int, float, bool, type(None))
MARK = object()
SIZED = (str, bytes, tuple, list, dict, set, frozenset)
SIZES = {"B": 1, "H": 2, "i": 4, "I": 4, "Q": 8, "d": 8}  # bytes of a number, by its `struct` letter
FAMILIAR = {"posix": "os", "nt": "os", "__builtin__": "builtins"}  # what people know these modules as


class Global:
    """A name from the allow-list, on the machine's stack: a token until the stream calls it."""

    __slots__ = ("call", "name")

    def __init__(self, name: str, call: Callable[..., Any]):
        self.name, self.call = name, call


class Stateful:
    """Base of the stand-ins that accept a state (the BUILD opcode). Nothing else does."""

    def set_state(self, state: Any) -> None:
        raise NotImplementedError


class Machine:
    """Runs one pickle from `stream`.

    stream      open at the pickle's first byte
    size        bytes that may be read from there
    label       what to call the file in errors
    allowed     global name → stand-in that is called in its place
    persistent  called with each persistent id; without it these are refused
    span        (offset, count) → what stands for that stretch of the stream, in the place of long bytes;
                without it they are read
    steps       opcodes it may have
    """

    def __init__(
        self,
        stream: BinaryIO,
        size: int,
        label: str,
        allowed: Mapping[str, Callable[..., Any]],
        persistent: Callable[[Any], Any] | None = None,
        span: Callable[[int, int], Any] | None = None,
        steps: int = MAX_STEPS,
    ):
        self.stream, self.left, self.label = stream, size, label
        self.allowed, self.persistent, self.span, self.steps = allowed, persistent, span, steps
        self.given = 2 * size + 2**20  # elements that calls may still be given
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """What the pickle describes. Raises CheckpointError; UnsafeCheckpointError for a refused name."""
        try:
            for _ in range(self.steps):
                # `read(1)`, without its cost: this line runs for every byte of structure.
                if not (opcode := self.stream.read(1) if self.left > 0 else b""):
                    self.read(1)
                self.left -= 1
                if opcode == b".":
                    return self.stack.pop()
                OPCODES[opcode](self)
        except CheckpointError:
            raise
        except MemoryError as error:
            raise CheckpointError(f"{self.label} describes more data than fits in memory") from error
        except Exception as error:
            # Whatever a damaged stream trips over (an empty stack, a missing memo slot, a wrong type …).
            reason = f"{type(error).__name__}: {str(error)[:120]}"
            raise CheckpointError(f"{self.label} is damaged: its pickle makes no sense ({reason})") from error
        raise CheckpointError(f"{self.label} is damaged: its pickle has more than {self.steps:,} steps")

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes, which must be there."""
        data = self.stream.read(count) if 0 <= count <= self.left else b""
        if len(data) != count:
            raise CheckpointError(f"{self.label} is cut off: {count:,} bytes are missing at its end")
        self.left -= count
        return data

    def read_long(self, count: int, decode: Callable[[bytes], Any]) -> Any:
        """That many bytes, decoded; or where they lie, if they are many."""
        if self.span is None or count < SPAN_BYTES or count > self.left:
            return decode(self.read(count))
        offset = self.stream.tell()
        self.stream.seek(count, io.SEEK_CUR)
        self.left -= count
        return self.span(offset, count)

    def read_line(self, encoding: str = "utf-8") -> str:
        """A text argument up to its newline."""
        line = self.stream.readline(self.left)
        if not line.endswith(b"\n"):
            raise CheckpointError(f"{self.label} is cut off in the middle of a pickle's text")
        self.left -= len(line)
        return line[:-1].decode(encoding)

    def number(self, layout: str) -> int:
        """One number of that `struct` layout."""
        return struct.unpack(layout, self.read(SIZES[layout[1]]))[0]

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop_to_mark(self) -> list[Any]:
        """What was pushed since the last mark, which goes too."""
        index = len(self.stack) - 1
        while self.stack[index] is not MARK:
            index -= 1  # an empty stack ends this with an IndexError
        items = self.stack[index + 1 :]
        del self.stack[index:]
        return items

    def push_global(self, module: Any, name: Any) -> None:
        if not (isinstance(module, str) and isinstance(name, str)):
            raise TypeError("a name that is no text")
        full = f"{module}.{name}"
        if full not in self.allowed:
            raise refusal(self.label, full)
        self.push(Global(full, self.allowed[full]))

    def instance(self) -> None:
        """INST: a name in the text, its arguments since the mark."""
        arguments = tuple(self.pop_to_mark())
        self.push_global(self.read_line(), self.read_line())
        self.stack.append(arguments)
        self.call()

    def object(self) -> None:
        """OBJ: a global and its arguments since the mark."""
        function, *arguments = self.pop_to_mark()
        self.stack += [function, tuple(arguments)]
        self.call()

    def refuse_extension(self, code: int) -> None:
        raise refusal(self.label, f"entry {code} of Python's registry of pickle extensions")

    def call(self, keywords: bool = False) -> None:
        """REDUCE, NEWOBJ: call a stand-in."""
        named = self.stack.pop() if keywords else {}
        arguments, function = self.stack.pop(), self.stack.pop()
        if not isinstance(function, Global) or type(arguments) is not tuple or type(named) is not dict:
            raise UnsafeCheckpointError(f"{self.label} asks to call what is no function; it was not opened")
        for values in ((arguments, named), arguments, named.values()):
            self.charge(values)
        self.push(function.call(*arguments, **named))

    def charge(self, values: Iterable[Any]) -> None:
        """Count what a call is given. Data that is used once can't be larger than the stream."""
        self.given -= sum(len(each) for each in values if isinstance(each, SIZED) and len(each) > LARGE)
        if self.given < 0:
            raise CheckpointError(f"{self.label} is damaged: it uses the same data again and again")

    def build(self) -> None:
        state = self.stack.pop()
        if not isinstance(self.stack[-1], Stateful):
            kind = type(self.stack[-1]).__name__
            raise UnsafeCheckpointError(f"{self.label} asks to alter a {kind} from inside; it was not opened")
        self.stack[-1].set_state(state)

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise TypeError("items outside a dictionary")
        target.update(zip(map(check_key, items[::2]), items[1::2], strict=True))

    def append(self, items: list[Any]) -> None:
        if type(self.stack[-1]) is not list:
            raise TypeError("elements outside a list")
        self.stack[-1].extend(items)

    def add_to_set(self) -> None:
        items = self.pop_to_mark()
        if type(self.stack[-1]) is not set:
            raise TypeError("elements outside a set")
        self.stack[-1].update(map(check_key, items))

    def persistent_id(self, pid: Any) -> None:
        if self.persistent is None:
            raise UnsafeCheckpointError(f"{self.label} refers to data outside itself; it was not opened")
        self.push(self.persistent(pid))

    def tuple_of(self, count: int) -> None:
        items = tuple(self.stack[-count:])
        if len(items) != count:
            raise IndexError("stack is empty")
        self.stack[-count:] = [items]


def refusal(label: str, name: str) -> UnsafeCheckpointError:
    """The error for a file that names something to run."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in name[:200])
    module, dot, rest = shown.partition(".")
    if dot and module in FAMILIAR:
        shown = f"{FAMILIAR[module]}.{rest} ({shown})"
    return UnsafeCheckpointError(
        f"{label} asks to run {shown}, which a file of weights never needs; it was not opened"
    )


def check_key(key: Any) -> Any:
    """Hashing nested tuples can take exponential time, so keys are plain."""
    if not isinstance(key, SCALARS):
        raise TypeError(f"a {type(key).__name__} as a key")
    return key


def _line_integer(machine: Machine) -> int | bool:
    text = machine.read_line()
    return {"00": False, "01": True}[text] if text in ("00", "01") else int(text.removesuffix("L"))


def _quoted(machine: Machine) -> str:
    text = machine.read_line()
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "'\"":
        raise ValueError("a string without quotes")
    return text[1:-1].encode("latin-1").decode("unicode_escape")


def _sized(layout: str, decode: Callable[[bytes], Any]) -> Callable[[Machine], None]:
    return lambda m: m.push(decode(m.read(m.number(layout))))


def _long(layout: str, decode: Callable[[bytes], Any]) -> Callable[[Machine], None]:
    return lambda m: m.push(m.read_long(m.number(layout), decode))


def _value(make: Callable[[Machine], Any]) -> Callable[[Machine], None]:
    return lambda m: m.push(make(m))


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _latin1(data: bytes) -> str:
    # Python 2 kept binary data in such strings; latin-1 keeps every byte.
    return data.decode("latin-1")


def _signed(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _nothing(machine: Machine) -> None:
    """PROTO and FRAME only announce what the stream shows anyway; their argument is read by the caller."""


def _store(machine: Machine, slot: int) -> None:
    machine.memo[slot] = machine.stack[-1]


def _dictionary(machine: Machine) -> None:
    items = machine.pop_to_mark()
    machine.push({})
    machine.set_items(items)


# Every opcode but NEXT_BUFFER and READONLY_BUFFER, which need a second stream.
OPCODES: dict[bytes, Callable[[Machine], None]] = {
    b"\x80": lambda m: _nothing(m.number("<B")),
    b"\x95": lambda m: _nothing(m.number("<Q")),
    b"(": lambda m: m.push(MARK),
    b"0": lambda m: m.stack.pop(),
    b"1": lambda m: m.pop_to_mark(),
    b"2": lambda m: m.push(m.stack[-1]),
    # constants and numbers
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"I": _value(_line_integer),
    b"L": _value(_line_integer),
    b"J": _value(lambda m: m.number("<i")),
    b"K": _value(lambda m: m.number("<B")),
    b"M": _value(lambda m: m.number("<H")),
    b"\x8a": _sized("<B", _signed),
    b"\x8b": _sized("<i", _signed),
    b"F": _value(lambda m: float(m.read_line())),
    b"G": _value(lambda m: m.number(">d")),
    # text and bytes
    b"S": _value(_quoted),
    b"T": _long("<i", _latin1),
    b"U": _sized("<B", _latin1),
    b"V": _value(lambda m: m.read_line("raw_unicode_escape")),
    b"X": _sized("<I", _utf8),
    b"\x8c": _sized("<B", _utf8),
    b"\x8d": _sized("<Q", _utf8),
    b"B": _long("<I", bytes),
    b"C": _sized("<B", bytes),
    b"\x8e": _long("<Q", bytes),
    b"\x96": _sized("<Q", bytes),
    # containers
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.pop_to_mark()),
    b"a": lambda m: m.append([m.stack.pop()]),
    b"e": lambda m: m.append(m.pop_to_mark()),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.pop_to_mark())),
    b"\x85": lambda m: m.tuple_of(1),
    b"\x86": lambda m: m.tuple_of(2),
    b"\x87": lambda m: m.tuple_of(3),
    b"}": lambda m: m.push({}),
    b"d": _dictionary,
    b"s": lambda m: m.set_items([m.stack.pop(-2), m.stack.pop()]),
    b"u": lambda m: m.set_items(m.pop_to_mark()),
    b"\x8f": lambda m: m.push(set()),
    b"\x90": lambda m: m.add_to_set(),
    b"\x91": lambda m: m.push(frozenset(map(check_key, m.pop_to_mark()))),
    # memo
    b"g": _value(lambda m: m.memo[int(m.read_line())]),
    b"h": _value(lambda m: m.memo[m.number("<B")]),
    b"j": _value(lambda m: m.memo[m.number("<I")]),
    b"p": lambda m: _store(m, int(m.read_line())),
    b"q": lambda m: _store(m, m.number("<B")),
    b"r": lambda m: _store(m, m.number("<I")),
    b"\x94": lambda m: _store(m, len(m.memo)),
    # calls, all of them through the allow-list
    b"c": lambda m: m.push_global(m.read_line(), m.read_line()),
    b"\x93": lambda m: m.push_global(m.stack.pop(-2), m.stack.pop()),
    b"R": lambda m: m.call(),
    b"\x81": lambda m: m.call(),
    b"\x92": lambda m: m.call(keywords=True),
    b"b": lambda m: m.build(),
    b"i": lambda m: m.instance(),
    b"o": lambda m: m.object(),
    b"\x82": lambda m: m.refuse_extension(m.number("<B")),
    b"\x83": lambda m: m.refuse_extension(m.number("<H")),
    b"\x84": lambda m: m.refuse_extension(m.number("<i")),
    # data kept elsewhere
    b"P": lambda m: m.persistent_id(m.read_line()),
    b"Q": lambda m: m.persistent_id(m.stack.pop()),
}
