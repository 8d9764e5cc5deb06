"""Expressions: `=0.7 + 0.1*sin(tau*u)` or `=1 - blend.weight`, read once and evaluated at every frame.

A preset may come from a stranger, so an expression is arithmetic and nothing else. The text is short, its
syntax tree is held against a list of allowed nodes before the evaluator sees it, and every number in it is a
float, so that no power can grow without end. A dotted name is one name: nothing is read from anything.
"""

from __future__ import annotations

import ast
import keyword
import math
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from .evaluator import PLAIN, STRUCTURE, evaluate, evaluate_many
from .functions import FUNCTIONS, LEVELS, VARIABLES
from .spelling import did_you_mean

MAX_TEXT = 400
MAX_NODES = 150
MOST_TEXT, _EXTRA_TEXT = 20_000, 30  # characters of all formulas of a preset, and what each counts besides
_EXAMPLE = "write for example =0.7 + 0.1*sin(tau*u)"
_AUDIO = "audio"
_MARKS = (ast.And, ast.Or, ast.Load, *PLAIN)


@dataclass(frozen=True)
class Expression:
    """A checked expression, without the leading `=`; make one with `parse_expression`."""

    text: str

    @property
    def names(self) -> frozenset[str]:
        """The variables it reads: t, f, b, u, fps, tau, pi, and audio(low), audio(mid), audio(high)."""
        return self._compiled.names

    @property
    def references(self) -> frozenset[str]:
        """Every other name it reads: named numbers, and animated numbers by their dotted place."""
        return self._compiled.references

    @property
    def weight(self) -> int:
        """What one evaluation costs, in plain operations."""
        return self._compiled.weight

    def evaluate(self, values: Mapping[str, float]) -> float:
        """Its value, given the value of each name that it reads.

        Raises:
            ValueError: it has no finite value there (a division by zero, the root of a negative number).
        """
        return self._compiled.evaluate(values)

    def evaluate_many(self, values: Mapping[str, Any]) -> Any:
        """Its values, given numbers or NumPy arrays [N] for the names: an array [N] of float64, NaN where it
        has no finite value; an array without axes if it reads no array.
        """
        return self._compiled.evaluate_many(values)

    @cached_property
    def _compiled(self) -> _Compiled:
        return _compiled(self.text)

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)

    def __str__(self) -> str:
        return f"={self.text}"


def parse_expression(text: str) -> Expression:
    """The expression `text`, which may begin with `=`.

    Raises:
        ValueError: it is not arithmetic, calls something unknown, or is too long. Whether the names that it
            refers to exist is not known here.
    """
    body = text.strip().removeprefix("=").strip()
    _compiled(body)
    return Expression(body)


def check_amount(texts: Iterable[str]) -> None:
    """Refuses more formulas than a preset needs, before time is spent on reading them.

    Raises:
        ValueError: the formulas are too long together; each one counts once, and 30 characters more.
    """
    distinct = set(texts)
    total = sum(len(text) + _EXTRA_TEXT for text in distinct)
    if total > MOST_TEXT:
        raise ValueError(
            f"the {len(distinct)} formulas of this preset count {total:,} characters together "
            f"({_EXTRA_TEXT} more for each formula); at most {MOST_TEXT:,}"
        )


def variable_name(value: object) -> str:
    """`value` if a number of one's own may have that name: a word that formulas do not use already.

    Raises:
        ValueError: says what is wrong with the name.
    """
    if not isinstance(value, str) or not value.isascii() or not value.isidentifier() or value[0] == "_":
        raise ValueError(f"a name for formulas is one word of a-z, 0-9 and _ such as peak, not {value!r}")
    if value in VARIABLES or value in FUNCTIONS or value == _AUDIO or keyword.iskeyword(value):
        known = VARIABLES.get(value) or ("a function" if value in FUNCTIONS else "a word of formulas")
        raise ValueError(f"{value!r} has a meaning in formulas already ({known}); choose another name")
    return value


def unknown_name(name: str, others: Iterable[str] = ()) -> str:
    """The message for a formula that reads `name`; `others`: what it could read besides its variables."""
    if name in LEVELS.values():
        return f"{name} is how loud the clip's sound is: give clip.audio, for example audio: song.mp3"
    known = [*VARIABLES, *others]
    near = did_you_mean(name, known, limit=12)
    return f"unknown name {name!r} in the expression{near or '; known: ' + ', '.join(VARIABLES)}"


