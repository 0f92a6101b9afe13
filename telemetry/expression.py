"""The language of derived channels: from text to a tree. Nothing of it is ever handed to Python's own evaluation.

    or  and  not  == != < <= > >=  + -  * /  - (sign)  **

bind from loosely to tightly. Names are channels: ``battery_voltage``, or quoted with their path, ``'eps/battery
voltage'``. ``telemetry.formula`` says what each function gives.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from telemetry.clock import SECOND

LONGEST = 1000
"""Characters of an expression."""
DEEPEST = 40
"""Levels of its tree; parentheses count as one each."""
LONGEST_SPAN = 3600 * SECOND
"""What ``mean`` may reach back, microseconds."""
FUNCTIONS = {
    "abs": (1, 1),
    "sqrt": (1, 1),
    "exp": (1, 1),
    "log": (1, 1),
    "sin": (1, 1),
    "cos": (1, 1),
    "atan2": (2, 2),
    "hypot": (2, 2),
    "min": (2, 8),
    "max": (2, 8),
    "clip": (3, 3),
    "where": (3, 3),
    "previous": (1, 1),
    "rate": (1, 1),
    "mean": (2, 2),
}
"""Names of functions, and the fewest and most arguments of each."""
_UNITS = {"ms": SECOND // 1000, "s": SECOND, "min": 60 * SECOND, "h": 3600 * SECOND}
_TOKEN = re.compile(
    r"""\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<quoted>'[^']+'|"[^"]+")"""
    r"""|(?P<sign>\*\*|==|!=|<=|>=|[-+*/<>(),]))"""
)
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_WORDS = ("and", "or", "not")


