"""What a streamed token costs the client: the parts of `benchmarks/client.py`."""
