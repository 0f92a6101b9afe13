"""The reference models are learnt here: nominal telemetry in, two small ONNX models in Triton's layout out.

``python -m training`` is the one command. torch is imported here and nowhere else on the way; nothing of the
window or the core imports this package.
"""
