"""Every kind of fault, and every nominal event that looks like one. Plain data, any thread.

Amounts are those of a small earth observation satellite. No kind at its own strength crosses a limit of its main
channel, unless it does so by its nature (``panel_dead``, ``dropouts``, ``spikes``): what a limit catches is no test.
"""

from __future__ import annotations

from simulator.faults import Effect, Form, Kind, Rise, Way
from simulator.physics import HEATER


def _drawn() -> tuple[Kind, ...]:
    wheels = (
        Kind(
            "wheel_bearing_friction",
            f"aocs/wheel_{n}_current",
            1,
            (Effect(f"aocs/wheel_{n}_temperature", 1.5, Form.SLOW), Effect("aocs/pointing_error", 0.006)),
        )
        for n in (1, 2, 3)
    )
    gyros = (Kind("gyro_bias", f"aocs/gyro_{axis}", 1, (Effect("aocs/pointing_error", 0.005),)) for axis in "xyz")
    cell = (Effect("eps/battery_voltage", -0.12), Effect("eps/battery_temperature", 0.8, Form.SLOW))
    short = (Effect("eps/cell_imbalance", 12.0), Effect("eps/battery_temperature", 1.0, Form.SLOW))
    return (
        *wheels,
        *gyros,
        Kind("battery_cell", "eps/cell_imbalance", 1, cell),
        Kind("transmitter_fade", "comm/beacon_power", -1, (Effect("comm/transmitter_temperature", 1.5, Form.SLOW),)),
        Kind("cooler_loss", "payload/ccd_temperature", 1),
        Kind("panel_drive_slip", "aocs/sun_angle", 1),
        Kind("clock_jump", "obc/gps_time_offset", 1, rise=Rise.STEP),
        Kind("cell_short", "eps/battery_voltage", -1, short, rise=Rise.STEP, strength=4.0),
    )


def _hidden() -> tuple[Kind, ...]:
    """Each moves a channel only to where it is at other times: wrong for what another channel says just then."""

    def kind(
        name: str,
        main: str,
        strength: float,
        others: tuple[Effect, ...] = (),
        rise: Rise = Rise.GENTLE,
        quantile: float | None = None,
        late: bool = False,
    ) -> Kind:
        level = 0.0 if quantile is None else None
        return Kind(name, main, -1, others, Way.TOWARD, rise, strength, None, level, quantile, late, hidden=True)

    # The regulator draws from the other panel what this one lacks, as far as that one goes.
    panel = Effect("eps/array_current_y_minus", -1.0, way=Way.MIRROR, quantile=0.99)
    tank = Effect("thermal/tank_temperature", 0.9, Form.SLOW, Way.TOWARD, quantile=0.05)
    return (
        kind("panel_degradation", "eps/array_current_y_plus", 0.4, (panel,), Rise.RAMP, late=True),
        # One of two elements: the thermostat calls without end for what the other one cannot give.
        Kind(
            "heater_element_open",
            "eps/heater_2_current",
            others=(tank,),
            way=Way.SET,
            rise=Rise.STEP,
            strength=None,
            amount=HEATER / 2,
            hidden=True,
        ),
        # It no longer coasts through rest: the current of full friction at every speed.
        kind("wheel_stiction", "aocs/wheel_4_current", 4.0, quantile=0.25),
        kind("charge_gauge_lag", "eps/battery_charge", 1.0, quantile=0.2),
        # Above all it lets through less at the end voltage. Nothing is to be seen without a current.
        Kind(
            "battery_resistance",
            "eps/battery_current",
            strength=None,
            amount=0.24,
            hidden=True,
            through="battery/resistance",
        ),
    )


