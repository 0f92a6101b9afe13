"""What one orbit does to a satellite: light, power, charge, heat, attitude. Pure functions, any thread.

The orbit repeats for ever, so its linear parts are solved exactly by a Fourier transform, and a moment of a run is
read from the solved orbit by interpolation: no state is carried, so no way of cutting a run can change it.
"""

from __future__ import annotations

import numpy as np

from simulator.orbit import Floats, Orbit

BUS = 28.0
"""Regulated bus, volts."""
HEATER = 0.55
"""Current of a heater that is on, amperes."""
HEATER_SHARE = 0.45
"""Share of the time in which the thermostat holds its heater on."""
_BASE, _IMAGER, _TRANSMITTER = 58.0, 14.0, 9.0  # watts
_CAPACITY = 8.0  # ampere hours
_CHARGE, _TAPER = 1.6, 900.0  # amperes at least; seconds in which a nearly full battery takes the rest


def lag(forcing: Floats, tau: float) -> Floats:
    """Periodic answer of a first-order lag (``tau`` in steps) to (n,) ``forcing`` that repeats for ever."""
    decay = np.exp(-1 / tau)
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(len(forcing)))
    return np.fft.irfft(np.fft.rfft(forcing) * (1 - decay) / (1 - decay * turn), len(forcing))


def solve_orbit(orbit: Orbit, rng: np.random.Generator) -> dict[str, Floats]:
    """The noise-free course of each channel (its path: (seconds,) values on a grid of one second)."""
    n = round(orbit.period)
    t = np.arange(n, dtype=np.float64)
    sun, imaging = orbit.sunlight(t), lag(orbit.imaging(t).astype(np.float64), 3)
    sending = lag(orbit.in_contact(t).astype(np.float64), 3)
    load = _BASE + _IMAGER * imaging + _TRANSMITTER * sending
    current, missing = _battery(sun, (load + HEATER_SHARE * HEATER * BUS) / BUS)
    return {
        **_power(orbit, t, sun, load, current, missing),
        **_heat(t / n, sun, imaging, sending, current, rng),
        **_attitude(t, n, rng),
        "comm/backlog": _backlog(imaging, sending),
        "payload/cooler_current": 0.9 + 0.02 * imaging,
        "obc/cpu_load": 24 + 16 * imaging + 10 * sending,
    }


def _battery(sun: Floats, load: Floats) -> tuple[Floats, Floats]:
    """Battery current in amperes (charging above 0) and the charge missing from full, ampere seconds."""
    current, missing = np.zeros(len(sun)), np.zeros(len(sun))
    gap = 0.0
    # A long night needs a quicker charge: what it takes must come back before the next one, with some to spare.
    quick = max(_CHARGE, 1.6 * float(((1 - sun) * load).sum() / sun.sum()))
    # Twice round: the second time begins where the first one ended. The taper is not linear, hence a loop.
    for _ in range(2):
        for i, (light, amperes) in enumerate(zip(sun.tolist(), load.tolist(), strict=True)):
            flow = light * min(quick, gap / _TAPER) - (1 - light) * amperes
            gap -= flow
            current[i], missing[i] = flow, gap
    return current, missing


def _power(orbit: Orbit, t: Floats, sun: Floats, load: Floats, current: Floats, missing: Floats) -> dict[str, Floats]:
    full = missing / (_CAPACITY * 3600)
    # The regulator draws from the panels what the bus and the charge need, no more.
    drawn = sun * (load / BUS + HEATER_SHARE * HEATER) + np.maximum(current, 0)
    share = 0.5 + 0.08 * np.sin(2 * np.pi * (t - 350) / orbit.period)
    return {
        "eps/battery_current": current,
        "eps/battery_charge": 99.8 * (1 - full),
        "eps/battery_voltage": 28.0 - 6.4 * full + 0.12 * current,
        "eps/array_current_y_plus": share * drawn,
        "eps/array_current_y_minus": (1 - share) * drawn,
        "eps/bus_power": load,
    }


def _heat(
    turn: Floats, sun: Floats, imaging: Floats, sending: Floats, current: Floats, rng: np.random.Generator
) -> dict[str, Floats]:
    tilt = 0.06 * np.sin(2 * np.pi * turn)
    bulk = lag(sun, 2400)
    heat = {
        "thermal/panel_y_plus_temperature": -32 + 80 * lag(sun * (1 + tilt), 420),
        "thermal/panel_y_minus_temperature": -36 + 80 * lag(sun * (1 - tilt), 460),
        "thermal/radiator_temperature": -1 + 4 * lag(sun, 1300) + 3 * lag(imaging, 900),
        "thermal/structure_temperature": 13 + 5 * bulk,
        "comm/transmitter_temperature": 22 + 3 * bulk + 12 * lag(sending, 240),
        "eps/battery_temperature": 13 + 3 * bulk + 0.5 * lag(current**2, 1500),
    }
    for wheel in (1, 2, 3):
        heat[f"aocs/wheel_{wheel}_temperature"] = rng.uniform(20, 24) + 4 * bulk
    return heat


def _attitude(t: Floats, n: int, rng: np.random.Generator) -> dict[str, Floats]:
    """Wheels that take up the orbit's torque, their friction, and the field that turns around the satellite."""
    swing = np.sin(2 * np.pi * (t - rng.uniform(300, 400)) / n)
    attitude = {"aocs/magnetometer_x": 24_000 * swing + 1_500 * np.sin(4 * np.pi * (t - 350) / n)}
    for wheel, sign in ((1, 1), (2, -1), (3, 1)):
        speed = sign * rng.uniform(1700, 2800) + rng.uniform(-400, 400) * swing
        attitude[f"aocs/wheel_{wheel}_speed"] = speed
        # Coulomb friction and a little that grows with the speed.
        attitude[f"aocs/wheel_{wheel}_current"] = rng.uniform(0.36, 0.44) + 8e-6 * np.abs(speed)
    # The fourth wheel idles around rest and crosses it every other minute.
    idle = 90 * np.sin(2 * np.pi * (24 * t / n + rng.random()))
    attitude["aocs/wheel_4_speed"] = idle
    attitude["aocs/wheel_4_current"] = 0.08 + 0.1 * np.tanh(np.abs(idle) / 12)
    return attitude


def _backlog(imaging: Floats, sending: Floats) -> Floats:
    """Megabytes on board: made by imaging, sent in contact, as much as was made in an orbit."""
    made = 0.25 * imaging
    sent = sending * (made.sum() / sending.sum())
    level: Floats = np.cumsum(made - sent)
    return level - float(level.min()) + 40
