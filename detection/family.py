"""Which channels are sisters: found from names and units alone. Pure functions, any thread.

Sisters differ only in an index, an axis or a letter: ``wheel_1_speed``, ``panel_x_plus``, ``Cell B voltage``, ``Vpx``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from telemetry import Channel

_SIGNS = {"+": "+", "plus": "+", "pos": "+", "positive": "+", "p": "+"}
_SIGN = r"(?P<sign>[+-]|plus|pos|positive|minus|neg|negative|[pmn])"
_AXIS, _BEGIN, _END = "(?P<axis>[xyz])", r"(?<![a-z0-9])", r"(?![a-z0-9])"
_FACES = (
    re.compile(f"{_BEGIN}{_SIGN}_?{_AXIS}{_END}"),
    re.compile(f"{_BEGIN}{_AXIS}_?{_SIGN}{_END}"),
    re.compile(f"(?<=[a-z0-9])(?P<sign>[+-]){_AXIS}{_END}"),
    # One letter says what is measured: Vpx, IX+.
    re.compile(f"(?<=/[vitp])(?P<sign>[pmn]){_AXIS}$"),
    re.compile(f"(?<=/[vitp]){_AXIS}(?P<sign>[+-])$"),
    re.compile(f"{_BEGIN}{_AXIS}{_END}(?P<sign>)"),
)
_INDEX = re.compile(rf"\d+|{_BEGIN}[a-h]{_END}")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")

_ALIKE = {"panel", "panels", "solar", "array", "arrays", "sa", "sp", "pv", "cell", "cells", "string", "strings"}
"""Words of what is built several times to do the same at once, whether it is wanted or not."""
_VOLTAGE = {"voltage", "volt", "volts", "v", "mv"}
_LIGHT = {"current", "currents", "curr", "i", "a", "ma", "amps", "power", "p", "w", "mw", "lux", "light", "sun"}
"""Words and units of what follows the angle of the light, as a voltage does not."""
_HEAT = {"temperature", "temperatures", "temp", "temps", "tmp", "thermistor", "t", "celsius", "kelvin", "deg_c", "degc"}
_UNITS = {"c", "°c", "ºc", "k", "f", "°f", "db", "dbm", "dbw", "dbi", "deg", "°", "rad", "mrad", "s", "ms", "us", "ns"}
_NO_ZERO = _HEAT | _UNITS | {"degrees", "angle", "phase", "time", "count", "counter"}
"""Words and units of what has no zero at which nothing is done: half of it is not less."""


@dataclass(frozen=True, slots=True)
class Name:
    """A channel's place among others.

    ``pattern`` is its path and unit with ``#`` or ``@`` for each token in which sisters may differ; without one it
    has sisters on other satellites only (``varies`` is False). ``sign`` and ``axis`` are those of the face or the
    component that it names, or empty. ``alike``: of what does the same at once; ``voltage`` and
    ``light``: what kind of quantity; ``measures``: half of it is half as much.
    """

    pattern: str
    varies: bool
    sign: str
    axis: str
    alike: bool
    voltage: bool
    light: bool
    measures: bool


def name_of(channel: Channel) -> Name | None:
    """The name of ``channel`` among its sisters; None for switches and codes, which have no size."""
    if channel.type in ("bool", "i4"):
        return None
    text = _CAMEL.sub("_", channel.name) if not re.fullmatch(r"[A-Za-z]{3}", channel.name) else channel.name
    text = re.sub(r"[^a-z0-9+-]+", "_", text.lower())
    text = f"{channel.subsystem.lower()}/{text}"
    sign = axis = ""
    for face in _FACES:
        if found := face.search(text):
            axis, sign = found["axis"], found["sign"] and _SIGNS.get(found["sign"], "-")
            text = f"{text[: found.start()]}@{text[found.end() :]}"
            break
    text = _INDEX.sub("#", text)
    unit = channel.unit.lower()
    words = {*re.findall(r"[a-z]+", text), unit}
    return Name(
        pattern=f"{text} {unit}",
        varies="@" in text or "#" in text,
        sign=sign,
        axis=axis,
        alike=bool(words & _ALIKE),
        voltage=bool(words & _VOLTAGE),
        light=bool(words & _LIGHT),
        measures=not words & _NO_ZERO,
    )
