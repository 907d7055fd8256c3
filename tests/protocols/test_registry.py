"""Finding protocol plugins."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from orchestra_kit.errors import DefinitionError
from orchestra_kit.model import ChannelType
from orchestra_kit.protocols import registry
from orchestra_kit.protocols.registry import load_plugins, read_plugins


def point(name, value):
    return EntryPoint(name=name, value=value, group=registry.GROUP)


def test_the_built_in_plugins_are_there_without_the_metadata_of_the_distribution():
    plugins = read_plugins([])
    assert plugins[ChannelType.HTTP_REST].spec_parser is not None
    assert plugins[ChannelType.DB].spec_parser is None
    assert set(load_plugins()) >= {ChannelType.HTTP_REST, ChannelType.DB}


def test_a_plugin_of_somebody_else_comes_through_the_same_door(monkeypatch, tmp_path):
    (tmp_path / "kafka_for_orchestra.py").write_text(
        "from orchestra_kit.protocols.db import plugin as db\n"
        "import dataclasses\n"
        "from orchestra_kit.model import ChannelType\n"
        "plugin = dataclasses.replace(db, channel_type=ChannelType.KAFKA)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert ChannelType.KAFKA in read_plugins([point("KAFKA", "kafka_for_orchestra:plugin")])


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import not_there_at_all", "ModuleNotFoundError"),
        ("raise RuntimeError('boom')", "boom"),
        ("plugin = 3", "not a ProtocolPlugin"),
        ("from orchestra_kit.protocols.db import plugin", "says it speaks DB"),
        ("x = 1", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_named_and_no_traceback_reaches_anybody(monkeypatch, tmp_path, source, said):
    (tmp_path / "broken_plugin.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)
    with pytest.raises(DefinitionError, match=r"'KAFKA'.*broken_plugin") as caught:
        read_plugins([point("KAFKA", "broken_plugin:plugin")])
    assert said in str(caught.value)
    monkeypatch.delitem(sys.modules, "broken_plugin", raising=False)


def test_two_plugins_for_one_protocol_are_refused(monkeypatch, tmp_path):
    (tmp_path / "other_db.py").write_text("from orchestra_kit.protocols.db import plugin")
    monkeypatch.syspath_prepend(tmp_path)
    points = [point("DB", "orchestra_kit.protocols.db:plugin"), point("DB", "other_db:plugin")]
    with pytest.raises(DefinitionError, match="two plugins claim the protocol DB"):
        read_plugins(points)


def test_loading_the_plugins_imports_nothing_heavy():
    code = (
        "import sys; from orchestra_kit.protocols.registry import load_plugins; load_plugins(); "
        "heavy = {'httpx', 'httpcore', 'openapi_core', 'sqlalchemy', 'psycopg', 'jsonschema', 'yaml', 'jsonschema_rs'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
