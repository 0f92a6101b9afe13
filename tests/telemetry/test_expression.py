"""The language of derived channels: what it means, what it refuses and where, and that it can do nothing else."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry.clock import SECOND
from telemetry.expression import DEEPEST, FUNCTIONS, LONGEST, ExpressionError, parse
from telemetry.formula import Formula


def result(text: str, **values: Any) -> list[float]:
    """An expression's results at 1 Hz."""
    n = len(next(iter(values.values()))) if values else 1
    columns = {name: np.asarray(column, dtype=np.float64) for name, column in values.items()}
    return [float(value) for value in Formula(text).compute(np.arange(n) * SECOND, columns)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("-2 ** 2", -4),
        ("2 ** -1", 0.5),
        ("2 ** 3 ** 2", 512),
        ("8 / 4 / 2", 1),
        ("7 - 2 - 1", 4),
        ("1.5e1 + .5", 15.5),
        ("1 < 2 and 2 != 3", 1),
        ("not 1 == 1 or 0", 0),
        ("min(3, 1, 2) + max(3, 1)", 4),
        ("clip(7, 0, 5)", 5),
        ("where(2 > 1, 10, 20)", 10),
        ("hypot(3, 4) + abs(-1) + sqrt(4) + exp(0) + log(1) + cos(0) + sin(0) + atan2(0, 1)", 10),
    ],
)
def test_operators_bind_and_functions_give_what_they_should(text: str, value: float) -> None:
    assert result(text) == [value]


@pytest.mark.parametrize("text", ["1 / 0", "sqrt(-1)", "log(0)", "exp(1000)", "(-8) ** 0.5", "10 ** 999", "1 / 0 < 1"])
def test_what_has_no_finite_value_has_none(text: str) -> None:
    assert math.isnan(result(text)[0])


def test_no_value_makes_none_whatever_is_done_with_it() -> None:
    gone = [np.nan, np.inf, 1.0]
    for text in ("x + 1", "x > 0", "not x", "x and 0", "max(x, 0)", "where(x, 1, 1)", "x == x"):
        assert np.isnan(result(text, x=gone)).tolist() == [True, True, False], text
    assert result("where(x > 1, x, 0 - x)", x=[1.0, 2.0]) == [-1.0, 2.0]


def test_functions_of_time_look_at_the_values_that_came() -> None:
    x = [1.0, np.nan, 4.0, 8.0]
    np.testing.assert_equal(result("previous(x)", x=x), [np.nan, 1.0, 1.0, 4.0])
    np.testing.assert_equal(result("rate(x)", x=x), [np.nan, np.nan, 1.5, 4.0])
    np.testing.assert_equal(result("mean(x, 3 s)", x=x), [1.0, 1.0, 2.5, 6.0])
    np.testing.assert_equal(result("mean(x, 1000 ms)", x=x), [1.0, np.nan, 4.0, 8.0])


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("", 1, "ends too early"),
        ("a +", 4, "ends too early"),
        ("a b", 3, "operator is missing"),
        ("(a", 3, ") is missing"),
        ("a * ) 2", 5, "value is missing before ')'"),
        ("a $ b", 3, "'$' has no meaning"),
        ("a + 'eps", 5, "quote is not closed"),
        ("open(a)", 1, "no function 'open'"),
        ("hypot(a)", 1, "takes 2 arguments, not 1"),
        ("mean(a)", 1, "takes 2 arguments"),
        ("mean(a, b)", 9, "takes a time"),
        ("mean(a, 60)", 11, "needs a unit"),
        ("mean(a, 2 h)", 9, "1 ms to 1 h"),
        ("a < b < c", 7, "a < b and b < c"),
        ("1e999", 1, "too large"),
        ("__import__", 0, ""),
        ("a.b", 2, "'.' has no meaning"),
        ("1 if a else 2", 3, "operator is missing"),
    ],
)
def test_an_error_names_its_column(text: str, column: int, words: str) -> None:
    if not column:
        assert [name.text for name in Formula(text).names] == [text]  # a channel's name like any other
        return
    with pytest.raises(ExpressionError, match=f"column {column}: ") as raised:
        parse(text)
    assert raised.value.column == column and words in str(raised.value)


@pytest.mark.parametrize("text", ["(" * 50 + "a" + ")" * 50, "-" * 50 + "a", "a" + "+a" * 60, "not " * 50 + "a"])
def test_what_is_too_deep_or_too_long_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError, match=f"{DEEPEST} levels"):
        parse(text)
    with pytest.raises(ExpressionError, match="characters"):
        parse("a" * (LONGEST + 1))


@settings(deadline=None)
@given(st.one_of(st.text(), st.text(alphabet="ab12.*/()<>=,-+ 'se", max_size=40)))
def test_any_text_is_read_or_refused_at_a_column(text: str) -> None:
    try:
        Formula(text)
    except ExpressionError as problem:
        assert 1 <= problem.column <= len(text) + 1


LEAVES = st.sampled_from(["a", "b", "'eps/c'", "0", "2", "1e300", ".5"])


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = ("+", "-", "*", "/", "**", "==", "!=", "<", "<=", ">", ">=", "and", "or")
    binary = st.builds(lambda a, sign, b: f"({a} {sign} {b})", inner, st.sampled_from(signs), inner)
    unary = st.builds(lambda sign, a: f"({sign} {a})", st.sampled_from(["-", "not", "+"]), inner)
    names = [name for name in FUNCTIONS if name != "mean"]
    called = st.builds(
        lambda name, args: f"{name}({', '.join(itertools.islice(itertools.cycle(args), FUNCTIONS[name][0]))})",
        st.sampled_from(names),
        st.lists(inner, min_size=1, max_size=3),
    )
    mean = st.builds(lambda a, n: f"mean({a}, {n} s)", inner, st.integers(1, 5))
    return st.one_of(binary, unary, called, mean)


EXPRESSIONS = st.recursive(LEAVES, deeper, max_leaves=8).filter(lambda text: len(text) <= LONGEST)
NUMBERS = st.one_of(st.floats(width=32), st.just(math.nan), st.integers(-3, 3).map(float))


@settings(deadline=None, max_examples=200)
@given(
    text=EXPRESSIONS,
    rows=st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=25),
    sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4),
)
def test_whatever_is_computed_is_finite_or_missing_and_the_same_however_it_is_cut(
    text: str, rows: list[tuple[float, float, float]], sizes: list[int]
) -> None:
    x = np.array(rows)
    times = np.arange(len(x)) * SECOND

    def compute(cut: list[int]) -> Any:
        formula, parts, at, turn = Formula(text), [], 0, 0
        while at < len(x):
            to = at + cut[turn % len(cut)]
            values = {name: x[at:to, i] for i, name in enumerate(("a", "b", "eps/c"))}
            parts.append(formula.compute(times[at:to], values))
            at, turn = to, turn + 1
        return np.concatenate(parts)

    whole = compute([len(x)])
    assert whole.dtype == np.float64 and whole.shape == times.shape and not np.isinf(whole).any()
    np.testing.assert_array_equal(compute(sizes), whole)
