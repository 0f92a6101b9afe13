"""A simulation is played to somewhere: into a table, over a link, or nowhere, to see how fast it goes.

``windows`` puts the frames of all groups in order, ``files`` and ``links`` are where they go, ``impairments`` is what
may become of them on the way, ``play`` is the thread that does it. Knows neither the session nor the archive.
"""
