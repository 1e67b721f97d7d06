"""Train three tiny chat models from scratch, on data this package makes itself."""
