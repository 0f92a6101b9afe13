"""How well the application and each model find labelled events in recordings: ``perigee evaluate``.

``layout`` reads a folder, ``judging`` lets the program's own judge judge one channel, ``metrics`` and ``vus`` count,
``run`` spreads the channels over processes, ``result`` is the contract as types. No Qt.
"""
