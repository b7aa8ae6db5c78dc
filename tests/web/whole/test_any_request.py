"""Whatever a program asks for, it gets what the API's description says: made-up requests, right and wrong ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

PHASES = {
    "signed out": ("examples,fuzzing", 1),
    "analyst": ("examples", 1),
    "administrator": ("examples", 1),
    "all rights": ("examples,coverage,fuzzing", 2),
}
"""What each asks: the examples of the description; for whoever gets past no gate or every gate some made-up requests of
each operation; and for the latter one with each thing wrong that can be.
"""
STREAMS, BRIEFS = "/events$", r"\.pdf$"
CHECKS = ",".join(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
        "unsupported_method",
        "allow_header_conformance",
        "ignored_auth",
    ]
)


@pytest.fixture
def ask(whole, whole_served, tmp_path):
    """Ask for everything that is described as somebody's program: function of (reader, phases, examples, options)."""

    def asked(reader: str, phases: str, examples: int, *options: str, patience: int = 60) -> None:
        token = whole.tokens.get(reader)
        shown = ("--header", f"Authorization: Bearer {token}") if token else ()
        run = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{whole_served}/openapi.json"),
                *("--phases", phases, "--checks", CHECKS),
                *("--max-examples", str(examples), "--generation-deterministic"),
                *("--suppress-health-check", "all", "--continue-on-failure", "--warnings", "off"),
                *("--request-timeout", str(patience), *options, *shown),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0, run.stdout + run.stderr

    return asked


@pytest.mark.parametrize("reader", PHASES)
def test_every_answer_is_one_that_is_described(reader, ask):
    # Briefs take the parameters of their pages, and a while to set: a few are enough.
    left_out = f"{STREAMS}|{BRIEFS}" if "coverage" in PHASES[reader][0] else STREAMS
    ask(reader, *PHASES[reader], "--exclude-path-regex", left_out)


def test_every_stream_is_one_that_is_described(ask):
    """It is left after a second: some never end by themselves."""
    ask("all rights", "examples,fuzzing", 2, "--include-path-regex", STREAMS, patience=1)
