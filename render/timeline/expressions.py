"""Expressions: `=0.7 + 0.1*sin(tau*u)`, compiled once and evaluated at every frame.

A preset may come from a stranger, so an expression is arithmetic and nothing else. The text is short, its
syntax tree is held against a list of allowed nodes before simpleeval (attribute access, strings and
containers removed) ever sees it, and every number in it is a float, so that no power can grow without end.
"""

from __future__ import annotations

import ast
import math
import operator
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

import simpleeval

from .clock import Clock
from .spelling import did_you_mean

MAX_TEXT = 400
MAX_NODES = 150
_EXAMPLE = "write for example =0.7 + 0.1*sin(tau*u)"

VARIABLES: dict[str, str] = {
    "t": "seconds since the start",
    "f": "frames since the start",
    "b": "beats since beat 0 (needs clip.bpm)",
    "u": "part of the clip, 0 to 1",
    "fps": "frames a second",
    "tau": "6.283…, a full turn",
    "pi": "3.141…, half a turn",
}


def _clamp(x: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(x, low), high)


def _lerp(start: float, end: float, part: float) -> float:
    return start + (end - start) * part


def _smoothstep(low: float, high: float, x: float) -> float:
    if low == high:
        return float(x >= high)
    part = _clamp((x - low) / (high - low))
    return part * part * (3 - 2 * part)


# name: (function, fewest arguments, most arguments)
FUNCTIONS: dict[str, tuple[Callable[..., float], int, int]] = {
    "sin": (math.sin, 1, 1),
    "cos": (math.cos, 1, 1),
    "tan": (math.tan, 1, 1),
    "sqrt": (math.sqrt, 1, 1),
    "exp": (math.exp, 1, 1),
    "log": (math.log, 1, 1),
    "abs": (abs, 1, 1),
    "min": (min, 2, 20),
    "max": (max, 2, 20),
    "floor": (lambda x: float(math.floor(x)), 1, 1),
    "ceil": (lambda x: float(math.ceil(x)), 1, 1),
    "round": (lambda x: float(math.floor(x + 0.5)), 1, 1),
    "clamp": (_clamp, 1, 3),
    "lerp": (_lerp, 3, 3),
    "smoothstep": (_smoothstep, 3, 3),
    "layer": (lambda position: 4 * 2 ** (position / 2), 1, 1),
}

_OPERATORS: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_STRUCTURE = (ast.Expr, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name)
_MARKS = (ast.And, ast.Or, ast.Load, *_OPERATORS)


@dataclass(frozen=True)
class Expression:
    """A checked expression, without the leading `=`; make one with `parse_expression`."""

    text: str

    @property
    def names(self) -> frozenset[str]:
        """The variables it reads."""
        return _compiled(self.text).names

    def evaluate(self, variables: Mapping[str, float]) -> float:
        """Its value.

        Raises:
            ValueError: it has no finite value there (a division by zero, the root of a negative number).
        """
        return _compiled(self.text).evaluate(variables)

    def __str__(self) -> str:
        return f"={self.text}"


def parse_expression(text: str) -> Expression:
    """The expression `text`, which may begin with `=`.

    Raises:
        ValueError: it is not arithmetic on the known names, or it is too long.
    """
    body = text.strip().removeprefix("=").strip()
    _compiled(body)
    return Expression(body)


class _Compiled:
    """A checked syntax tree with the evaluator that runs it."""

    def __init__(self, text: str) -> None:
        self.tree = _checked_tree(text)
        self.names = frozenset(
            node.id for node in ast.walk(self.tree) if isinstance(node, ast.Name) and node.id in VARIABLES
        )
        functions = {name: function for name, (function, _, _) in FUNCTIONS.items()}
        self._evaluator = simpleeval.SimpleEval(_OPERATORS, functions, {})
        for node_type in list(self._evaluator.nodes):
            if node_type not in (*_STRUCTURE, ast.Constant):
                del self._evaluator.nodes[node_type]
        self._lock = threading.Lock()  # the evaluator holds the variables of one moment

    def evaluate(self, variables: Mapping[str, float]) -> float:
        missing = self.names - variables.keys()
        if missing:
            raise ValueError(f"{min(missing)} has no value here")
        try:
            with self._lock:
                self._evaluator.names = variables
                value = float(self._evaluator.eval("", previously_parsed=self.tree))
        except ZeroDivisionError:
            raise ValueError("it divides by zero") from None
        except (OverflowError, ValueError):
            raise ValueError("it has no real, finite value") from None
        if not math.isfinite(value):
            raise ValueError("it has no real, finite value")
        return value


@lru_cache(maxsize=256)
def _compiled(text: str) -> _Compiled:
    return _Compiled(text)