class ExpressionError(ValueError):
    """An expression cannot be read; the text is a sentence without a full stop, ``column`` counts from 1."""

    def __init__(self, sentence: str, column: int) -> None:
        super().__init__(f"column {column}: {sentence}")
        self.column = column


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Name:
    """A channel, as it was written, and where."""

    text: str
    column: int


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator or a function (``neg`` is the sign) of its arguments; ``span`` microseconds belongs to ``mean``."""

    function: str
    arguments: tuple[Node, ...]
    span: int = 0


Node = Number | Name | Apply


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    column: int


def parse(text: str) -> Node:
    """The tree of an expression. Raises ExpressionError."""
    if len(text) > LONGEST:
        raise ExpressionError(f"an expression may have {LONGEST:,} characters, this one has {len(text):,}", LONGEST + 1)
    parser = _Parser(_tokens(text))
    root = parser.disjunction()
    parser.end()
    return root


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            column = at + len(text[at:]) - len(text[at:].lstrip()) + 1
            what = text[column - 1]
            cure = "a quote is not closed" if what in "'\"" else f"'{what}' has no meaning here"
            raise ExpressionError(cure, column)
        tokens.append(_Token(found.lastgroup, found[found.lastgroup], found.start(found.lastgroup) + 1))
        at = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]


class _Parser:
    """Recursive descent, a method a level of binding."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._inside = 0
        self._depth: dict[int, int] = {}

    def end(self) -> None:
        token = self._now
        if token.kind != "end":
            raise ExpressionError(f"an operator is missing before '{token.text}'", token.column)

    def disjunction(self) -> Node:
        node = self._conjunction()
        while self._take("or"):
            node = self._apply("or", node, self._conjunction())
        return node

    def _conjunction(self) -> Node:
        node = self._negation()
        while self._take("and"):
            node = self._apply("and", node, self._negation())
        return node

    def _negation(self) -> Node:
        if self._take("not"):
            with _Level(self):
                return self._apply("not", self._negation())
        return self._comparison()

    def _comparison(self) -> Node:
        node = self._sum()
        found = self._take(*_COMPARISONS)
        if found is None:
            return node
        node = self._apply(found.text, node, self._sum())
        if self._now.text in _COMPARISONS and self._now.kind == "sign":
            raise ExpressionError("write two comparisons as a < b and b < c", self._now.column)
        return node

    def _sum(self) -> Node:
        node = self._product()
        while found := self._take("+", "-"):
            node = self._apply(found.text, node, self._product())
        return node

    def _product(self) -> Node:
        node = self._signed()
        while found := self._take("*", "/"):
            node = self._apply(found.text, node, self._signed())
        return node

    def _signed(self) -> Node:
        if found := self._take("-", "+"):
            with _Level(self):
                node = self._signed()
            return self._apply("neg", node) if found.text == "-" else node
        return self._power()

    def _power(self) -> Node:
        node = self._atom()
        if self._take("**"):
            with _Level(self):
                return self._apply("**", node, self._signed())
        return node

    def _atom(self) -> Node:
        token = self._now
        self._at += 1
        if token.kind == "number":
            return self._number(token)
        if token.kind == "quoted":
            return Name(token.text[1:-1], token.column)
        if token.kind == "name" and token.text not in _WORDS:
            return self._call(token) if self._now.text == "(" else Name(token.text, token.column)
        if token.text == "(":
            with _Level(self):
                node = self.disjunction()
            self._close()
            return node
        what = "the expression ends too early" if token.kind == "end" else f"a value is missing before '{token.text}'"
        raise ExpressionError(what, token.column)

    def _call(self, name: _Token) -> Node:
        if name.text not in FUNCTIONS:
            raise ExpressionError(f"there is no function '{name.text}'; there are {', '.join(FUNCTIONS)}", name.column)
        self._at += 1
        with _Level(self):
            arguments = [self.disjunction()]
            span = 0
            while self._take(","):
                if name.text == "mean" and len(arguments) == 1 and not span:
                    span = self._span()
                else:
                    arguments.append(self.disjunction())
        self._close()
        fewest, most = FUNCTIONS[name.text]
        given = len(arguments) + bool(span)
        if not fewest <= given <= most:
            takes = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise ExpressionError(f"{name.text} takes {takes} arguments, not {given}", name.column)
        return self._apply(name.text, *arguments, span=span)

    def _span(self) -> int:
        token = self._now
        if token.kind != "number":
            raise ExpressionError("mean takes a time, such as 60 s", token.column)
        self._at += 1
        value = self._number(token).value
        unit = self._now
        if unit.text not in _UNITS:
            raise ExpressionError(f"a time needs a unit: {', '.join(_UNITS)}", unit.column)
        self._at += 1
        span = value * _UNITS[unit.text]
        if not 1 <= span <= LONGEST_SPAN:
            raise ExpressionError("mean reaches back from 1 ms to 1 h", token.column)
        return int(span)

    def _number(self, token: _Token) -> Number:
        value = float(token.text)
        if not math.isfinite(value):
            raise ExpressionError(f"{token.text} is too large a number", token.column)
        return Number(value)

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> _Token | None:
        token = self._now
        if token.text not in texts or token.kind == "quoted":
            return None
        self._at += 1
        return token

    def _close(self) -> None:
        if not self._take(")"):
            raise ExpressionError("a ) is missing", self._now.column)

    def _apply(self, function: str, *arguments: Node, span: int = 0) -> Node:
        node = Apply(function, arguments, span)
        depth = self._depth[id(node)] = 1 + max(self._depth.get(id(one), 0) for one in arguments)
        self._check(depth)
        return node

    def _check(self, depth: int) -> None:
        if depth > DEEPEST:
            raise ExpressionError(f"an expression may be {DEEPEST} levels deep", self._now.column)

    def enter(self) -> None:
        """One level deeper."""
        self._inside += 1
        self._check(self._inside)

    def leave(self) -> None:
        """One level back."""
        self._inside -= 1


class _Level:
    """A level of the text that is being read."""

    def __init__(self, parser: _Parser) -> None:
        self._parser = parser

    def __enter__(self) -> None:
        self._parser.enter()

    def __exit__(self, *_: object) -> None:
        self._parser.leave()
