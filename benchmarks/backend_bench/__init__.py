"""What serving a model costs: the parts of `benchmarks/backend.py`."""
