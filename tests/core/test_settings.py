"""Settings: typed, from two places, and keys never beside the data."""

from pathlib import Path

import pytest

from commonweal.core.directories import init
from commonweal.core.errors import InputError, NotFound
from commonweal.core.settings import CONFIG, Settings, load


@pytest.mark.parametrize(("data", "keys"), [("d", "d/keys"), ("d", "d"), ("k/data", "k"), ("d", "d/x/../keys")])
def test_keys_and_data_never_lie_one_inside_the_other(tmp_path: Path, data: str, keys: str) -> None:
    with pytest.raises(InputError, match="one inside the other"):
        init(tmp_path / data, tmp_path / keys)
    assert not (tmp_path / data / CONFIG).exists()


def test_a_link_does_not_hide_keys_inside_the_data(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "data")
    with pytest.raises(InputError, match="one inside the other"):
        init(tmp_path / "data", tmp_path / "elsewhere" / "keys")


def test_keys_moved_inside_the_data_later_are_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    monkeypatch.setenv("COMMONWEAL_KEYS", str(tmp_path / "data" / "keys"))
    with pytest.raises(InputError, match="one inside the other"):
        load(tmp_path / "data")


@pytest.mark.parametrize("folder", ["lake", "store", "spill", "inbox"])
@pytest.mark.parametrize("place", ["keys", "keys/inside", "."])
def test_no_folder_of_data_set_elsewhere_holds_the_keys_or_lies_among_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, place: str
) -> None:
    init(tmp_path / "data", tmp_path / "far" / "keys")
    elsewhere = tmp_path / "far" / place
    monkeypatch.setenv(f"COMMONWEAL_{folder.upper()}", str(elsewhere))
    with pytest.raises(InputError, match=f"folder {folder}, {elsewhere}, lie one inside the other"):
        load(tmp_path / "data")
    monkeypatch.setenv(f"COMMONWEAL_{folder.upper()}", str(tmp_path / "far" / "keys of others"))
    assert getattr(load(tmp_path / "data"), folder).name == "keys of others"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    with (tmp_path / "data" / CONFIG).open("a") as file:
        file.write('port = 8500\nmemory_limit = "2GB"\n')
    assert load(tmp_path / "data").port == 8500
    monkeypatch.setenv("COMMONWEAL_PORT", "8600")
    settings = load(tmp_path / "data")
    assert (settings.port, settings.memory_limit) == (8600, "2GB")


def test_the_data_directory_is_named_by_argument_environment_or_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        init(tmp_path / name, tmp_path / f"{name}-keys")
    monkeypatch.chdir(tmp_path / "c")
    assert load().data == tmp_path / "c"
    monkeypatch.setenv("COMMONWEAL_DATA", str(tmp_path / "b"))
    assert load().data == tmp_path / "b"
    assert load(tmp_path / "a").data == tmp_path / "a"


def test_without_a_data_directory_the_error_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFound, match="commonweal init"):
        load()
    with pytest.raises(NotFound, match="not a data directory"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("port = 99999", "port"),
        ('port = "many"', "port"),
        ('memory_limit = "lots"', "memory_limit"),
        ('time_zone = "Mars/Olympus"', "time_zone"),
        ('driver = "abacus"', "driver"),
        ("prot = 8400", "prot"),
        ("threads = 0", "threads"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, line: str, names: str) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    with (tmp_path / "data" / CONFIG).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=f"setting {names}"):
        load(tmp_path / "data")


def test_a_broken_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    (tmp_path / "data" / CONFIG).write_text("keys = ")
    with pytest.raises(InputError, match=CONFIG):
        load(tmp_path / "data")


def test_a_password_in_the_database_url_is_not_shown(tmp_path: Path) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    settings = Settings(
        data=tmp_path / "data", keys=tmp_path / "keys", database_url="postgresql://someone:hunter2@localhost/x"
    )
    assert "hunter2" not in repr(settings)


def test_every_setting_is_described() -> None:
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize(
    ("issuer", "taken"),
    [
        ("https://id.example.org/realms/city", True),
        ("http://127.0.0.1:8080/realms/city", True),
        ("http://[::1]", True),
        ("http://id.example.org", False),
        ("http://localhost.example.org", False),
        ("http://localhost:80@example.org", False),
        ("id.example.org", False),
    ],
)
def test_an_identity_provider_is_asked_by_tls_or_on_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: str, taken: bool
) -> None:
    init(tmp_path / "data", tmp_path / "keys")
    monkeypatch.setenv("COMMONWEAL_PROVIDER_ISSUER", issuer)
    if taken:
        assert load(tmp_path / "data").provider_issuer == issuer
    else:
        with pytest.raises(InputError, match="provider_issuer"):
            load(tmp_path / "data")


@pytest.mark.parametrize("place", ["data", "", "data/lake", "data/store/inbox", "data/spill"])
def test_an_inbox_in_which_the_site_would_find_other_things_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    init(tmp_path / "data", tmp_path.parent / f"{tmp_path.name}-keys")
    monkeypatch.setenv("COMMONWEAL_INBOX", str(tmp_path / place))
    with pytest.raises(InputError, match="lie one inside the other"):
        load(tmp_path / "data")
    monkeypatch.setenv("COMMONWEAL_INBOX", str(tmp_path / "handed over"))
    assert load(tmp_path / "data").inbox.name == "handed over"
