"""The bundled local backend: an OpenAI-compatible server over llama.cpp.

Start it with ``python -m backend --model builtin:sage``. The package shares no code with
``council``: the two meet in JSON over HTTP.
"""
