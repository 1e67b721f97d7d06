"""The command line of ``python -m backend``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
from collections.abc import Sequence

from backend.errors import StartupError, UsageError
from backend.model_arguments import add_model_arguments, read_options, with_loras
from backend.server import run
from backend.settings import (
    CTX,
    GPU_LAYERS,
    MODELS_MAX,
    PARALLEL,
    PORT,
    QUEUE,
    SESSION_TTL,
    SESSIONS,
    THREADS,
    Room,
    Settings,
    parse_size,
    parse_specs,
    require_files,
)
from serving.arguments import add_serving_arguments, read_serving_options
from serving.errors import OptionError
from serving.keys import new_secret

_KEYS = "COUNCIL_BACKEND_API_KEYS"

_EXAMPLES = """\
examples:
  python -m backend --model builtin:sage
  python -m backend --model builtin:sage --model builtin:atlas=geographer --port 0
  python -m backend --model builtin:sage --host 0.0.0.0 --api-keys-file keys.txt
  python -m backend --model ~/models/qwen3-4b-q4_k_m.gguf=qwen --ctx 16384 --parallel 4

python -m backend keys new prints a random key for such a file.
GET /health says which models are ready; POST /v1/chat/completions takes what OpenAI's API takes.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the server; returns the exit code."""
    arguments = sys.argv[1:] if argv is None else list(argv)
    if arguments == ["keys", "new"]:
        sys.stdout.write(new_secret() + "\n")
        return 0
    try:
        settings = parse(arguments)
        _require("llama_cpp")
        if not settings.exit_with_parent:
            # A panel's server goes on with the models there are: one expert less, not none.
            require_files(settings.models)
        run(settings)
    except (OptionError, UsageError) as error:
        return _fail(str(error), 2)
    except StartupError as error:
        return _fail(str(error), 1)
    return 0


def parse(argv: Sequence[str] | None = None) -> Settings:
    """Reads a command line.

    Raises:
        UsageError: A value is impossible.
        OptionError: The same, of what any server has.
    """
    options = _parser().parse_args(argv)
    return Settings(
        models=with_loras(parse_specs(options.model), options.lora),
        host=options.host,
        port=PORT.check(options.port),
        ctx=CTX.check(options.ctx),
        parallel=PARALLEL.check(options.parallel),
        threads=THREADS.check(options.threads),
        gpu_layers=GPU_LAYERS.check(options.gpu_layers),
        queue=QUEUE.check(options.queue),
        exit_with_parent=options.exit_with_parent,
        options=read_options(options, options.parallel),
        room=Room(
            models=MODELS_MAX.check(options.models_max),
            memory=parse_size("--models-max-memory", options.models_max_memory),
        ),
        sessions=SESSIONS.check(options.sessions),
        session_ttl=SESSION_TTL.check(options.session_ttl),
        serving=read_serving_options(options, os.environ, _KEYS),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backend",
        description="Serves GGUF models with an OpenAI-compatible API, each in its own process.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "--model",
        action="append",
        required=True,
        metavar="SPEC",
        help="PATH, PATH=ALIAS, builtin:NAME or builtin:NAME=ALIAS; may be repeated",
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: %(default)s)"
    )
    numbers = {
        "port": (11434, "port to listen on, 0 for any free one (default: %(default)s)"),
        "ctx": (4096, "tokens each model keeps, shared by its requests (default: %(default)s)"),
        "parallel": (8, "requests each model answers at the same time (default: %(default)s)"),
        "threads": (0, "CPU threads for each model (default: its share of the cores)"),
        "gpu-layers": (-1, "layers to put on a GPU where there is one (default: all)"),
        "queue": (256, "requests that may wait for each model (default: %(default)s)"),
        "models-max": (0, "models loaded at the same time, on demand (default: all, at once)"),
        "sessions": (1000, "conversations kept for clients, 0 for none (default: %(default)s)"),
        "session-ttl": (3600, "seconds until an unused one is forgotten (default: %(default)s)"),
    }
    for name, (default, text) in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=default, metavar="N", help=text)
    parser.add_argument(
        "--models-max-memory",
        default="0",
        metavar="SIZE",
        help="memory of the models loaded at the same time, such as 8G (default: no limit)",
    )
    parser.add_argument(
        "--exit-with-parent",
        action="store_true",
        help="end when standard input ends, as it does when the starting process is gone",
    )
    add_model_arguments(parser)
    add_serving_arguments(parser, _KEYS)
    return parser


def _require(module: str) -> None:
    if importlib.util.find_spec(module) is None:
        raise UsageError(
            f"{module} is not installed: run 'scripts/setup', or pip install '.[backend]' in"
            " council's folder"
        )


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"council-backend: {message}\n")
    return code
