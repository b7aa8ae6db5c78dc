"""Settings: typed, from the environment (``COMMONWEAL_*``) and from the data directory's ``commonweal.toml``.

The environment wins over the file. A data directory holds everything but the keys; the keys lie elsewhere, so that
a copy of the data alone opens nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from commonweal.core.errors import InputError, NotFound, explain
from commonweal.core.wording import Wording

CONFIG = "commonweal.toml"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
RECORDS = "commonweal.db"
PLACES = (
    *("data", "keys", "database_url", "lake", "store", "spill", "inbox"),
    *("backups", "backup_keys", "tls_certificate", "tls_key"),
)
"""Settings that name where something lies on this machine."""
FOLDERS = ("lake", "store", "spill", "inbox")
"""Settings that name a folder, by default the one of that name in the data directory."""


def _absolute(path: Path) -> Path:
    return path.expanduser().resolve()


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("is not an IANA time zone such as Africa/Freetown")
    return name


Folder = Annotated[Path, AfterValidator(_absolute)]
ENGINES = r"threads|local(\[([1-9]\d*|\*)(,\d+)?\])?|spark://[^\s/,:]+:\d+(,[^\s/,:]+:\d+)*|yarn|k8s://(https?://)?[^\s/]+(/\S*)?"
"""Threads of this machine, or what Spark calls a master."""
Engine = Annotated[str, Field(pattern=rf"^({ENGINES})$")]
Size = Annotated[str, Field(pattern=r"^\d+(\.\d+)?\s*(MB|GB|MiB|GiB)$")]


NOT_IN_THE_CLEAR = r"https://[^\s#]+|http://(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?([/?][^\s#]*)?"
"""An address that nobody on the way can read or change: by TLS, or on this machine."""


class Settings(BaseSettings):
    """Everything that can be set. `docs/settings.md` describes each; a test keeps it complete."""

    model_config = SettingsConfigDict(env_prefix="COMMONWEAL_", frozen=True, extra="forbid", hide_input_in_errors=True)

    data: Folder = Field(description=Wording("The data directory: database, published lake, private store."))
    keys: Folder = Field(description=Wording("The key directory (mode 0700), never inside the data directory."))
    database_url: str = Field(
        "", description=Wording("SQLAlchemy URL; empty means SQLite in the data directory."), repr=False
    )
    lake: Folder = Field(
        Path(), description=Wording("Published releases; by default the folder `lake` of the data directory.")
    )
    store: Folder = Field(
        Path(), description=Wording("Private events; by default the folder `store` of the data directory.")
    )
    spill: Folder = Field(
        Path(), description=Wording("Where the engine spills, encrypted; by default `spill` of the data directory.")
    )
    inbox: Folder = Field(
        Path(),
        description=Wording("Where files lie to be imported on the site; by default `inbox` of the data directory."),
    )
    backups: Folder | None = Field(
        None, description=Wording("Folder for the backups of the data that the site makes, on another disk.")
    )
    backup_keys: Folder | None = Field(
        None, description=Wording("Folder for the backups of the keys that the site makes: another one, elsewhere.")
    )
    memory_limit: Size = Field("1GB", description=Wording("Memory the table engine may use before it spills."))
    threads: int = Field(
        default_factory=lambda: os.cpu_count() or 1, ge=1, le=1024, description=Wording("Threads for heavy work.")
    )
    engine: Engine = Field(
        "threads", description=Wording("What imports and measures run on: threads here, or a Spark master's URL.")
    )
    time_zone: Annotated[str, AfterValidator(_known_zone)] = Field(
        "UTC", description=Wording("Time zone for new projects.")
    )
    host: str = Field("127.0.0.1", description=Wording("Address that `commonweal serve` binds to."))
    port: int = Field(8400, ge=1, le=65535, description=Wording("Port that `commonweal serve` binds to."))
    address: Annotated[str, Field(pattern=r"^(https?://[^/\s]+)?$")] = Field(
        "",
        description=Wording("What people type to reach the site, such as `https://commonweal.example.org`."),
    )
    tls_certificate: Folder | None = Field(
        None, description=Wording("PEM file with the certificate chain, to serve HTTPS.")
    )
    tls_key: Folder | None = Field(
        None, description=Wording("PEM file with the certificate's key; only its owner may read it.")
    )
    proxy: str = Field(
        "", description=Wording("Address of the proxy that ends TLS before the site, such as `10.0.0.1`.")
    )
    open_reading: bool | None = Field(
        None, description=Wording("Whether what is published may be read without signing in.")
    )
    request_log: bool = Field(False, description=Wording("Write a line of JSON to standard error for each request."))
    look_days: int = Field(
        400, ge=1, le=3660, description=Wording("Days for which it is kept who looked at data about people.")
    )
    session_hours: int = Field(12, ge=1, le=720, description=Wording("Hours after which a person must sign in again."))
    provider_issuer: Annotated[str, Field(pattern=rf"^({NOT_IN_THE_CLEAR})?$")] = Field(
        "",
        description=Wording("Address (issuer) of the identity provider that people may sign in with (OpenID Connect)."),
    )
    provider_client_id: str = Field("", description=Wording("What the identity provider calls this site (client id)."))
    provider_name_claim: str = Field(
        "preferred_username",
        min_length=1,
        description=Wording("Claim of the provider's ID tokens that is the name people have here."),
    )
    publisher: str = Field(
        "Commonweal", min_length=1, description=Wording("Who publishes, as the catalog says it to others.")
    )
    contact: str | None = Field(None, description=Wording("E-mail address for questions about what is published."))
    worker: bool = Field(True, description=Wording("Whether `commonweal serve` also runs queued jobs."))
    job_attempts: int = Field(5, ge=1, le=100, description=Wording("Times a job is taken up again without progress."))
    debug: bool = Field(False, description=Wording("Print full tracebacks of unexpected errors to standard error."))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: what the caller says, then the environment, then the file."""
        file = TomlConfigSettingsSource(settings_cls, _config_in_use(init_settings, env_settings))
        return init_settings, env_settings, file

    def model_post_init(self, context: Any) -> None:
        """Fill what follows from the data directory."""
        for name in FOLDERS:
            if name not in self.model_fields_set:
                object.__setattr__(self, name, self.data / name)
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data / RECORDS}")
        self._follow()

    def served(
        self,
        host: str | None = None,
        port: int | None = None,
        certificate: Path | None = None,
        key: Path | None = None,
        worker: bool | None = None,
    ) -> Settings:
        """Give the settings with what somebody said instead when they started the server."""
        said = {"host": host, "port": port, "tls_certificate": certificate, "tls_key": key, "worker": worker}
        changed = self.model_copy(update={name: value for name, value in said.items() if value is not None})
        changed._follow()
        return changed

    def on_engine(self, engine: str | None) -> Settings:
        """Give the settings with the engine that somebody named for one command, if they did.

        Raises
        ------
        InputError
            It is none.
        """
        if engine is None:
            return self
        if not re.fullmatch(ENGINES, engine):
            raise InputError(
                f"{engine!r} is no engine", where="--engine", expected="threads, local[2], spark://HOST:PORT, yarn …"
            )
        return self.model_copy(update={"engine": engine})

    @property
    def serves_others(self) -> bool:
        """Whether other machines reach the site."""
        return bool(self.proxy) or self.host.strip("[]").lower() not in LOOPBACK

    def _follow(self) -> None:
        """Fill what follows from where the site is served, unless it was said."""
        if "address" not in self.model_fields_set or not self.address:
            scheme, host = "https" if self.tls_certificate else "http", self.host.strip("[]")
            object.__setattr__(self, "address", f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}")
        if "open_reading" not in self.model_fields_set:
            object.__setattr__(self, "open_reading", not self.serves_others)

    @property
    def staged(self) -> Path:
        """Where protected tables wait to be published."""
        return self.data / "staged"


