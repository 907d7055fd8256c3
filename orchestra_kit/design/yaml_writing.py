"""Data as YAML that `yaml_reading` reads back as the same data, and that people like to read."""

from __future__ import annotations

import re
from typing import Any

import yaml

from orchestra_kit.design.yaml_reading import is_plain_text

_ODD = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters YAML changes or refuses unless they are escaped."""


class _Dumper(yaml.SafeDumper):
    """Quotes every text that would not read back as itself."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write everything out."""
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    odd = _ODD.search(text) is not None or not is_plain_text(text)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if odd else None)


_Dumper.add_representer(str, _represent_text)


def write_yaml(value: Any) -> str:
    """Return JSON data as YAML text, fields in their own order."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
