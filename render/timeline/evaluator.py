"""Two evaluators of one syntax tree: for one moment, and for an array of moments.

Both follow one rule: every step has a finite value, or the whole has none. Attribute access, text and
containers are removed from simpleeval; the tree was held against a list of nodes before.
"""

from __future__ import annotations

import ast
import math
import operator
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import simpleeval

from .functions import FUNCTIONS

Operator = Callable[..., Any]

PLAIN: dict[type[ast.AST], Operator] = {
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
_MANY: dict[type[ast.AST], str] = {  # NumPy's names
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.FloorDiv: "floor_divide",
    ast.Mod: "mod",
    ast.Pow: "power",
    ast.USub: "negative",
    ast.UAdd: "positive",
    ast.Not: "logical_not",
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.Eq: "equal",
    ast.NotEq: "not_equal",
}
_FORGETFUL = {"power", "logical_not", "less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}
_FORGETFUL |= {"smoothstep", "beat", "noise"}  # these may turn NaN into a number
_LOCK = threading.Lock()  # an evaluator holds the values of one formula at a time
STRUCTURE = (ast.Expr, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name)


def evaluate(tree: ast.Expr, values: Mapping[str, float]) -> float:
    """The value of a checked tree, given the values of its names.

    Raises:
        ValueError, ZeroDivisionError or OverflowError: a step has no finite value.
    """
    evaluator = _plain_evaluator()
    with _LOCK:
        evaluator.names = values
        return float(evaluator.eval("", previously_parsed=tree))


def evaluate_many(tree: ast.Expr, values: Mapping[str, Any]) -> Any:
    """The same for NumPy arrays and floats: an array, with NaN where a step has no finite value."""
    import numpy as np

    evaluator = _array_evaluator()
    with _LOCK, np.errstate(all="ignore"):
        evaluator.names = values
        return np.asarray(evaluator.eval("", previously_parsed=tree), dtype=float)


@lru_cache(maxsize=1)
def _plain_evaluator() -> simpleeval.SimpleEval:
    operators = {node: _finite(step) for node, step in PLAIN.items()}
    functions = {name: _finite(function.plain) for name, function in FUNCTIONS.items()}
    return _restricted(simpleeval.SimpleEval(operators, functions, {}))


@lru_cache(maxsize=1)
def _array_evaluator() -> simpleeval.SimpleEval:
    return _restricted(_ArrayEval(*_array_steps(), {}))


def _restricted(evaluator: simpleeval.SimpleEval) -> simpleeval.SimpleEval:
    for node_type in list(evaluator.nodes):
        if node_type not in (*STRUCTURE, ast.Constant):
            del evaluator.nodes[node_type]
    return evaluator


def _finite(step: Operator) -> Operator:
    def checked(*numbers: float) -> float:
        value = step(*numbers)
        if not math.isfinite(value):
            raise OverflowError
        return value

    return checked


def _array_steps() -> tuple[dict[type[ast.AST], Operator], dict[str, Operator]]:
    import numpy as np

    def finite(name: str, step: Operator) -> Operator:
        def checked(*numbers: Any) -> Any:
            value = np.asarray(step(*numbers), dtype=float)
            if name in _FORGETFUL:
                for number in numbers:
                    value = np.where(np.isnan(number), np.nan, value)
            return value if np.isfinite(value).all() else np.where(np.isfinite(value), value, np.nan)

        return checked

    def given_numpy(many: Operator) -> Operator:
        return lambda *numbers: many(np, *numbers)

    operators = {node: finite(name, getattr(np, name)) for node, name in _MANY.items()}
    functions = {name: finite(name, given_numpy(function.many)) for name, function in FUNCTIONS.items()}
    return operators, functions


class _ArrayEval(simpleeval.SimpleEval):
    """Choices between arrays: every branch is computed, and only the branch taken counts, NaN included."""

    def _eval_ifexp(self, node: ast.IfExp) -> Any:
        return _chosen(self._eval(node.test), self._eval(node.body), self._eval(node.orelse))

    def _eval_boolop(self, node: ast.BoolOp) -> Any:
        value = self._eval(node.values[0])
        for following in map(self._eval, node.values[1:]):
            both = isinstance(node.op, ast.And)
            value = _chosen(value, following, value) if both else _chosen(value, value, following)
        return value

    def _eval_compare(self, node: ast.Compare) -> Any:
        right = self._eval(node.left)
        value: Any = 1.0
        for operation, following in zip(node.ops, node.comparators, strict=True):
            left, right = right, self._eval(following)
            value = _chosen(value, self.operators[type(operation)](left, right), value)
        return value


def _chosen(test: Any, yes: Any, no: Any) -> Any:
    import numpy as np

    return np.where(np.isnan(test), np.nan, np.where(np.not_equal(test, 0), yes, no))