class _Compiled:
    """A checked syntax tree with what it reads and costs."""

    def __init__(self, text: str) -> None:
        self.tree, nodes = _checked_tree(text)
        called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
        read = {node.id for node in nodes if isinstance(node, ast.Name) and id(node) not in called}
        known = VARIABLES.keys() | LEVELS.keys()
        self.names, self.references = frozenset(read & known), frozenset(read - known)
        self.weight = sum(map(_weight, nodes))

    def evaluate(self, values: Mapping[str, float]) -> float:
        self._require(values)
        try:
            value = evaluate(self.tree, values)
        except ZeroDivisionError:
            raise ValueError("it divides by zero") from None
        except (OverflowError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise ValueError("it has no real, finite value")
        return value

    def evaluate_many(self, values: Mapping[str, Any]) -> Any:
        self._require(values)
        return evaluate_many(self.tree, values)

    def _require(self, values: Mapping[str, Any]) -> None:
        for name in sorted((self.names | self.references) - values.keys()):
            raise ValueError(unknown_name(name) if name in self.references else f"{name} has no value here")


@lru_cache(maxsize=1024)
def _compiled(text: str) -> _Compiled:
    return _Compiled(text)


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.Call):
        return FUNCTIONS[node.func.id].weight + len(node.args)
    if isinstance(node, ast.BinOp):
        return 3 if isinstance(node.op, ast.Pow | ast.Mod | ast.FloorDiv) else 1
    return 2 * len(node.ops) if isinstance(node, ast.Compare) else int(isinstance(node, ast.expr))


# --- what an expression may hold ----------------------------------------------------------------------------


def _checked_tree(text: str) -> tuple[ast.Expr, list[ast.AST]]:
    """The tree of `text` and all its nodes but the marks of where a name is read."""
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
        where += ": a bracket is not closed" if "never closed" in str(error) else ""
        raise ValueError(
            f"cannot read the expression{where}; write for example =0.7 + 0.1*sin(tau*u)"
        ) from None
    if len(body) != 1 or not isinstance(body[0], ast.Expr):
        raise ValueError("an expression is one formula, such as =0.7 + 0.1*sin(tau*u)")
    tree = body[0]
    nodes = _nodes(tree)
    if len(nodes) > MAX_NODES:
        raise ValueError(f"the expression has {len(nodes)} parts; at most {MAX_NODES}")
    if any(isinstance(node, ast.Attribute | ast.Subscript) or _is_audio(node) for node in nodes):
        tree = _Flattened().visit(tree)
        nodes = _nodes(tree)
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    for node in nodes:
        _check(node, id(node) in called)
    return tree, nodes


def _nodes(tree: ast.AST) -> list[ast.AST]:
    return [node for node in ast.walk(tree) if not isinstance(node, ast.expr_context)]


class _Flattened(ast.NodeTransformer):
    """Turns `blend.weight`, `latents.directions[0].strength` and `audio(low)` into one name each."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        text = _dotted(node)
        return node if text is None else ast.copy_location(ast.Name(text, ast.Load()), node)

    visit_Subscript = visit_Attribute  # noqa: N815

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _is_audio(node):
            bands = [getattr(argument, "id", None) for argument in node.args]
            if node.keywords or len(bands) != 1 or bands[0] not in LEVELS.values():
                raise ValueError(f"the loudness of the sound is {', '.join(LEVELS)}")
            return ast.copy_location(ast.Name(f"{_AUDIO}({bands[0]})", ast.Load()), node)
        node.args = [self.visit(argument) for argument in node.args]
        return node


def _is_audio(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", None) == _AUDIO


def _dotted(node: ast.expr) -> str | None:
    """The place that a chain of names and numbers in [ ] spells; None if it is anything else."""
    end = ""
    while not isinstance(node, ast.Name):
        if isinstance(node, ast.Attribute) and not node.attr.startswith("_"):
            end = f".{node.attr}{end}"
        elif isinstance(node, ast.Subscript) and type(getattr(node.slice, "value", None)) is int:
            end = f"[{node.slice.value}]{end}"
        else:
            return None
        node = node.value
    return None if node.id in VARIABLES or node.id in FUNCTIONS else f"{node.id}{end}"


def _check(node: ast.AST, called: bool) -> None:
    if isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float):
            raise ValueError(f"an expression holds only numbers, not {node.value!r}")
        try:
            node.value = float(node.value)
        except OverflowError:
            raise ValueError("a number in the expression is too large") from None
        if math.isinf(node.value):
            raise ValueError("a number in the expression is too large")
    elif isinstance(node, ast.Name):
        _check_name(node.id, called)
    elif isinstance(node, ast.Call):
        _check_call(node)
    elif not isinstance(node, (*STRUCTURE, *_MARKS)):
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
    if called and name in VARIABLES:
        raise ValueError(f"{name} is a number, not a function; write {name}*(…) to multiply")
    if not called and name in FUNCTIONS:
        raise ValueError(f"{name} is a function; write {name}(…)")
    if called and name not in FUNCTIONS:
        near = did_you_mean(name, FUNCTIONS, limit=0) or "; known: " + ", ".join(FUNCTIONS)
        raise ValueError(f"unknown function {name!r} in the expression{near}")


def _check_call(node: ast.Call) -> None:
    if not isinstance(node.func, ast.Name):
        raise ValueError(f"a function is called by its name; known: {', '.join(FUNCTIONS)}")
    if node.func.id not in FUNCTIONS:
        return  # the name itself is reported
    fewest, most = FUNCTIONS[node.func.id].fewest, FUNCTIONS[node.func.id].most
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise ValueError(f"{node.func.id} takes plain values, one after the other")
    if not fewest <= len(node.args) <= most:
        expected = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise ValueError(f"{node.func.id} takes {expected} values, not {len(node.args)}")
