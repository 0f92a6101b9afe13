"""Speed, measured: ``make bench`` runs every benchmark and writes ``docs/benchmarks.md``. Never part of the tests."""
