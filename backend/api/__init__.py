"""The routes: one module for each family, and what they share.

``body`` reads requests, ``failures`` makes every error response. A new family is a new module with
a ``routes`` function and one line in ``families``.
"""
