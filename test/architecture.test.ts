import { globSync, readFileSync } from "node:fs";
import { dirname, posix, resolve } from "node:path";
import { describe, expect, test } from "vitest";

/**
 * The rooms, and what each may import beside itself: other rooms, single modules, packages. A name that ends with `/` is
 * a folder. `type x` allows only `import type`: nothing of x is loaded.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "src/gateway/contract/": ["zod"],
  "src/gateway/registry/": ["src/gateway/contract/", "zod"],
  "src/gateway/port": ["type src/gateway/contract/"],
  "src/gateway/directory-port": ["type src/gateway/contract/", "type src/gateway/port"],
  "src/gateway/operations/": [
    "src/gateway/contract/",
    "src/gateway/registry/",
    "type src/gateway/directory-port",
    "type src/gateway/port",
    "zod",
  ],
  "src/gateway/stream/": [
    "src/gateway/contract/",
    "src/gateway/registry/definition-error",
    "src/gateway/registry/duration",
    "type src/gateway/port",
  ],
  "src/gateway/auth/": [
    "src/gateway/contract/",
    "src/gateway/registry/definition-error",
    "hono",
    "node:crypto",
    "standardwebhooks",
    "zod",
  ],
  "src/gateway/durable/": ["src/gateway/contract/", "type src/gateway/port", "node:crypto"],
  "src/gateway/webhook/": [
    "src/gateway/auth/path-pattern",
    "src/gateway/contract/",
    "src/gateway/durable/",
    "cloudflare:workers",
    "standardwebhooks",
  ],
  "src/gateway/directory/": [
    "src/gateway/auth/grant",
    "src/gateway/contract/",
    "src/gateway/durable/",
    "src/gateway/webhook/",
    "type src/gateway/directory-port",
    "type src/gateway/port",
    "cloudflare:workers",
    "node:crypto",
  ],
  "src/gateway/agent/": [
    "src/gateway/auth/link-token",
    "src/gateway/auth/signing-keys",
    "src/gateway/contract/",
    "src/gateway/durable/",
    "src/gateway/registry/",
    "src/gateway/stream/cursor",
    "src/gateway/webhook/payload",
    "src/gateway/webhook/reach",
    "src/gateway/webhook/subscription",
    "type src/gateway/webhook/messages",
    "type src/gateway/port",
    "agents",
    "cloudflare:workers",
    "node:async_hooks",
    "node:crypto",
    "type zod",
  ],
  "src/gateway/workflow/": [
    "src/gateway/agent/",
    "src/gateway/contract/",
    "src/gateway/durable/",
    "src/gateway/registry/",
    "agents",
    "cloudflare:workers",
    "node:async_hooks",
    "node:crypto",
    "type zod",
  ],
  "routes/": [
    "src/gateway/auth/",
    "src/gateway/contract/",
    "src/gateway/operations/",
    "src/gateway/stream/",
    "type src/gateway/directory-port",
    "type src/gateway/port",
    "type src/gateway/registry/",
    "@hono/zod-openapi",
    "hono",
    "zod",
  ],
  "openapi/": [
    "src/gateway/contract/",
    "src/gateway/operations/",
    "type routes/gateway-env",
    "routes/rest-route",
    "@hono/zod-openapi",
    "@scalar/hono-api-reference",
    "hono",
    "zod",
  ],
  // What a request is, is the same at every door.
  "src/gateway/trpc/": [
    "routes/address",
    "routes/asking",
    "routes/events",
    "routes/json-body",
    "routes/json-text",
    "routes/middleware",
    "routes/problem-response",
    "routes/rate-limit",
    "routes/receive",
    "type routes/gateway-env",
    "src/gateway/contract/",
    "src/gateway/operations/",
    "src/gateway/registry/definition-error",
    "src/gateway/stream/",
    "type src/gateway/auth/",
    "type src/gateway/port",
    "type src/gateway/registry/",
    "@trpc/server",
    "type hono",
    "type zod",
  ],
  "src/gateway/mcp/": [
    "routes/asking",
    "routes/events",
    "routes/input",
    "routes/json-body",
    "routes/middleware",
    "routes/preferences",
    "routes/problem-response",
    "routes/rate-limit",
    "routes/receive",
    "routes/waiting",
    "type routes/gateway-env",
    "src/gateway/auth/grant",
    "src/gateway/contract/",
    "src/gateway/operations/",
    "type src/gateway/auth/",
    "type src/gateway/port",
    "type src/gateway/registry/",
    "@modelcontextprotocol/server",
    "type hono",
    "zod",
  ],
  "src/gateway/client/": ["type src/gateway/contract/", "type src/gateway/registry/", "eventsource-parser"],
  "src/client": ["src/gateway/client/"],
  "src/types": ["type src/gateway/contract/", "type src/gateway/registry/"],
  "src/gateway/app": [
    "openapi/",
    "routes/",
    "src/gateway/agent/",
    "src/gateway/auth/",
    "src/gateway/contract/",
    "src/gateway/directory/",
    "src/gateway/mcp/",
    "src/gateway/operations/",
    "src/gateway/registry/",
    "src/gateway/stream/",
    "src/gateway/trpc/",
    "hono",
  ],
  "src/gateway": [
    "src/gateway/agent/",
    "src/gateway/app",
    "src/gateway/contract/",
    "src/gateway/directory/",
    "src/gateway/registry/",
    "src/gateway/webhook/",
    "src/gateway/workflow/",
    "type src/gateway/trpc/",
  ],
  "src/desk/": ["src/gateway", "agents", "papaparse", "zod"],
  "src/index": ["src/desk/", "src/gateway"],
  // In the place of packages: see wrangler.jsonc.
  "src/left-out/": [],
};

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** Every import and re-export of a module: static, of types, and dynamic. */
function importsOf(source: string): Import[] {
  const fromClause =
    /(?:^|;)\s*(?:import|export)\b(\s+type\b(?!\s*(?:,|from\b)))?[\w$\s*,]*(?:\{[^}]*\})?\s*from\s*(["'])([^"']+)\2/gm;
  const bare = /(?:^|;)\s*import\s*(["'])([^"']+)\1/gm;
  const dynamic = /\bimport\(\s*(?:(["'`])([^"'`]+)\1)?/g;
  return [
    ...Array.from(source.matchAll(fromClause), ([, type, , specifier = ""]) => ({
      specifier,
      typeOnly: type !== undefined,
    })),
    ...Array.from(source.matchAll(bare), ([, , specifier = ""]) => ({ specifier, typeOnly: false })),
    // What is imported by a name that is only known later cannot be checked, and so is not allowed.
    ...Array.from(source.matchAll(dynamic), ([, , specifier = "a computed name"]) => ({
      specifier,
      typeOnly: false,
    })),
  ];
}

/** The module that a specifier leads to, without its extension; a package as it is. */
function targetOf(file: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.join(dirname(file), specifier).replace(/\.ts$/, "") : specifier;
}

/** Whether `name` of the table stands for a module or package. */
function covers(name: string, target: string): boolean {
  return name.endsWith("/")
    ? target.startsWith(name)
    : target === name || (isPackage(name) && target.startsWith(`${name}/`));
}

function isPackage(name: string): boolean {
  return !/^(?:src|routes|openapi)\b/.test(name);
}

/** Everything that is wrong with the imports of one module. */
function brokenArrows(file: string, source: string): string[] {
  const module = file.replace(/\.ts$/, "");
  const room = Object.keys(ROOMS)
    .filter((name) => covers(name, module))
    .toSorted((a, b) => b.length - a.length)[0];
  if (room === undefined) return [`${file} is in no room: put it in one, or add its room to the table`];
  const allowed = ROOMS[room] ?? [];
  return importsOf(source).flatMap(({ specifier, typeOnly }) => {
    const target = targetOf(file, specifier);
    const may = [room, ...allowed].some((entry) =>
      entry.startsWith("type ")
        ? typeOnly && covers(entry.slice("type ".length), target)
        : covers(entry, target),
    );
    if (may) return [];
    return [
      `${file} imports ${typeOnly ? "types of " : ""}"${specifier}"; ${room} may import: ${allowed.join(", ")}`,
    ];
  });
}

/** The first way that leads from a node back to itself, if there is one. */
function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(node)) return [...way.slice(way.indexOf(node)), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const cycle = visit(next, [...way, node]);
      if (cycle !== undefined) return cycle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const cycle = visit(node, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const ROOT = resolve(import.meta.dirname, "..");
const files = globSync("{src,routes,openapi}/**/*.ts", { cwd: ROOT })
  .map((file) => file.replaceAll("\\", "/"))
  .filter((file) => !file.endsWith(".d.ts"))
  .toSorted();
const sources = new Map(files.map((file) => [file, readFileSync(resolve(ROOT, file), "utf8")]));

describe("the arrows between rooms", () => {
  test.each([...sources])("are held by %s", (file, source) => {
    expect(brokenArrows(file, source)).toEqual([]);
  });

  test("are held by every room: none is empty", () => {
    const modules = files.map((file) => file.replace(/\.ts$/, ""));
    expect(Object.keys(ROOMS).filter((room) => !modules.some((module) => covers(room, module)))).toEqual([]);
  });

  test("lead to modules that are there, by their own path and not through an index", () => {
    const lost = [...sources].flatMap(([file, source]) =>
      importsOf(source)
        .filter(({ specifier }) => specifier.startsWith("."))
        .filter(({ specifier }) => !sources.has(`${targetOf(file, specifier)}.ts`))
        .map((lostOne) => [file, lostOne.specifier]),
    );
    expect(lost).toEqual([]);
  });

  test("never lead back to where they begin, from module to module, types included", () => {
    const graph = new Map(
      [...sources].map(([file, source]) => [
        file.replace(/\.ts$/, ""),
        importsOf(source).map(({ specifier }) => targetOf(file, specifier)),
      ]),
    );
    expect(findCycle(graph)).toBeUndefined();
  });

  test("are allowed by a table that has no cycle of rooms itself", () => {
    const roomOf = (entry: string) =>
      Object.keys(ROOMS).find((room) => covers(room, entry) || room === entry) ?? entry;
    const graph = new Map(
      Object.entries(ROOMS).map(([room, allowed]) => [
        room,
        allowed.map((entry) => roomOf(entry.replace(/^type /, ""))),
      ]),
    );
    expect(findCycle(graph)).toBeUndefined();
  });

  test("leave the Agents SDK and the platform to webhook/, directory/, agent/ and workflow/, and to the user of the library", () => {
    const withPlatform = Object.keys(ROOMS).filter((room) =>
      ROOMS[room]?.some((entry) => /^(?:type )?(?:agents|cloudflare:)/.test(entry)),
    );
    expect(withPlatform).toEqual([
      "src/gateway/webhook/",
      "src/gateway/directory/",
      "src/gateway/agent/",
      "src/gateway/workflow/",
      "src/desk/",
    ]);
  });
});

describe("the checker", () => {
  const CONTRACT = "src/gateway/contract/made-up.ts";
  const OPERATIONS = "src/gateway/operations/made-up.ts";

  test.each([
    ["a static import", CONTRACT, 'import { Store } from "../agent/store";'],
    ["an import of types", CONTRACT, 'import type { Store } from "../agent/store";'],
    ["an import over several lines", CONTRACT, 'import {\n  type Row,\n  Store,\n} from "../agent/store";'],
    ["a default import", CONTRACT, "import Papa from 'papaparse';"],
    ["a default import beside others", CONTRACT, 'import Papa, { parse } from "papaparse";'],
    ["an import of everything", CONTRACT, 'import * as agents from "agents";'],
    ["an import for its effect", CONTRACT, 'import "agents";'],
    ["a re-export", CONTRACT, 'export { Store } from "../agent/store";'],
    ["a re-export of everything", CONTRACT, 'export * from "../agent/store";'],
    ["a re-export of types", CONTRACT, 'export type { Row } from "../agent/store";'],
    ["a dynamic import", CONTRACT, 'const store = await import("../agent/store");'],
    ["a dynamic import of a computed name", CONTRACT, "const store = await import(name);"],
    ["the type of a dynamic import", CONTRACT, 'let store: import("../agent/store").Store;'],
    ["an import with its extension", CONTRACT, 'import { Store } from "../agent/store.ts";'],
    ["a deep import of a package", CONTRACT, 'import { AgentWorkflow } from "agents/workflows";'],
    ["a package whose name only begins like an allowed one", CONTRACT, 'import { z } from "zod-extra";'],
    ["a value where only types are allowed", OPERATIONS, 'import { openPort } from "../port";'],
    ["inline types, which load the module all the same", OPERATIONS, 'import { type Port } from "../port";'],
    ["a value that is called `type`", OPERATIONS, 'import type from "../port";'],
    [
      "another module than the one that is allowed",
      "src/gateway/agent/made-up.ts",
      'import { eventFrame } from "../stream/frame";',
    ],
    [
      "the inside of the library",
      "src/desk/made-up.ts",
      'import { createRegistry } from "../gateway/registry/registry";',
    ],
    ["the reference app", "src/gateway/agent/made-up.ts", 'import { Catalog } from "../../desk/catalog";'],
    [
      "the durable side from a door",
      "routes/made-up.ts",
      'import { createPort } from "../src/gateway/agent/port";',
    ],
  ])("finds %s", (_, file, source) => {
    expect(brokenArrows(file, source)).toHaveLength(1);
  });

  test("says which module imports what, and what it may import", () => {
    expect(brokenArrows(CONTRACT, 'import { Store } from "../agent/store";')).toEqual([
      'src/gateway/contract/made-up.ts imports "../agent/store"; src/gateway/contract/ may import: zod',
    ]);
  });

  test("finds each of several, in whatever form they come", () => {
    const source = [
      'import { z } from "zod";',
      'import type { Store } from "../agent/store";',
      'import { Name } from "./names"; import "agents";',
      'export { Port } from "../port";',
    ].join("\n");
    expect(
      importsOf(source).map(({ specifier, typeOnly }) => `${typeOnly ? "type " : ""}${specifier}`),
    ).toEqual(["zod", "type ../agent/store", "./names", "../port", "agents"]);
    expect(brokenArrows(CONTRACT, source)).toHaveLength(3);
  });

  test("lets pass what is allowed", () => {
    const source = [
      '// import { Store } from "../agent/store";',
      'import { z } from "zod";',
      'import { Name } from "../contract/names";',
      'import type { Port } from "../port";',
      'import type { AgentPort } from "../port.ts";',
      'import { pascal } from "./words";',
      'export type Word = "import" | "from";',
      "export const text = `taken from ${pascal}`;",
    ].join("\n");
    expect(brokenArrows(OPERATIONS, source)).toEqual([]);
  });

  test("refuses a module that is in no room", () => {
    expect(brokenArrows("src/gateway/attic/made-up.ts", "")).toEqual([expect.stringContaining("in no room")]);
    expect(brokenArrows("src/gateway/port-two.ts", "")).toEqual([expect.stringContaining("in no room")]);
  });

  test("misses no import of the modules that are there", () => {
    for (const [file, source] of sources) {
      const mentioned = source.match(/\bfrom "[^"]+";$/gm) ?? [];
      const found = importsOf(source).map(({ specifier }) => `from "${specifier}";`);
      expect(found, file).toEqual(expect.arrayContaining([...mentioned]));
    }
  });

  test("finds a way that leads back", () => {
    const graph = new Map([
      ["a", ["b"]],
      ["b", ["c", "d"]],
      ["c", []],
      ["d", ["b"]],
    ]);
    expect(findCycle(graph)).toEqual(["b", "d", "b"]);
    expect(findCycle(new Map([["a", ["a"]]]))).toEqual(["a", "a"]);
    expect(
      findCycle(
        new Map([
          ["a", ["b", "c"]],
          ["b", ["c"]],
          ["c", []],
        ]),
      ),
    ).toBeUndefined();
  });
});
