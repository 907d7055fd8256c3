"""The closed sets of the domain. Names and values are the public contract."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    ORG_ADMIN = "ORG_ADMIN"
    TEST_DESIGNER = "TEST_DESIGNER"
    TEST_RUNNER = "TEST_RUNNER"
    VIEWER = "VIEWER"


class SourceType(StrEnum):
    BPMN = "BPMN"
    SEQUENCE = "SEQUENCE"


class ScenarioStatus(StrEnum):
    DRAFT = "DRAFT"
    PUBLISHED = "PUBLISHED"
    DEPRECATED = "DEPRECATED"


class StepKind(StrEnum):
    ACTION = "ACTION"
    ASSERTION = "ASSERTION"
    BARRIER = "BARRIER"


class ChannelType(StrEnum):
    HTTP_REST = "HTTP_REST"
    KAFKA = "KAFKA"
    GRPC = "GRPC"
    DB = "DB"
    QUEUE = "QUEUE"


class ActionMode(StrEnum):
    SYNC = "SYNC"
    FIRE_AND_FORGET = "FIRE_AND_FORGET"


class BarrierReaction(StrEnum):
    ABORT_RUN = "ABORT_RUN"
    ABORT_SUITE = "ABORT_SUITE"
    CONTINUE = "CONTINUE"


class Correlation(StrEnum):
    """How an ASSERTION knows that an effect belongs to its own run."""

    HEADER = "HEADER"
    KEY = "KEY"
    EXPRESSION = "EXPRESSION"
    DATA = "DATA"
    NONE = "NONE"


class ValueMatcherMode(StrEnum):
    EXACT = "EXACT"
    SUBSET = "SUBSET"
    CEL = "CEL"
    SCHEMA = "SCHEMA"


class DataScope(StrEnum):
    GLOBAL = "GLOBAL"
    SUITE = "SUITE"
    SCENARIO = "SCENARIO"


class DataOrigin(StrEnum):
    MANUAL = "MANUAL"
    AI_GENERATED = "AI_GENERATED"
    IMPORTED = "IMPORTED"


class RunMode(StrEnum):
    RUN_ALL_STEPS = "RUN_ALL_STEPS"
    STOP_ON_FIRST_FAILURE = "STOP_ON_FIRST_FAILURE"
    SINGLE_STEP = "SINGLE_STEP"
    FROM_STEP = "FROM_STEP"


class RunStatus(StrEnum):
    PENDING = "PENDING"
    QUEUED = "QUEUED"
    IN_PROGRESS = "IN_PROGRESS"
    PASSED = "PASSED"
    FAILED = "FAILED"
    FAILED_STUCK = "FAILED_STUCK"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"

    @property
    def terminal(self) -> bool:
        """True when a run in this status never changes again."""
        return self in TERMINAL_RUN_STATUSES


TERMINAL_RUN_STATUSES = frozenset(
    {RunStatus.PASSED, RunStatus.FAILED, RunStatus.FAILED_STUCK, RunStatus.CANCELLED, RunStatus.SKIPPED}
)


class SuiteRunStatus(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    PASSED = "PASSED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """True when a suite run in this status never changes again."""
        return self in (SuiteRunStatus.PASSED, SuiteRunStatus.FAILED, SuiteRunStatus.CANCELLED)


class StepStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    PASSED = "PASSED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    FLAKY = "FLAKY"


class Executor(StrEnum):
    """Which driver walks the plan of a run."""

    INLINE = "inline"
    NOTEBOOK = "notebook"


class ViolationType(StrEnum):
    HTTP_ERROR = "HTTP_ERROR"
    CONTRACT_VIOLATION = "CONTRACT_VIOLATION"
    BUSINESS_RULE_VIOLATION = "BUSINESS_RULE_VIOLATION"
    TIMEOUT = "TIMEOUT"
    VALIDATION_ERROR = "VALIDATION_ERROR"
    DB_ASSERTION_FAILED = "DB_ASSERTION_FAILED"
    KAFKA_MESSAGE_NOT_FOUND = "KAFKA_MESSAGE_NOT_FOUND"
    QUEUE_MESSAGE_NOT_FOUND = "QUEUE_MESSAGE_NOT_FOUND"
    GRPC_ERROR = "GRPC_ERROR"
    EXECUTION_ERROR = "EXECUTION_ERROR"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
