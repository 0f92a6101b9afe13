"""Models are learnt here: nominal telemetry in, ONNX models in Triton's layout out.

``python -m training`` makes the two reference models that ship. ``training.own`` teaches a model of the operator's own
telemetry, in a child process: what it and ``training.spans`` need is numpy, and torch is in that child only.
"""
