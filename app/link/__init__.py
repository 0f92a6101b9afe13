"""The local socket between a core and its clients: JSON headers, binary payloads, never pickle."""
