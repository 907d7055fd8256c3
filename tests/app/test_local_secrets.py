"""Secrets of one tenant: its own files and declared variables, never anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra_kit.app.secrets import LocalSecrets
from orchestra_kit.errors import SecretError


@pytest.fixture
def secrets(tmp_path: Path) -> LocalSecrets:
    for name, text in (("mine/token", "t1\n"), ("mine/db/password", "p1"), ("other/token", "t2"), ("top", "t3")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "mine" / "raw").write_bytes(b"\xff\xfe")
    return LocalSecrets(tmp_path, "mine", {"api": "API_KEY", "gone": "GONE"}, environ={"API_KEY": "k", "HOME": "/h"})


@pytest.mark.parametrize(
    ("reference", "value"), [("secret:token", "t1"), ("secret:db/password", "p1"), ("secret:api", "k")]
)
def test_files_and_declared_variables_resolve(secrets: LocalSecrets, reference: str, value: str) -> None:
    assert secrets.resolve(reference) == value


@pytest.mark.parametrize(
    "reference",
    ["secret:../other/token", "secret:db/../../other/token", "secret:../top", "secret:/etc/passwd", "secret:.hidden",
     "secret:db/..", "secret:", "token", "secret:HOME", "secret:db", "secret:token\n", "secret:a//b"],
)  # fmt: skip
def test_nothing_beyond_the_tenants_own_is_reached(secrets: LocalSecrets, reference: str) -> None:
    with pytest.raises(SecretError) as caught:
        secrets.resolve(reference)
    assert caught.value.exit_code == 3
    for value in ("t1", "t2", "t3", "p1", "/h"):
        assert value not in str(caught.value).replace(reference, "")


def test_an_absent_secret_is_told_with_the_nearest_name(secrets: LocalSecrets) -> None:
    with pytest.raises(SecretError, match="'token'"):
        secrets.resolve("secret:tokn")
    with pytest.raises(SecretError, match="GONE, which is not set"):
        secrets.resolve("secret:gone")


def test_a_file_that_is_no_text_is_told(secrets: LocalSecrets) -> None:
    with pytest.raises(SecretError, match="not UTF-8"):
        secrets.resolve("secret:raw")
