"""What a server on a network needs, whatever it answers: keys, rates, limits, an orderly end.

`gate.Gate` stands in front of a Quart app and knows nothing of what the app does: `backend` and
`council` both import this package, and it imports neither.
"""
