"""The DB plugin: assertions on PostgreSQL and SQLite."""

from __future__ import annotations

from orchestra_kit.model import ChannelType
from orchestra_kit.protocols.db.contract_validator import DbContractValidator
from orchestra_kit.protocols.db.step_executor import DbStepExecutor
from orchestra_kit.spi.protocol import ProtocolPlugin

plugin = ProtocolPlugin(
    channel_type=ChannelType.DB,
    make_executor=DbStepExecutor,
    contract_validator=DbContractValidator(),
    config_schema={
        "type": "object",
        "properties": {"parameters": {"type": "object"}},
        "additionalProperties": False,
    },
)
