import { LIMITS } from "../src/gateway/contract/limits";
import { ProblemError } from "../src/gateway/contract/problem";

const MAX_BYTES = LIMITS.bodyBytes.most;
const MAX_LEVELS = LIMITS.bodyLevels.most;

/** A key that is no key to whoever copies an object field by field. */
const PROTOTYPE = "__proto__";

/**
 * Refuses a body that does not mean the same to everybody: RFC 8259, and of RFC 7493 (I-JSON) that no key comes twice in one object and
 * that every number can be written down again. What is taken is kept as it is, also lone surrogates that are written `\uD800`.
 *
 * @throws ProblemError `malformed_json` if it is no JSON, not UTF-8, begins with a byte order mark, or has a key twice;
 *   `invalid_request` if it is nested too deeply, or has a number beyond those of JavaScript or the key `__proto__`;
 *   `payload_too_large` if it is too large once it is written down.
 */
export function requireJson(bytes: ArrayBuffer): void {
  const text = decode(bytes);
  const value = parse(text);
  requireShape(text);
  requireFinite(value);
  // `1e20` is written down as 21 digits.
  if (bytes.byteLength * LONGEST_NUMBER > MAX_BYTES && sizeOf(value) > MAX_BYTES)
    throw new ProblemError("payload_too_large", { detail: `A body may have ${MAX_BYTES} bytes.` });
}

/** How many times longer a number can be when it is written down than when it was sent. */
const LONGEST_NUMBER = 6;

function decode(bytes: ArrayBuffer): string {
  try {
    // With `ignoreBOM` the mark stays in the text, where JSON has no place for it.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProblemError("malformed_json", { detail: "The body is not UTF-8." });
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError("malformed_json", {
      detail: text.trim() === "" ? "The body is missing." : "The body is not JSON.",
    });
  }
}

const QUOTE = '"';
const ESCAPE = "\\";

/** Looks at the objects and arrays of a text that is JSON. */
function requireShape(text: string): void {
  /** Of each object that is open its keys, of each array nothing. */
  const open: (Set<string> | undefined)[] = [];
  let expectsKey = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text[at]) {
      case "{":
      case "[":
        expectsKey = text[at] === "{";
        open.push(expectsKey ? new Set() : undefined);
        if (open.length > MAX_LEVELS) {
          throw new ProblemError("invalid_request", {
            detail: `A body may be nested ${MAX_LEVELS} levels deep.`,
          });
        }
        break;
      case "}":
      case "]":
        open.pop();
        expectsKey = false;
        break;
      case ",":
        expectsKey = open.at(-1) !== undefined;
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        if (expectsKey) claimKey(open.at(-1), text.slice(at, end + 1));
        expectsKey = false;
        at = end;
        break;
      }
      default:
    }
  }
}

/** Where a string ends that begins at a place. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== QUOTE) at += text[at] === ESCAPE ? 2 : 1;
  return at;
}

function claimKey(keys: Set<string> | undefined, token: string): void {
  // What is in quotes is a string.
  const key = JSON.parse(token) as string;
  if (keys?.has(key) === true)
    throw new ProblemError("malformed_json", { detail: "An object has a key twice." });
  if (key === PROTOTYPE)
    throw new ProblemError("invalid_request", { detail: `The key ${JSON.stringify(key)} is reserved.` });
  keys?.add(key);
}

/** Beyond some 10^308 a number is read as infinity, which JSON cannot say. */
function requireFinite(value: unknown): void {
  if (typeof value === "number" && !Number.isFinite(value))
    throw new ProblemError("invalid_request", { detail: "A number is too large." });
  if (typeof value === "object" && value !== null)
    for (const inner of Object.values(value)) requireFinite(inner);
}

function sizeOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value)).byteLength;
}
