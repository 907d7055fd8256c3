from __future__ import annotations

import stat
import threading

import pytest
from cryptography.fernet import Fernet

from orchestra_kit.errors import SecretError
from orchestra_kit.store.sealing import FernetSealer, open_sealer

VALUE = {"token": "abc", "n": [1, None, "ä"]}


def test_a_sealed_value_comes_back_and_hides(tmp_path) -> None:
    sealer = open_sealer(tmp_path, {})
    sealed = sealer.seal(VALUE)
    assert "abc" not in sealed
    assert open_sealer(tmp_path, {}).unseal(sealed) == VALUE
    assert stat.S_IMODE((tmp_path / "worker.key").stat().st_mode) == 0o600
    assert [item.name for item in tmp_path.iterdir()] == ["worker.key"]


def test_another_key_or_a_changed_text_is_refused(tmp_path) -> None:
    sealed = open_sealer(tmp_path, {}).seal(VALUE)
    other = FernetSealer(Fernet.generate_key().decode())
    for wrong in (sealed, sealed[:-4] + "AAAA", "ä", ""):
        with pytest.raises(SecretError, match="cannot be read"):
            other.unseal(wrong)


def test_the_variable_comes_before_the_file(tmp_path) -> None:
    key = Fernet.generate_key().decode()
    sealed = open_sealer(tmp_path, {"ORCHESTRA_WORKER_KEY": key}).seal(1)
    assert FernetSealer(key).unseal(sealed) == 1
    assert not (tmp_path / "worker.key").exists()
    with pytest.raises(SecretError, match="not a Fernet key") as error:
        open_sealer(tmp_path, {"ORCHESTRA_WORKER_KEY": "too-short"})
    assert "too-short" not in str(error.value)


def test_a_key_is_replaced_in_steps() -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    sealed = FernetSealer(old).seal(1)
    both = FernetSealer(f"{new}, {old}")
    assert both.unseal(sealed) == 1
    assert FernetSealer(new).unseal(both.seal(2)) == 2


def test_many_at_once_make_one_key(tmp_path) -> None:
    sealed: list[str] = []
    threads = [threading.Thread(target=lambda: sealed.append(open_sealer(tmp_path, {}).seal(1))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealer = open_sealer(tmp_path, {})
    assert [sealer.unseal(item) for item in sealed] == [1] * 8


def test_a_key_others_can_read_is_refused(tmp_path) -> None:
    open_sealer(tmp_path, {})
    (tmp_path / "worker.key").chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        open_sealer(tmp_path, {})
