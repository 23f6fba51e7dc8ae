"""
The JavaScript client without a server: its tests, types, package and pages.
"""

import json
import re
import tarfile
from pathlib import Path

from api.documents import contract
from tests.clients.nodejs import CLIENTS, JS, TSC, VITEST, run_node, run_npm

# What the examples of a page may speak of without having made it.
AMBIENT = """\
import type { Callboard } from "@callboard/client";

declare global {
  const client: Callboard;
  const conversationId: string;
  const userId: string;
  const backendToken: string;
  function show(...what: unknown[]): void;
}

"""

# A file of its own: one that imports nothing declares what there is.
MODULES = """\
declare module "react-native" {
  export const AppState: {
    addEventListener(type: "change", told: (state: string) => void): { remove(): void };
  };
}

declare module "@react-native-async-storage/async-storage" {
  const storage: {
    getItem(key: string): Promise<string | null>;
    setItem(key: string, value: string): Promise<void>;
  };
  export default storage;
}
"""

TSCONFIG = {
    "compilerOptions": {
        "target": "ES2022",
        "lib": ["ES2023", "DOM", "DOM.Iterable"],
        "module": "NodeNext",
        "strict": True,
        "exactOptionalPropertyTypes": True,
        "noUncheckedIndexedAccess": True,
        "jsx": "react-jsx",
        "types": ["node"],
        "noEmit": True,
    },
    "include": ["*.ts", "*.tsx"],
}

CODE_BLOCK = re.compile(r"^```(ts|tsx)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def test_its_own_tests_pass() -> None:
    await run_node(VITEST, "run", "--project", "unit")


async def test_the_chats_own_tests_pass() -> None:
    await run_node(VITEST, "run", cwd=CLIENTS / "chat")


async def test_its_types_are_as_the_server_describes_itself(tmp_path: Path) -> None:
    for name, text in contract().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    await run_node("scripts/generate.js", tmp_path, "--check")


async def test_it_is_as_small_as_it_promises() -> None:
    text = await run_node("scripts/size.js")
    assert "core:" in text


async def test_its_package_works_where_it_is_installed_and_its_pages_are_true(
    tmp_path: Path,
) -> None:
    await run_npm("pack", "--pack-destination", tmp_path)
    package = unpack(tmp_path)
    names = {
        str(path.relative_to(package)) for path in package.rglob("*") if path.is_file()
    }
    for name in ("index", "react", "uploads"):
        assert {f"dist/{name}.js", f"dist/{name}.d.ts"} <= names
    assert {"package.json", "README.md", "recipes.md", "LICENSE"} <= names
    assert {name.split("/")[0] for name in names if "/" in name} == {"dist"}

    # As in Node 20, which has no WebSocket of its own.
    script = tmp_path / "use.mjs"
    script.write_text(USE, encoding="utf-8")
    await run_node("--no-experimental-websocket", script, cwd=tmp_path)

    write_examples(tmp_path)
    await run_node(TSC, "-p", tmp_path, cwd=tmp_path)


USE = """\
import { WebSocket } from "ws";
import { createCallboard } from "@callboard/client";

const url = "http://127.0.0.1:1";
let refusal;
try {
  createCallboard({ url, token: "none" });
} catch (error) {
  refusal = error;
}
if (refusal?.code !== "invalid") throw new Error("It did not say that ws is needed.");

const client = createCallboard({ url, token: "none", WebSocket });
client.connect();
const stop = client.status.subscribe(() => {
  if (client.status.get().state !== "waiting") return;
  stop();
  client.close();
});
"""


def unpack(directory: Path) -> Path:
    """Install what was packed in a project of somebody else's."""
    [tarball] = directory.glob("*.tgz")
    package = directory / "node_modules" / "@callboard" / "client"
    package.mkdir(parents=True)
    with tarfile.open(tarball) as packed:
        packed.extractall(directory, filter="data")
    (directory / "package").rename(package)
    for name in ("react", "@types", "ws", "csstype", "undici-types"):
        (directory / "node_modules" / name).symlink_to(CLIENTS / "node_modules" / name)
    return package


def write_examples(directory: Path) -> None:
    """Make a module of every example, in a project with strict types."""
    (directory / "ambient.d.ts").write_text(AMBIENT, encoding="utf-8")
    (directory / "modules.d.ts").write_text(MODULES, encoding="utf-8")
    (directory / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    (directory / "tsconfig.json").write_text(json.dumps(TSCONFIG), encoding="utf-8")
    count = 0
    for page in ("README.md", "recipes.md"):
        text = (JS / page).read_text(encoding="utf-8")
        for number, (kind, code) in enumerate(CODE_BLOCK.findall(text)):
            name = f"{page.removesuffix('.md').lower()}_{number}.{kind}"
            # Each is a module, whether or not it says so.
            (directory / name).write_text(f"{code}\nexport {{}};\n", encoding="utf-8")
            count += 1
    assert count > 10