def _config_in_use(*sources: PydanticBaseSettingsSource) -> Path | None:
    for source in sources:
        if data := source().get("data"):
            return _absolute(Path(data)) / CONFIG
    return None


def load(data: Path | None = None) -> Settings:
    """Read the settings of a data directory.

    Parameters
    ----------
    data
        The data directory. Without it, ``COMMONWEAL_DATA``, else the working directory if it is one.

    Raises
    ------
    NotFound
        No data directory was named, or it is not one.
    InputError
        A setting has a value it cannot have, or the key directory and a folder of data lie one inside the other.
    """
    if data is None and "COMMONWEAL_DATA" in os.environ:
        data = Path(os.environ["COMMONWEAL_DATA"])
    if data is None and Path(CONFIG).exists():
        data = Path()
    how = "run: commonweal init DIR --keys DIR2, then name it with --data DIR or COMMONWEAL_DATA"
    if data is None:
        raise NotFound("no data directory was named", expected=how)
    config = _absolute(data) / CONFIG
    try:
        if not config.exists():
            raise NotFound(f"there is no {CONFIG}, so this is not a data directory", where=data, expected=how)
    except OSError as error:
        raise explain(error, config) from error
    return read(data)


def read(data: Path, **given: Any) -> Settings:
    """Read the settings of a data directory, whether or not it has been made; what is given wins.

    Raises
    ------
    InputError
        As `load`.
    """
    config = _absolute(data) / CONFIG
    try:
        settings = Settings(data=data, **given)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {name}: {first['msg']}", where=config, expected="see docs/settings.md") from None
    except OSError as error:
        raise explain(error, config) from error
    except ValueError as error:
        raise InputError(f"not readable as TOML: {error}", where=config) from None
    for name in ("data", *FOLDERS):
        _refuse_keys_inside(name, getattr(settings, name), settings.keys)
    _refuse_inbox_around(settings)
    return settings


def _refuse_keys_inside(name: str, folder: Path, keys: Path) -> None:
    """Refuse folders that one backup, or one thief, would take together."""
    if keys == folder or folder in keys.parents or keys in folder.parents:
        which = "data directory" if name == "data" else f"folder {name}, {folder},"
        raise InputError(
            f"the key directory and the {which} lie one inside the other",
            where=keys,
            expected="a key directory elsewhere, on another disk if there is one",
        )


def _refuse_inbox_around(settings: Settings) -> None:
    """Refuse an inbox in which the site would find what is not meant to be imported."""
    for name in ("data", "lake", "store", "spill"):
        folder, inbox = getattr(settings, name), settings.inbox
        if inbox == folder or inbox in folder.parents or (name != "data" and folder in inbox.parents):
            raise InputError(
                f"the inbox and the folder {name}, {folder}, lie one inside the other",
                where=inbox,
                expected="a folder of its own",
            )