def _checked_tree(text: str) -> ast.Expr:
    if not text:
        raise ValueError(f"the expression is empty; {_EXAMPLE}")
    if len(text) > MAX_TEXT:
        raise ValueError(f"the expression has {len(text)} characters; at most {MAX_TEXT}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text, mode="exec").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None)
        where = f" near character {column} of it" if column else ""
        raise ValueError(
            f"cannot read the expression{where}; write for example =0.7 + 0.1*sin(tau*u)"
        ) from None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ValueError("an expression is one formula, such as =0.7 + 0.1*sin(tau*u)")
    nodes = list(ast.walk(body[0]))
    if len(nodes) > MAX_NODES:
        raise ValueError(f"the expression has {len(nodes)} parts; at most {MAX_NODES}")
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        _check(node, id(node) in called)
    return body[0]


def _check(node: ast.AST, called: bool) -> None:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ValueError(f"an expression holds only numbers, not {node.value!r}")
        try:
            node.value = float(node.value)
        except OverflowError:
            raise ValueError("a number in the expression is too large") from None
    elif isinstance(node, ast.Name):
        _check_name(node.id, called)
    elif isinstance(node, ast.Call):
        _check_call(node)
    elif not isinstance(node, (*_STRUCTURE, *_MARKS)):
        raise ValueError(
            f"{_WORDS.get(type(node), 'this')} is not allowed in an expression; "
            "it is arithmetic with + - * / // % ** ( ) and comparisons"
        )


_WORDS: dict[type[ast.AST], str] = {
    ast.Attribute: "reading an attribute with a dot",
    ast.Subscript: "indexing with [ ]",
    ast.List: "a list",
    ast.Tuple: "a list",
    ast.Dict: "a mapping",
    ast.Set: "a mapping",
    ast.Lambda: "a function definition",
    ast.JoinedStr: "text",
    ast.BitXor: "^ (powers are written **)",
}


def _check_name(name: str, called: bool) -> None:
    known = FUNCTIONS if called else VARIABLES
    if name in known:
        return
    if called and name in VARIABLES:
        raise ValueError(f"{name} is a number, not a function; write {name}*(…) to multiply")
    if not called and name in FUNCTIONS:
        raise ValueError(f"{name} is a function; write {name}(…)")
    kind = "function" if called else "name"
    near = did_you_mean(name, known, limit=0)
    raise ValueError(f"unknown {kind} {name!r} in the expression{near or '; known: ' + ', '.join(known)}")


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name):
        raise ValueError(f"a function is called by its name; known: {', '.join(FUNCTIONS)}")
    if node.func.id not in FUNCTIONS:
        return  # the name itself is reported
    _, fewest, most = FUNCTIONS[node.func.id]
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise ValueError(f"{node.func.id} takes plain values, one after the other")
    if not fewest <= len(node.args) <= most:
        expected = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"{node.func.id} takes {expected} values, not {len(node.args)}")


@dataclass(frozen=True)
class ExpressionTrack:
    """An animated number given by an expression; has the face of a `Track`.

    Attributes:
        expression: the formula.
        clock: gives t, f, b, u and fps their meaning.
        convert: turns the formula's result into the track's number (a resolution into a position).
    """

    expression: Expression
    clock: Clock
    convert: Callable[[float], float] = float

    def value_at(self, seconds: float) -> float:
        """The value at `seconds`. Raises ValueError where the formula has no finite value."""
        seconds = float(seconds)
        variables = {
            "t": seconds,
            "f": self.clock.frames(seconds),
            "u": seconds / float(self.clock.duration),
            "fps": float(self.clock.frame_unit or self.clock.fps),
            "tau": math.tau,
            "pi": math.pi,
        }
        try:
            if "b" in self.expression.names:
                variables["b"] = self.clock.beats(seconds)
            return self.convert(self.expression.evaluate(variables))
        except ValueError as error:
            raise ValueError(f"{self.expression} at {seconds:.4g} s: {error}") from None

    @property
    def is_constant(self) -> bool:
        """Whether the formula reads no variable that changes."""
        return not self.expression.names & {"t", "f", "b", "u"}

    @property
    def first(self) -> float:
        """The value at the start of the clip."""
        return self.value_at(0)

    @property
    def last(self) -> float:
        """The value at the last frame."""
        return self.value_at(self.clock.seconds(self.clock.frame_count - 1))

    @property
    def minimum(self) -> float:
        """The lowest value at up to 241 frames spread over the clip."""
        return min(self._samples)

    @property
    def maximum(self) -> float:
        """The highest value at up to 241 frames spread over the clip."""
        return max(self._samples)

    @cached_property
    def _samples(self) -> tuple[float, ...]:
        last = self.clock.frame_count - 1
        frames = sorted({last * part // 240 for part in range(241)})
        return tuple(self.value_at(self.clock.seconds(frame_index)) for frame_index in frames)
