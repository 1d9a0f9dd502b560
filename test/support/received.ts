/** What nothing that the gateway sends may show, and how it is recognised. */
const LEAKS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a reserved key", /__(?:agent|workflow|gateway|unsafe)\w*/i],
  ["a stack frame", /\bat (?:async )?(?:\S+ \()?(?:[\w.+-]+:)?[\w@./\\-]+\.[cm]?[jt]sx?:\d+(?::\d+)?/],
  [
    "SQL",
    /\bSQLITE_\w+|\b(?:SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE)\b[^"]{1,200}\b(?:FROM|VALUES|SET|WHERE)\b/,
  ],
  ["a table", /\b(?:switchyard|cf_agents|cf_ai|sqlite)_\w+/],
  ["an id of the engine", /\bsy_[0-9a-f]{8}-[0-9a-f]{4}\S*/],
  ["an id of a Durable Object", /(?<!checksum\W{1,5})\b[0-9a-f]{64}\b/],
  ["the event type of a gate", /\bapproval-[0-9a-f]{8}-[0-9a-f]{4}\S*/],
  ["the key of a tail", /tail[-_]?key/i],
  ["an API key", /\bsy_(?:test|local)_[0-9a-f]{16,}/],
  ["an API key that was issued", /\bsy_[a-z]{1,16}_[0-9A-Za-z]{16}_[0-9A-Za-z]{49}/],
  ["the engine's own words", /Aborting engine|\(?\binstance\.(?:not_found|already_exists|cannot_\w+)/],
  [
    "a path of this machine",
    /(?<![\w.~@+/-])\/(?:home|root|tmp|usr|var|opt|work|Users|private)\/\S+|\bfile:\/\/\S*|\bnode_modules\b/,
  ],
];

/** So much of a stream is looked at again with what comes next: what must not be there may come in two pieces. */
const OVERLAP = 500;

let found: string[] = [];
let sent: string[] = [];

/**
 * Says that this test itself sends a text that looks like a leak, so that the gateway may send exactly that back. It holds to
 * the end of the test.
 */
export function sends(...texts: string[]): void {
  sent.push(...texts);
}

/** Looks for what must not be in a text that the gateway sent. What is found fails the test at its end. */
export function inspect(source: string, text: string): void {
  const unsent = sent.reduce((left, one) => left.replaceAll(one, ""), text);
  for (const [what, pattern] of LEAKS) {
    const [leak] = pattern.exec(unsent) ?? [];
    if (leak !== undefined) found.push(`${source} shows ${what}: ${leak}`);
  }
}

/** Ends the count of a test. @returns everything that was found in what it received. */
export function takeLeaks(): string[] {
  const taken = found;
  found = [];
  sent = [];
  return taken;
}

/** Inspects a stream, piece by piece. */
export function inspector(source: string): (text: string) => void {
  let before = "";
  return (text) => {
    inspect(source, before + text);
    before = (before + text).slice(-OVERLAP);
  };
}

/**
 * Takes the API key out of an answer that is to show one, so that it can be inspected without it. It is the only way in which tests get
 * at keys.
 */
export async function askForKey(url: URL, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const text = await response.text();
  const { key } = JSON.parse(text) as { key?: unknown };
  inspect(`${init.method} ${url.pathname}`, typeof key === "string" ? text.replace(key, "") : text);
  return new Response(text, response);
}

/** `fetch`, by which tests ask a gateway: everything that comes back is inspected as it comes. */
export async function ask(url: URL, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, init);
  const source = `${init.method ?? "GET"} ${url.pathname}`;
  inspect(source, [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n"));
  if (response.body === null) return response;
  const decoder = new TextDecoder();
  const inspectNext = inspector(source);
  const inspected = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      inspectNext(decoder.decode(chunk, { stream: true }));
      controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(inspected), response);
}
