"""What the package ships is what its sources make."""

import re
from pathlib import Path

from api.chat_files import COMPONENT, WORKER
from tests.pages.building import SHIPPED, build


def _contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


async def test_the_shipped_chat_is_fresh(tmp_path: Path) -> None:
    await build(tmp_path)
    made, shipped = _contents(tmp_path), _contents(SHIPPED)
    stale = [name for name in made if shipped.get(name) != made[name]]
    assert (stale, shipped.keys() - made.keys()) == ([], set()), (
        "run scripts/clients npm run build --workspace chat, and commit api/pages/chat"
    )


async def test_a_build_comes_out_the_same_each_time(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    await build(first)
    await build(second)
    assert _contents(first) == _contents(second)


async def test_what_others_load_stands_alone(tmp_path: Path) -> None:
    await build(tmp_path)
    component = (tmp_path / COMPONENT).read_text(encoding="utf-8")
    assert re.search(r"\bimport\b\s*[\w{\"'`*(]", component) is None
    # Another site takes the worker into its own by `importScripts`.
    worker = (tmp_path / WORKER).read_text(encoding="utf-8")
    assert worker.startswith("(() => {")
    assert worker.endswith("})();")
    assert re.search(r"\b(import|export)\b\s*[\w{\"'`*(]", worker) is None
