import { randomBytes } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { join } from "node:path";
import { parseEnv } from "node:util";

/** Name of the secret that the gateway reads its key from. */
export const KEY_NAME = "SWITCHYARD_API_KEY";

/** Name of the secret of the system that decides by callbacks in the reference app. */
export const SECRET_NAME = "QUALITY_CHECK_SECRET";

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

/** Makes a secret of Standard Webhooks of 192 random bits. */
export function makeSecret(): string {
  return `whsec_${randomBytes(24).toString("base64")}`;
}

/**
 * Reads the key of local development, or makes it on the first start. Other lines of the file stay as they are; a file
 * that is made can be read by its owner only.
 *
 * @param directory where {@link KEY_FILE} is.
 */
export async function ensureLocalKey(directory: string): Promise<LocalKey> {
  const { value, made } = await ensureLine(directory, KEY_NAME, () => makeKey("local"));
  return { key: value, made };
}

/** The same for the secret of the system that sends callbacks to the reference app. @returns it. */
export async function ensureLocalSecret(directory: string): Promise<string> {
  return (await ensureLine(directory, SECRET_NAME, makeSecret)).value;
}

async function ensureLine(
  directory: string,
  name: string,
  make: () => string,
): Promise<{ value: string; made: boolean }> {
  const file = join(directory, KEY_FILE);
  const text = await readIfThere(file);
  const known = parseEnv(text)[name];
  if (known !== undefined && known !== "") return { value: known, made: false };

  const value = make();
  const separator = text === "" || text.endsWith("\n") ? "" : "\n";
  await appendFile(file, `${separator}${name}=${value}\n`, { mode: 0o600 });
  return { value, made: true };
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (failure) {
    if (failure instanceof Error && "code" in failure && failure.code === "ENOENT") return "";
    throw failure;
  }
}
