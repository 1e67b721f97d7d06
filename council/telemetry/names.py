"""The names of spans, attributes and metrics, as docs/observability.md lists them.

Those of `gen_ai`, `server` and `error` are OpenTelemetry's conventions for generative AI; what
these have no word for is under `council`.
"""

from __future__ import annotations

SCHEMA_URL = "https://opentelemetry.io/schemas/1.41.0"
"""The release of the conventions that the names are from."""

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
AGENT_NAME = "gen_ai.agent.name"
CONVERSATION = "gen_ai.conversation.id"
OUTPUT_TYPE = "gen_ai.output.type"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_TOP_P = "gen_ai.request.top_p"
REQUEST_TOP_K = "gen_ai.request.top_k"
REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty"
REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_STOP = "gen_ai.request.stop_sequences"
FINISH_REASONS = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
CACHED_TOKENS = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"
TOOL_NAME = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL = "gen_ai.tool.call.id"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
ADDRESS = "server.address"
PORT = "server.port"
ERROR = "error.type"

RUN = "council.run.id"
STRATEGY = "council.strategy"
DECIDED_BY = "council.decided_by"
STATUS = "council.status"
EXPERTS = "council.experts"
SEED = "council.seed"
TURN = "council.turn"
AGREEMENT = "council.agreement"
COST = "council.cost"
LIMITS = "council.limits_hit"
SAVED = "council.saved"
EXPERT = "council.expert"
SAMPLE = "council.sample"
STAGE = "council.stage"
RECORDED = "council.recorded"
ESTIMATED = "council.usage.estimated"
NOTICE = "council.notice"
ROUND = "council.round"
SIMILARITY = "council.similarity"
FLIPS = "council.flips"
FAILED = "council.failed"
STAND_IN = "council.stand_in"

OPERATION_DURATION = "gen_ai.client.operation.duration"
TOKEN_USAGE = "gen_ai.client.token.usage"
TIME_TO_FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
RUN_DURATION = "council.run.duration"
EXPERT_FAILURES = "council.expert.failures"
METRICS = (OPERATION_DURATION, TOKEN_USAGE, TIME_TO_FIRST_CHUNK, RUN_DURATION, EXPERT_FAILURES)

EVENT_NOTICE = "council.expert.notice"
EVENT_ROUND = "council.round.finished"
EVENT_CONVERGENCE = "council.convergence"
EVENT_STAND_IN = "council.strategy.stand_in"
EVENT_DISCARDED = "council.answer.discarded"
EVENTS = (EVENT_NOTICE, EVENT_ROUND, EVENT_CONVERGENCE, EVENT_STAND_IN, EVENT_DISCARDED)

_NO_ATTRIBUTES = {SCHEMA_URL, *METRICS, *EVENTS}
ATTRIBUTES = tuple(
    value
    for name, value in globals().items()
    if name.isupper() and isinstance(value, str) and value not in _NO_ATTRIBUTES
)
"""All attributes of spans, of their events and of metrics."""
