"""`orchestra tenant`: limits."""

from __future__ import annotations

import click

from orchestra_kit.cli.output import json_option, print_json


@click.group(name="tenant")
def command() -> None:
    """Show and set the limits of a tenant."""


@command.command()
@json_option
def show(as_json: bool) -> None:
    """Show the tenant worked in and its limits."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        tenant = workspace.stores.tenants.get_tenant(workspace.caller.tenant_id)
        if as_json:
            print_json(tenant.to_json())
            return
        click.echo(f"{tenant.id} '{tenant.name}'")
        for name, value in tenant.settings.to_json().items():
            click.echo(f"    {name}: {value}")


@command.command(name="set")
@click.option("--max-parallel-runs", type=click.IntRange(min=1))
@click.option("--max-scenarios", type=click.IntRange(min=1))
@click.option("--retention-days", type=click.IntRange(min=1))
@json_option
def set_(max_parallel_runs: int | None, max_scenarios: int | None, retention_days: int | None, as_json: bool) -> None:
    """Set limits; those not named stay as they are."""
    from orchestra_kit.app.workspace import open_workspace

    with open_workspace() as workspace:
        asked = {
            "max_parallel_runs": max_parallel_runs,
            "max_scenarios_per_tenant": max_scenarios,
            "default_run_retention_days": retention_days,
        }
        tenant = workspace.stores.tenants.get_tenant(workspace.caller.tenant_id)
        settings = tenant.settings.model_copy(
            update={name: value for name, value in asked.items() if value is not None}
        )
        changed = workspace.stores.tenants.set_settings(workspace.caller, settings)
        if as_json:
            print_json(changed.to_json())
        else:
            click.echo(", ".join(f"{name}: {value}" for name, value in changed.settings.to_json().items()))
