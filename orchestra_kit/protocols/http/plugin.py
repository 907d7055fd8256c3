"""The HTTP_REST plugin: OpenAPI in, httpx out."""

from __future__ import annotations

from orchestra_kit.model import ChannelType
from orchestra_kit.protocols.http.contract_validator import HttpContractValidator
from orchestra_kit.protocols.http.endpoint_matcher import NameMatcher
from orchestra_kit.protocols.http.spec_parser import OpenApiParser
from orchestra_kit.spi.protocol import ProtocolPlugin, StepExecutor


def _make_executor() -> StepExecutor:
    # httpx costs 170 ms at import, which `orchestra --help` and `spec inspect` need not pay.
    from orchestra_kit.protocols.http.step_executor import HttpStepExecutor

    return HttpStepExecutor()


plugin = ProtocolPlugin(
    channel_type=ChannelType.HTTP_REST,
    make_executor=_make_executor,
    contract_validator=HttpContractValidator(),
    spec_parser=OpenApiParser(),
    endpoint_matcher=NameMatcher(),
    config_schema={
        "type": "object",
        "properties": {
            "path": {"type": "object"},
            "query": {"type": "object"},
            "headers": {"type": "object"},
            "cookies": {"type": "object"},
            "body": True,
            "contentType": {"type": "string"},
        },
        "additionalProperties": False,
    },
)
