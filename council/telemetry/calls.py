"""One call of an expert as a span, with those of the tools it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from council.events import ExpertNotice, ToolCalled, ToolReturned
from council.telemetry import names
from council.telemetry.clock import nanoseconds


class Call:
    """A call under way.

    Args:
        tracer: Where the tools' spans come from.
        span: The call's.
        outer: The context that the call's span is in.
        content: Whether the tools' arguments and results may be told.
    """

    def __init__(self, tracer: Tracer, span: Span, outer: Context, *, content: bool) -> None:
        self.span = span
        self._tracer = tracer
        self._context = set_span_in_context(span, outer)
        self._content = content
        self._before: Context | None = None
        self._tools: dict[str, tuple[Span, int]] = {}

    def enter(self) -> None:
        """Makes the call's span the current one of the task that asks."""
        self._before = context.get_current()
        context.attach(self._context)

    def take(self, event: ExpertNotice | ToolCalled | ToolReturned, now: int) -> None:
        """Takes an event of the call, which happened at `now`, in nanoseconds since 1970."""
        match event:
            case ExpertNotice():
                self.span.add_event(names.EVENT_NOTICE, {names.NOTICE: event.kind}, now)
                if event.kind == "recorded":
                    self.span.set_attribute(names.RECORDED, True)
            case ToolCalled():
                self._tool(event, now)
            case ToolReturned():
                self._returned(event, now)

    def end(self, now: int, known: Mapping[str, Any]) -> None:
        """Ends the call's span, with its last attributes."""
        for tool, _ in self._tools.values():
            tool.set_attribute(names.STATUS, "cancelled")
            tool.end(now)
        self._tools.clear()
        self.span.set_attributes(dict(known))
        self.span.end(now)
        # Only where it began: whoever ends somebody else's call has a current span of its own.
        # Not by a token, which only the very context that it is from may use.
        if self._before is not None and trace.get_current_span() is self.span:
            context.attach(self._before)

    def _tool(self, event: ToolCalled, now: int) -> None:
        known = {
            names.OPERATION: "execute_tool",
            names.TOOL_NAME: event.name,
            names.TOOL_TYPE: "function",
            names.TOOL_CALL: event.id,
        }
        if self._content:
            known[names.TOOL_ARGUMENTS] = event.arguments
        name = f"execute_tool {event.name}"
        span = self._tracer.start_span(
            name, self._context, SpanKind.INTERNAL, known, start_time=now
        )
        self._tools[event.id] = (span, now)

    def _returned(self, event: ToolReturned, now: int) -> None:
        if event.id not in self._tools:
            return
        span, started = self._tools.pop(event.id)
        if self._content:
            span.set_attribute(names.TOOL_RESULT, event.result)
        if event.failed:
            span.set_attribute(names.ERROR, "tool")
            span.set_status(Status(StatusCode.ERROR))
        # Those that were called together are told together: each has its own duration.
        span.end(min(now, started + nanoseconds(event.seconds)))
