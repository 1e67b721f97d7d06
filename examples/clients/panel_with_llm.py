"""`llm` in front of a panel: two questions, and the answers as they come.

pip install llm
python -m examples.clients.panel_with_llm
python -m examples.clients.panel_with_llm http://127.0.0.1:8000

What is written to a file here is what `llm` wants in its own folder (`dirname "$(llm logs path)"`);
then `llm -m panel "What is 17 + 25?"` works in any shell, and `llm chat -m panel`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import llm

from examples.clients.gateway import gateway


def main(url: str | None = None) -> None:
    with gateway(url) as address, tempfile.TemporaryDirectory() as folder:
        register(Path(folder), address)
        talk = llm.get_model("panel").conversation()
        for question in ("What is 17 + 25?", "What is the capital of Japan?"):
            for piece in talk.prompt(question):
                print(piece, end="", flush=True)
            print()


def register(folder: Path, address: str) -> None:
    """Tells `llm` of the panel. JSON is YAML too."""
    entry = {"model_id": "panel", "model_name": "panel", "api_base": f"{address}/v1"}
    (folder / "extra-openai-models.yaml").write_text(json.dumps([entry]))
    os.environ["LLM_USER_PATH"] = str(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
