"""Live strip charts: one numpy picture used as a ring, shown by one bare widget.

Everything but ``widget``, ``heads``, ``overlay`` and ``pointer`` is plain numpy and knows nothing of Qt. All of it
runs on the GUI thread.
"""
