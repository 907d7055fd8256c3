"""What follows a success or a failure: a retry policy where it is one, and what a straight scenario cannot say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus

from orchestra_kit.design.arazzo.cel import Unsaid
from orchestra_kit.design.arazzo.criteria import listed, statuses_meant
from orchestra_kit.design.arazzo.document import Action
from orchestra_kit.design.arazzo.scope import Scope
from orchestra_kit.model import RetryPolicy

Refuse = Callable[[Action, Unsaid], None]

MOST_RETRIES = 20
LONGEST_WAIT = 3600.0
_FAILURES = frozenset(int(item) for item in HTTPStatus if item >= 400)


def effective(own: Iterable[Action], shared: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions of a step: its own, then those of its workflow that it does not override by name."""
    mine = tuple(own)
    names = {item.name for item in mine}
    return (*mine, *(item for item in shared if item.name not in names))


def check_success(actions: Sequence[Action], following: str | None, refuse: Refuse) -> None:
    """Refuse what leads elsewhere than to the next step."""
    for action in actions:
        onward = action.step_id is not None and action.step_id == following
        ends = action.kind == "end" and following is None
        if not (action.kind == "goto" and onward) and not ends:
            refuse(action, Unsaid(f"on success {action}: a scenario goes straight on.", code="CONTROL_FLOW"))


def retry_of(actions: Sequence[Action], scope: Scope, *, has_rules: bool, refuse: Refuse) -> RetryPolicy | None:
    """Return the retry policy of a step's failure actions; refuse what goes beyond one."""
    policy: RetryPolicy | None = None
    given_up: frozenset[int] = frozenset()
    for action in actions:
        if action.kind == "end":
            given_up |= _statuses(action, scope) or frozenset()
            continue  # the way of a scenario: it ends where a step fails
        if action.kind == "goto":
            refuse(action, Unsaid(f"on failure {action}: a scenario ends where a step fails.", code="CONTROL_FLOW"))
        elif policy is not None:
            refuse(action, Unsaid(f"on failure {action}: a step has one retry policy.", code="RETRY"))
        elif action.step_id or action.workflow_id:
            refuse(action, Unsaid(f"on failure {action}: nothing else runs before a retry.", code="RETRY"))
        else:
            policy = _policy(action, scope, given_up, has_rules=has_rules, refuse=refuse)
    return policy


def _policy(
    action: Action, scope: Scope, given_up: frozenset[int], *, has_rules: bool, refuse: Refuse
) -> RetryPolicy | None:
    statuses = _statuses(action, scope)
    if statuses is None and action.criteria:
        refuse(action, Unsaid(f"on failure {action}: a retry looks at the status alone.", code="RETRY"))
        return None
    limit = 1 if action.retry_limit is None else action.retry_limit
    after = RetryPolicy().retry_after if action.retry_after is None else action.retry_after
    if limit > MOST_RETRIES or after > LONGEST_WAIT:
        bounds = f"at most {MOST_RETRIES} retries, {LONGEST_WAIT:.0f} s apart"
        refuse(action, Unsaid(f"on failure {action}: {bounds}.", code="RETRY"))
    if statuses is None and has_rules:
        message = (
            f"on failure {action}: a step is tried again after a wrong status or no answer, not after a broken rule."
        )
        refuse(action, Unsaid(message, code="RETRY"))
    wanted = listed((_FAILURES if statuses is None else statuses) - given_up)
    return RetryPolicy(
        retry_limit=min(limit, MOST_RETRIES),
        retry_after=min(after, LONGEST_WAIT),
        back_off=1.0,
        max_retry_after=max(30.0, min(after, LONGEST_WAIT)),
        on_status=wanted,
        on_error=statuses is None,
    )


def _statuses(action: Action, scope: Scope) -> frozenset[int] | None:
    """Return the statuses the criteria of an action name, None when they are about anything else."""
    found: frozenset[int] | None = None
    for criterion in action.criteria:
        try:
            meant = statuses_meant(criterion, scope)
        except Unsaid:
            return None
        if meant is None:
            return None
        found = meant if found is None else found & meant
    return found
