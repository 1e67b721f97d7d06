"""Agents: whatever turns a `ChatRequest` into a stream of `ChatToken`s."""
