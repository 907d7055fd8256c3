"""Settings from process variables."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestra_kit.app.doctor import without_password
from orchestra_kit.app.settings import check_database_url, read_settings
from orchestra_kit.errors import DefinitionError


def test_defaults_are_for_a_single_user(tmp_path: Path) -> None:
    settings = read_settings({}, directory=tmp_path)
    assert settings.home == tmp_path.resolve() / ".orchestra"
    assert (settings.database_url, settings.tenant_id, dict(settings.secret_variables)) == (None, "local", {})


def test_declared_secrets_are_pairs(tmp_path: Path) -> None:
    environ = {"ORCHESTRA_SECRET_ENV": " a=A , b/c = B=", "ORCHESTRA_HOME": "x"}
    settings = read_settings(environ, directory=tmp_path)
    assert settings.secret_variables == {"a": "A", "b/c": "B="}
    assert settings.home == tmp_path.resolve() / "x"


@pytest.mark.parametrize(
    "environ",
    [{"ORCHESTRA_SECRET_ENV": "a"}, {"ORCHESTRA_SECRET_ENV": "=A"}, {"ORCHESTRA_TENANT": "../other"},
     {"ORCHESTRA_TENANT": "a/b"}, {"ORCHESTRA_TENANT": "x" * 64}, {"ORCHESTRA_HOME": "a\0b"}],
)  # fmt: skip
def test_what_cannot_be_read_is_told(environ: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(DefinitionError):
        read_settings(environ, directory=tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "mysql://x/y", "postgresql://[::1/x"])
def test_another_databases_url_is_refused(url: str) -> None:
    with pytest.raises(DefinitionError, match="ORCHESTRA_DATABASE_URL"):
        check_database_url(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:s3cret@host:5433/db", "postgresql://me:***@host:5433/db"),
        ("postgresql://me@host/db?password=s3cret&connect_timeout=5", "postgresql://me:***@host/db?connect_timeout=5"),
        ("host=h user=me password=s3cret dbname=d", "postgresql://me:***@h/d"),
        ("postgresql://me:s3cret@[::1]:5/db", "postgresql://me:***@[::1]:5/db"),
        ("postgresql://me@/db?host=%2Ftmp%2Fsock&port=5432", "postgresql://me@/db?host=%2Ftmp%2Fsock&port=5432"),
        ("postgresql://me:s3cret@h/db?sslpassword=s3cret", "postgresql://me:***@h/db?sslpassword=%2A%2A%2A"),
    ],
)
def test_no_spelling_of_a_url_shows_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
