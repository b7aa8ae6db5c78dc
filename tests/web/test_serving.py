"""`commonweal serve`, as a user runs it."""

import socket
import subprocess

import httpx
import pytest

PATIENCE = 60  # seconds, for a busy machine and a server that has not yet answered anything


@pytest.fixture
def run(command_line):
    def run_command(home, *arguments):
        return subprocess.run(
            command_line(home, *arguments), capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    return run_command


def test_it_answers_at_the_address_it_prints(served):
    assert "Where people are" in httpx.get(served, headers={"accept": "text/html"}, timeout=PATIENCE).text


def test_it_says_nothing_of_what_serves(served):
    assert "server" not in httpx.get(served, timeout=PATIENCE).headers


def test_a_page_and_its_style_are_compressed(served):
    answer = httpx.get(served, headers={"accept-encoding": "gzip"}, timeout=PATIENCE)
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < 40_000


def test_head_has_the_length_and_no_body(served):
    answer = httpx.head(f"{served}/catalog.json", timeout=PATIENCE)
    assert answer.status_code == 200
    assert answer.content == b""


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_another_address_is_refused_with_the_reason(published, run, host):
    done = run(published.home, "serve", "--host", host)
    assert done.returncode == 5
    assert done.stderr.count("\n") == 1
    assert "could read every password" in done.stderr


def test_a_port_in_use_is_one_line(published, run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(published.home, "serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "is in use" in done.stderr
    assert "--port" in done.stderr


def test_it_is_reachable_from_no_other_address_of_this_machine(served):
    port = int(served.rsplit(":", 1)[1])
    others = {entry[4][0] for entry in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}
    for address in others - {"127.0.0.1"}:
        if address.startswith("127."):
            continue
        with pytest.raises(OSError), socket.create_connection((address, port), timeout=2):  # noqa: PT011
            pass


def test_a_page_that_takes_long_does_not_hold_up_another(served):
    # Downloads are written in threads; while one is, the server still says that it lives.
    with httpx.stream("GET", f"{served}/catalog/mobility.flows/1/mobility.flows-1.xlsx", timeout=PATIENCE) as download:
        assert httpx.get(f"{served}/health", timeout=PATIENCE).json() == {"status": "alive"}
        assert len(download.read()) > 1000
