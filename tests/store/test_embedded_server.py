"""The embedded server: started by many, killed, moved, stopped; and how URLs are found."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from orchestra_kit.errors import StoreUnavailableError
from orchestra_kit.store.embedded import ensure_server, find_server, stop_server
from orchestra_kit.store.server_files import kept_pid
from orchestra_kit.store.urls import connect


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="orchestra emb "))
    made.chmod(0o755)
    yield made / "a project" / ".orchestra"
    stop_server(made / "a project" / ".orchestra")
    shutil.rmtree(made, ignore_errors=True)


def answer(url: str) -> str:
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT current_user").fetchone()[0]


def test_a_folder_with_spaces_gets_its_database_and_roles(folder) -> None:
    urls = connect(directory=folder, environment={})
    assert urls.embedded
    assert [answer(url) for url in (urls.owner_url, urls.app_url, urls.worker_url)] == [
        "orchestra_owner",
        "orchestra_app",
        "orchestra_worker",
    ]
    server = find_server(folder)
    assert server is not None
    mode = server.socket_directory.stat().st_mode & 0o777
    assert mode == 0o700
    with psycopg.connect(urls.app_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW synchronous_commit").fetchone() == ("on",)
        connection.execute("SELECT 1 FROM public.test_run")


def test_many_processes_start_one_server_and_leave_it_running(folder) -> None:
    script = (
        "import sys; from pathlib import Path; from orchestra_kit.store.urls import connect;"
        "from orchestra_kit.store.embedded import find_server;"
        "connect(directory=Path(sys.argv[1]), environment={}); print(find_server(Path(sys.argv[1])).pid)"
    )
    asked = [sys.executable, "-c", script, str(folder)]
    running = [subprocess.Popen(asked, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    pids = {process.communicate(timeout=100)[0].strip() for process in running}
    assert len(pids) == 1 and "" not in pids
    server = find_server(folder)
    assert server is not None and str(server.pid) in pids


def test_a_killed_server_starts_again_with_its_data(folder) -> None:
    urls = connect(directory=folder, environment={})
    with psycopg.connect(urls.owner_url, autocommit=True) as owner:
        owner.execute("CREATE SCHEMA kept")
    before = find_server(folder)
    os.kill(before.pid, signal.SIGKILL)
    end = time.monotonic() + 20
    while find_server(folder) is not None:
        assert time.monotonic() < end
        time.sleep(0.05)
    assert (folder / "pg" / "postmaster.pid").exists()
    again = connect(directory=folder, environment={})
    assert find_server(folder).pid != before.pid
    with psycopg.connect(again.owner_url) as owner:
        assert owner.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'kept'").fetchone() == (1,)


def test_a_pid_that_now_belongs_to_another_program_does_not_keep_the_server_down(tmp_path) -> None:
    (tmp_path / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n")
    assert kept_pid(tmp_path, tmp_path) is None
    assert not (tmp_path / "postmaster.pid").exists()


def test_threads_of_one_process_share_the_server(folder) -> None:
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(ensure_server(folder).pid)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert stop_server(folder) is True
    assert stop_server(folder) is False
    assert find_server(folder) is None


def test_a_path_too_long_for_a_socket_gets_a_short_one(folder) -> None:
    long = folder.parent / ("x" * 60) / ("y" * 60)
    try:
        server = ensure_server(long)
        assert len(str(server.socket_directory)) < 100
        assert server.socket_directory.stat().st_mode & 0o777 == 0o700
        assert answer(server.url("postgres", "postgres")) == "postgres"
    finally:
        stop_server(long)
        shutil.rmtree(server.socket_directory, ignore_errors=True)


def test_one_powerful_url_is_enough_for_a_first_try(server) -> None:
    url = server.fresh(migrated=False).admin
    urls = connect(environment={"ORCHESTRA_DATABASE_URL": url})
    assert [answer(item) for item in (urls.app_url, urls.worker_url)] == ["orchestra_app", "orchestra_worker"]
    again = connect(url, environment={})
    assert again == urls


def test_given_logins_are_used_as_they_are(server) -> None:
    made = server.fresh(migrated=False)
    environment = {
        "ORCHESTRA_DATABASE_URL": made.app,
        "ORCHESTRA_WORKER_URL": made.worker,
        "ORCHESTRA_OWNER_URL": made.owner,
    }
    urls = connect(environment=environment)
    assert (urls.owner_url, urls.app_url, urls.worker_url) == (made.owner, made.app, made.worker)
    assert connect(environment={"ORCHESTRA_DATABASE_URL": made.app}).worker_url is None


def test_a_login_without_power_on_an_empty_database_is_told_what_to_do(server) -> None:
    made = server.fresh(migrated=False)
    with pytest.raises(StoreUnavailableError) as error:
        connect(made.app, environment={})
    assert "orchestra_app" in str(error.value) and "ORCHESTRA_OWNER_URL" in str(error.value)


def test_a_server_that_is_away_is_told(tmp_path) -> None:
    with pytest.raises(StoreUnavailableError, match="localhost:1 does not answer") as error:
        connect("postgresql://u:hidden@localhost:1/shop", environment={})
    assert "hidden" not in str(error.value)
