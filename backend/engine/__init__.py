"""Running models: a worker process for each one, and what happens inside it.

Between the processes: ``messages`` and ``frames``. Server side, bottom up: ``generation`` (one
request in flight), ``inflight`` (all of a model), ``child`` (one life of a worker process),
``supervisor`` (keeps a model alive). Worker side: ``scheduler`` and its parts (pure policy),
``llama`` (the only package that imports llama.cpp), ``shelf`` and ``session_cache`` (long prompts
on disk), ``loop`` and ``embed_loop`` (the owner threads), ``intake`` (the reader thread) and
``worker`` (the process).
"""
