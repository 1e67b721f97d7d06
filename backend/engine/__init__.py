"""Running models: a worker process for each one, and what happens inside it.

Between the processes: ``messages`` and ``frames``. Server side, bottom up: ``generation`` (one
request in flight), ``child`` (one life of a worker process), ``supervisor`` (keeps a model alive).
Worker side: ``cells``, ``plan`` and ``scheduler`` (pure policy), ``llama`` (the only module that
imports llama.cpp), ``loop`` (drives both) and ``worker`` (the process).
"""