def _others() -> tuple[Kind, ...]:
    dead = (
        Effect("eps/array_current_y_minus", -1.0, way=Way.MIRROR),
        # What is not drawn off as current stays in the panel as heat.
        Effect("thermal/panel_y_plus_temperature", 4.0, Form.SLOW),
    )
    heater = (Effect("eps/heater_2_current", HEATER, way=Way.SET),)
    halted = ("obc/mode", "obc/uptime", "comm/frame_counter")
    reset = tuple(Effect(path, 0, way=Way.SET) for path in halted)
    stuck = ("thermal/radiator_temperature", "aocs/gyro_x", "comm/beacon_power", "aocs/wheel_2_temperature")
    drifting = ("thermal/structure_temperature", "comm/transmitter_temperature", "eps/bus_voltage")
    return (
        Kind("panel_dead", "eps/array_current_y_plus", -1, dead, Way.TOWARD, Rise.STEP, None, level=0.0, late=True),
        # The thermostat has lost its heater: the tank leaves its cycle and grows warmer, until it is cut off.
        Kind("heater_stuck_on", "thermal/tank_temperature", 1, heater, Way.SETTLE, Rise.WARM),
        Kind("thermostat_drift", "thermal/tank_temperature", 1, rise=Rise.RAMP, strength=4.0),
        Kind("radiator_degradation", "thermal/radiator_temperature", 1, rise=Rise.RAMP),
        Kind("runaway_task", "obc/cpu_load", 1, (Effect("eps/bus_power", 1.5),), rise=Rise.STEP, strength=2.5),
        Kind("computer_reset", "obc/cpu_load", -1, reset, Way.TOWARD, Rise.STEP, None, level=3.0, late=True),
        Kind("clock_drift", "obc/gps_time_offset", -1, rise=Rise.RAMP),
        Kind("fuel_leak", "propulsion/tank_pressure", -1, rise=Rise.RAMP),
        *(Kind("slow_drift", path, 1, rise=Rise.RAMP) for path in drifting),
        *(Kind("sensor_stuck", path, 1, way=Way.HOLD, rise=Rise.STEP, strength=None) for path in stuck),
        *(Kind("spikes", p, 1, (), Way.SPIKE, Rise.STEP, 8.0) for p in ("eps/bus_voltage", "aocs/sun_angle")),
        *(
            Kind("dropouts", path, 1, (), Way.MISS, Rise.STEP, None)
            for path in ("eps/battery_voltage", "aocs/wheel_1_current", "thermal/radiator_temperature")
        ),
    )


def _nominal() -> tuple[Kind, ...]:
    def kind(name: str, main: str, amount: float, *others: Effect, way: Way = Way.ADD, late: bool = False) -> Kind:
        level = 0.0 if way is Way.TOWARD else None
        return Kind(name, main, 1, others, way, Rise.GENTLE, None, amount, level, late=late, nominal=True)

    return (
        kind(
            "manoeuvre",
            "aocs/gyro_x",
            0.007,
            Effect("aocs/wheel_1_speed", 220.0),
            Effect("aocs/wheel_1_current", 0.05),
            Effect("aocs/wheel_2_speed", -160.0),
            Effect("aocs/wheel_2_current", 0.04),
            Effect("aocs/pointing_error", 0.012),
            Effect("aocs/sun_angle", 2.5),
        ),
        kind(
            "wheel_unloading",
            "aocs/wheel_3_speed",
            -400.0,
            Effect("aocs/wheel_3_current", -0.03),
            Effect("aocs/magnetometer_x", 3000.0),  # the torque rods that take the momentum
        ),
        kind(
            "mode_change",
            "eps/bus_power",
            14.0,
            Effect("obc/mode", 2, way=Way.SET),  # imaging, out of its turn
            Effect("obc/cpu_load", 16.0),
            Effect("eps/battery_current", -0.5),
            Effect("thermal/radiator_temperature", 1.0, Form.SWELL),
            late=True,
        ),
        kind("calibration", "payload/ccd_temperature", 1.5, Effect("obc/cpu_load", 6.0)),
        kind(
            "eclipse_season",  # the first, short eclipse at a place of the orbit that had none
            "eps/array_current_y_plus",
            1.0,
            Effect("eps/array_current_y_minus", 1.0, way=Way.TOWARD, level=0.0),
            Effect("eps/battery_current", 2.0, way=Way.MIRROR),
            Effect("eps/battery_voltage", 0.24, way=Way.MIRROR),
            Effect("eps/battery_charge", -1.5, Form.SWELL),
            Effect("thermal/panel_y_plus_temperature", -14.0, Form.SWELL),
            Effect("thermal/panel_y_minus_temperature", -14.0, Form.SWELL),
            Effect("eps/eclipse", 1, way=Way.SET),
            Effect("obc/mode", 4, way=Way.SET),
            way=Way.TOWARD,
            late=True,
        ),
    )


DRAWN = _drawn()
"""What a simulation with one fault draws it from: what no limit catches, and what does not creep in."""
FAULTS = (*DRAWN, *_hidden(), *_others())
"""Every fault that a scenario may name; of those with the same name one is drawn."""
EVENTS = _nominal()
"""Nominal events that look odd."""


def names(kinds: tuple[Kind, ...]) -> tuple[str, ...]:
    """The name of each kind, once."""
    return tuple(dict.fromkeys(kind.name for kind in kinds))
