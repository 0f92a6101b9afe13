"""The page Detection: what a satellite is judged by, and what the operator sets of it. GUI thread."""
