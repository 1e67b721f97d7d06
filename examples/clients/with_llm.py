"""`llm` at the bundled server: a question, a second one after it, and an answer in a form.

pip install llm
python -m examples.clients.with_llm
python -m examples.clients.with_llm http://127.0.0.1:11434

What is written to a file here is what `llm` wants in its own folder (`dirname "$(llm logs path)"`);
then `llm -m sage "What is 17 + 25?"` works in any shell.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import llm
from pydantic import BaseModel, Field

from examples.clients.server import MODEL, server


class Sum(BaseModel):
    """The grammar sees to the form; whether it is right is up to the model."""

    total: int = Field(ge=0, le=999)


def main(url: str | None = None) -> None:
    with server(url) as address, tempfile.TemporaryDirectory() as folder:
        register(Path(folder), address)
        model = llm.get_model("sage")
        talk = model.conversation()
        for question in ("What is 17 + 25?", "What is the capital of Japan?"):
            print("".join(talk.prompt(question, temperature=0)))
        form = json.loads(model.prompt("What is 17 + 25?", schema=Sum, temperature=0).text())
        print(f"in a form: {Sum.model_validate(form)!r}")


def register(folder: Path, address: str) -> None:
    """Tells `llm` of the server. JSON is YAML too."""
    entry = {"model_id": "sage", "model_name": MODEL, "api_base": f"{address}/v1"}
    able = {"supports_schema": True, "supports_tools": True}
    (folder / "extra-openai-models.yaml").write_text(json.dumps([{**entry, **able}]))
    os.environ["LLM_USER_PATH"] = str(folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
