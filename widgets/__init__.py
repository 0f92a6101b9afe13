"""What is shown: Qt views that are handed values and emit intentions. GUI thread only.

No view reads a file, opens a socket or knows of an engine; each says what the operator asked for and leaves it to
its owner. What a view is handed is in ``model``, how values become words in ``text``, how things look in
``theme``.
"""
