"""The tools as a server of the Model Context Protocol, over whatever carries it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from importlib import metadata
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)

from council.errors import CouncilError
from council.gateway.markup import clean
from council.gateway.schema import PanelList
from council.mcp.arguments import AskArguments, ExplainArguments, ListArguments
from council.mcp.progress import Report
from council.mcp.tools import Caller, Given, PanelTools, ToolFailed
from council.mcp.views import Answered, Explained
from council.strategies import STRATEGIES

OWNER = "council.owner"
"""Where a request that came over HTTP has the name of its key."""

INSTRUCTIONS = """\
A panel of language models answers a question as one, and says how far its experts agree. Ask one \
where a second opinion is worth the time: it takes seconds to minutes. The experts see nothing of \
this conversation, so the question has to hold what they need. An answer may be `degraded`: then \
some experts are missing, and `reasons` says which. `agreement` is a fact about the panel and not \
the chance that it is right; mention dissent where it matters. explain_run tells votes, rounds, \
rankings and what each expert said."""

Call = Callable[[Mapping[str, Any] | None, Caller], Awaitable[Given]]


def build_server(tools: PanelTools) -> Server[Any]:
    """The server of some tools; somebody else opens and closes the panels."""
    offered = offers(tools)

    async def list_tools(
        context: ServerRequestContext[Any], params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=offered)

    return Server(
        "council",
        title="council: a panel of language models",
        version=metadata.version("council"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=_Calls(tools),
    )


def offers(tools: PanelTools) -> list[Tool]:
    """The tools as clients are shown them."""
    return [_ask_offer(tools), _explain_offer(), _list_offer()]


class _Calls:
    """Calls a tool by its name."""

    def __init__(self, tools: PanelTools) -> None:
        self._by_name: dict[str, Call] = {
            "ask_panel": tools.ask,
            "explain_run": tools.explain,
            "list_panels": tools.list,
        }

    async def __call__(
        self, context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        call = self._by_name.get(params.name)
        if call is None:
            known = ", ".join(self._by_name)
            raise MCPError(INVALID_PARAMS, f"no tool {params.name[:64]!r}: there are {known}")
        try:
            given = await call(params.arguments, _caller(context))
        except (CouncilError, ToolFailed) as error:
            return CallToolResult(
                content=[TextContent(type="text", text=clean(str(error)))], is_error=True
            )
        return _result(given)


def _ask_offer(tools: PanelTools) -> Tool:
    panels = ", ".join(f"{panel.name} ({panel.description})" for panel in tools.panels.all)
    return Tool(
        name="ask_panel",
        title="Ask a panel",
        description=f"Asks a panel of language models and gives the one answer that they come"
        f" to, with how far they agree and who dissents. Panels: {panels}.",
        input_schema=_asking_schema(tools),
        output_schema=Answered.model_json_schema(mode="serialization"),
        annotations=_looks_only(open_world=True),
    )


def _explain_offer() -> Tool:
    return Tool(
        name="explain_run",
        title="Explain an answer",
        description="Tells how a panel came to an answer: votes, dissent, rankings, rounds of"
        " a debate and who changed, who failed and why, and what each expert said.",
        input_schema=ExplainArguments.schema_for(),
        output_schema=Explained.model_json_schema(mode="serialization"),
        annotations=_looks_only(open_world=False),
    )


def _list_offer() -> Tool:
    return Tool(
        name="list_panels",
        title="List the panels",
        description="Tells which panels can be asked, and who sits on them.",
        input_schema=ListArguments.schema_for(),
        output_schema=PanelList.model_json_schema(mode="serialization"),
        annotations=_looks_only(open_world=False),
    )


def _asking_schema(tools: PanelTools) -> dict[str, Any]:
    names = tools.panels.names
    schema = AskArguments.schema_for(panel=names, strategy=sorted(STRATEGIES))
    if len(names) > 1:
        schema["required"] = [*schema["required"], "panel"]
    return schema


def _looks_only(*, open_world: bool) -> ToolAnnotations:
    return ToolAnnotations(
        read_only_hint=True,
        destructive_hint=False,
        idempotent_hint=False,
        open_world_hint=open_world,
    )


def _caller(context: ServerRequestContext[Any]) -> Caller:
    async def tell(report: Report) -> None:
        await context.session.report_progress(report.value, report.total, report.message)

    # The request is there where the protocol comes over HTTP.
    scope = getattr(context.request, "scope", {})
    return Caller(tell, str(scope.get(OWNER, "")))


def _result(given: Given) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text) for text in given.texts],
        structured_content=given.data.model_dump(mode="json"),
    )
