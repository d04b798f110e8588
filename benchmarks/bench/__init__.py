"""Everything that is measured, in one run, as one report: ``python -m benchmarks.bench``."""
