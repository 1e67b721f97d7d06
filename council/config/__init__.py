"""Panel files: YAML and environment in, frozen models out. Nothing is built or started here."""

from council.config.backend import BackendConfig
from council.config.load import load_config, parse_config
from council.config.schema import (
    EmbedderConfig,
    EndpointConfig,
    ExpertConfig,
    LimitsConfig,
    PanelConfig,
    StrategyConfig,
    SynthesizerConfig,
    json_schema,
)

__all__ = [
    "BackendConfig",
    "EmbedderConfig",
    "EndpointConfig",
    "ExpertConfig",
    "LimitsConfig",
    "PanelConfig",
    "StrategyConfig",
    "SynthesizerConfig",
    "json_schema",
    "load_config",
    "parse_config",
]
