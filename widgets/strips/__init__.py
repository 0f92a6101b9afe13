"""Live strip charts: one numpy picture used as a ring, shown by one bare widget. All of it runs on the GUI thread.

``widget.Strips`` is the door. Only ``widget``, ``canvas``, ``screen``, ``heads``, ``overlay`` and ``pointer`` know of
Qt; the rest is plain numpy.
"""
