"""What a model's template is told besides the conversation, and whether it listens."""

from __future__ import annotations

from backend.chat.layer import thinks
from backend.chat.template import ChatTemplate
from backend.chat.wanted import Wanted
from backend.errors import InvalidRequest

_EFFORT = "reasoning_effort"


def refuse_unheard(template: ChatTemplate, wanted: Wanted) -> None:
    """Refuses what the model would pass over; what asks for nothing does no harm.

    Raises:
        InvalidRequest: Naming the field.
    """
    reasons = thinks(template)
    if wanted.thinking and not reasons:
        raise _unheard("enable_thinking", "this model does not reason before it answers")
    for name, value in wanted.template_arguments.items():
        if name == _EFFORT and (reasons or value == "none"):
            continue
        if value and not template.uses(name):
            field = _EFFORT if name == _EFFORT else f"chat_template_kwargs.{name[:64]}"
            raise _unheard(field, "the chat template of this model does not look at it")


def _unheard(field: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"{field}: {reason}.", param=field, code="unsupported_parameter")
