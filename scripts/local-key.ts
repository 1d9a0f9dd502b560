import { randomBytes } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Name of the secret that the gateway reads its key from. */
export const KEY_NAME = "SWITCHYARD_API_KEY";

/** The file, ignored by git, that `wrangler dev` reads secrets from. */
export const KEY_FILE = ".dev.vars";

/** A key for local development. */
export interface LocalKey {
  readonly key: string;
  /** Whether it was made just now. */
  readonly made: boolean;
}

/** Makes an API key of 192 random bits, such as `sy_local_3f…`. @param kind says in the key itself what it is for. */
export function makeKey(kind: string): string {
  return `sy_${kind}_${randomBytes(24).toString("hex")}`;
}

/**
 * Reads the key of local development, or makes it on the first start. Other lines of the file stay as they are; a file
 * that is made can be read by its owner only.
 *
 * @param directory where {@link KEY_FILE} is.
 */
export async function ensureLocalKey(directory: string): Promise<LocalKey> {
  const file = join(directory, KEY_FILE);
  const text = await readIfThere(file);
  const known = parseEnv(text)[KEY_NAME];
  if (known !== undefined && known !== "") return { key: known, made: false };

  const key = makeKey("local");
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  await appendFile(file, `${separator}${KEY_NAME}=${key}\n`, { mode: 0o600 });
  return { key, made: true };
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (failure) {
    if (failure instanceof Error && "code" in failure && failure.code === "ENOENT") return "";
    throw failure;
  }
}
