"""The window's process: Qt, one timer, and a link to the core. It owns no telemetry and survives its core."""
