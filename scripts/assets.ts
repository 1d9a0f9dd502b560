// Puts the files that the Worker serves as they are into ./assets.
import { join } from "node:path";
import { copyAssets } from "./copy-assets.ts";
import { ROOT } from "./local-environment.ts";

await copyAssets(join(ROOT, "assets"));
