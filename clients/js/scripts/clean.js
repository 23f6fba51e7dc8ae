// Take away what was built, so that nothing of an older build is left in the package.
import { rm } from "node:fs/promises";
import path from "node:path";

await rm(path.join(import.meta.dirname, "../dist"), { recursive: true, force: true });
