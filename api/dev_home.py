"""
What `callboard dev` keeps between runs.

Below its directory: `postgres/` (unless CALLBOARD_DATABASE_URL is set), `uploads/`
(unless another place is set for them), `mail/` (where no SMTP server is set),
`jwt-secret` (unless CALLBOARD_JWT_SECRET is set) and `people.json`, from which
`callboard attach --as` learns the tokens of the people of the demonstration.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from api.refusals import CannotRun

_ROOTS_DIRECTORY = Path("/var/lib/callboard")


@dataclass(frozen=True, slots=True)
class DevPerson:
    """Somebody of the demonstration, with a token to be them."""

    id: str
    handle: str
    name: str
    headline: str
    token: str


def default_directory(environment: Mapping[str, str] = os.environ) -> Path:
    """
    Give the directory that is used when nobody names one.

    Not root's home: the embedded PostgreSQL runs as another user then, who cannot
    pass through it.
    """
    if os.geteuid() == 0:
        return _ROOTS_DIRECTORY
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local/share") / "callboard"


def token_of(name: str, directory: Path | None = None) -> str:
    """
    Give the token of somebody of the demonstration, by handle, name or first name.

    Raises:
        CannotRun: There is no such person, or nothing was started there.
    """
    people = DevHome(directory or default_directory()).read_people()
    for person in people:
        words = (person.handle, person.name, person.name.partition(" ")[0])
        if name.casefold() in (word.casefold() for word in words):
            return person.token
    handles = ", ".join(person.handle for person in people)
    raise CannotRun(f"Nobody is called {name!r}: there are {handles}.")


class DevHome:
    """The directory of one `callboard dev`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.expanduser().absolute()
        self.postgres = self.directory / "postgres"
        self.uploads = self.directory / "uploads"
        self.mail = self.directory / "mail"
        self._secret = self.directory / "jwt-secret"
        self._people = self.directory / "people.json"

    @contextmanager
    def taken(self) -> Iterator[None]:
        """
        Keep a second `callboard dev` out; the kernel lets go when we die.

        Raises:
            CannotRun: There is another one, or the directory cannot be used.
        """
        try:
            # Root's PostgreSQL is another user, who must pass through.
            mode = 0o711 if os.geteuid() == 0 else 0o700
            self.directory.mkdir(mode, parents=True, exist_ok=True)
            descriptor = os.open(
                self.directory / "dev.lock",
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC,
                0o600,
            )
        except OSError as error:
            raise self._unusable(error) from None
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotRun(
                    f"Another `callboard dev` works in {self.directory}: stop it, or"
                    " choose another directory with --data-dir."
                ) from None
            yield
        finally:
            os.close(descriptor)

    def jwt_secret(self) -> str:
        """Give the secret that signs the demonstration's tokens, made once."""
        try:
            if not self._secret.exists():
                self._write(self._secret, secrets.token_urlsafe(32))
            return self._secret.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise self._unusable(error) from None

    def write_people(self, people: Sequence[DevPerson]) -> None:
        """Keep who there is, readable by us alone: it holds tokens."""
        try:
            self._write(
                self._people, json.dumps([asdict(each) for each in people], indent=1)
            )
        except OSError as error:
            raise self._unusable(error) from None

    def read_people(self) -> list[DevPerson]:
        """
        Give who there is.

        Raises:
            CannotRun: Nothing was started here, or we may not read it.
        """
        try:
            text = self._people.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CannotRun(
                f"No `callboard dev` has been started in {self.directory}: name its"
                " directory with --data-dir, or give a token with --token."
            ) from None
        except OSError as error:
            raise self._unusable(error) from None
        return [DevPerson(**each) for each in json.loads(text)]

    def _unusable(self, error: OSError) -> CannotRun:
        return CannotRun(
            f"{error.filename or self.directory} cannot be used"
            f" ({error.strerror or error}): choose another directory with --data-dir."
        )

    @staticmethod
    def _write(path: Path, text: str) -> None:
        """Write a file whole, never readable by anyone else."""
        new = path.with_suffix(".new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)
