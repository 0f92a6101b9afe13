"""Triton: servers that are found or started on this workstation, and the engine that scores with them.

``client`` is the door to a server, ``engine`` an engine over one, ``failover`` the engine that survives it. Importing
this loads no gRPC.
"""
