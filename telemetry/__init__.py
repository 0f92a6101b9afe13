"""Telemetry arrives: what a channel and a frame are, where frames come from, the newest minutes in memory.

Knows nothing of the rest of the program.
"""

from telemetry.channel import Channel, ChannelType, Group, Limit, Quantity, Severity
from telemetry.frame import Column, Frame, Quality, Tick, Times
from telemetry.source import Category, Injected, ListSource, Mode, Origin, Source, SourceError

__all__ = [
    "Category",
    "Channel",
    "ChannelType",
    "Column",
    "Frame",
    "Group",
    "Injected",
    "Limit",
    "ListSource",
    "Mode",
    "Origin",
    "Quality",
    "Quantity",
    "Severity",
    "Source",
    "SourceError",
    "Tick",
    "Times",
]
