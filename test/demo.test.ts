import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Client } from "../scripts/demo-client.ts";
import { datasetName } from "../scripts/demo-csv.ts";
import { importCsv } from "../scripts/demo-import.ts";
import { createTerminal, type Terminal } from "../scripts/demo-terminal.ts";
import { ensureLocalKey, ensureLocalSecret } from "../scripts/local-key.ts";
import { ask, inspect } from "./support/received.ts";

const DEMO = join(import.meta.dirname, "..", "scripts", "demo.ts");
/** Shorter than the patience of the test runner, so that nothing outlives a test. */
const DEMO_TIMEOUT_MS = 50_000;

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "switchyard-demo-"));
});
afterEach(() => rm(directory, { recursive: true }));

interface Ended {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

function runDemo(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [DEMO, ...args], { timeout: DEMO_TIMEOUT_MS }, (error, stdout, stderr) => {
      inspect("npm run demo", `${stdout}\n${stderr}`);
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}

async function writeCsv(name: string, text: string): Promise<string> {
  const file = join(directory, name);
  await writeFile(file, text);
  return file;
}

function drawHalves(terminal: Terminal): void {
  terminal.progress("read", 500, 1000, "line");
  terminal.progress("read", 1000, 1000, "line");
  terminal.line("done");
}

function printed(text: string): string {
  return text.replaceAll("\u{1b}[K", "<erase>");
}

function shown(draw: (terminal: Terminal) => void, isTTY = false): string {
  const written: string[] = [];
  draw(createTerminal({ isTTY, write: (text: string) => written.push(text) }));
  return written.join("");
}

describe("npm run demo", () => {
  test("imports the airports over HTTP, is approved, and shows the result", async () => {
    const { code, stdout, stderr } = await runDemo();

    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /POST \/agents\/catalog\/acme\/sub\/dataset\/airports\/workflows\/import-dataset {2}202/,
    );
    expect(stdout).toMatch(/GET \/agents\/\S+\/instances\/\S+\/events {2}200/);
    expect(stdout).toContain("3,376 of 3,376 lines");
    expect(stdout).toContain("Load 3,376 rows of airports.csv, and reject 0 lines?");
    expect(stdout).toMatch(
      /POST \/agents\/\S+\/approvals\/apr_\S+\/links {2}201\n\s+\/approvals\/[\w-]+\.[\w-]+\.[\w-]+\n/,
    );
    expect(stdout).toContain("POST /webhooks/approvals  200");
    expect(stdout).toContain("3,376 of 3,376 rows");
    expect(stdout).toContain("3,376 rows loaded, 0 lines rejected");
    expect(stdout).toMatch(/checksum [0-9a-f]{64}\n/);
    expect(stdout).toContain("note     Approved by npm run demo");
    expect(stdout.split("5. Read rows back")[1]).toMatch(
      /iata +name[^]*00M +Thigpen[^]*00V +Meadow Lake[^]*3 of 3,376 rows/,
    );
    expect(stdout).toContain("/docs");
  });

  test("leaves nothing behind that listens", async () => {
    const { stdout } = await runDemo(await writeCsv("small.csv", "id,name\n1,one\n"));
    const [, address] = /on (http:\/\/127\.0\.0\.1:\d+)/.exec(stdout) ?? [];

    await expect(ask(new URL(`${address}/healthz`))).rejects.toMatchObject({
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("imports a file of one's own, and says which of its lines are rejected", async () => {
    const file = await writeCsv("My towns.csv", "id,name,latitude\n1,Here,12.5\n2,Nowhere,95\n3,Far\n");
    const { code, stdout } = await runDemo(file);

    expect(code).toBe(0);
    expect(stdout).toContain("POST /agents/catalog/acme/sub/dataset/My-towns/workflows/import-dataset  202");
    expect(stdout).toContain("line 3: latitude: ");
    expect(stdout).toContain("line 4: has 2 values where the header names 3 columns");
    expect(stdout).toContain("1 row loaded, 2 lines rejected");
  });

  test("fails, and says why, if the import fails", async () => {
    const { code, stdout, stderr } = await runDemo(await writeCsv("no-header.csv", "1,2\n3,4\n"));

    expect(code).toBe(1);
    expect(stdout).toContain("workflows/import-dataset  202");
    expect(stderr).toBe(
      'The import failed: The CSV has no header: "1" in its first line is not the name of a column.\n',
    );
  });

  test("fails, and says why, if the gateway refuses", async () => {
    const { code, stderr } = await runDemo(
      await writeCsv("large.csv", `id\n${"12345678\n".repeat(150_000)}`),
    );

    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^The gateway refused POST \S+\/import-dataset: 413, The body is larger than the limit\..*\n$/,
    );
  });

  test.each([
    { args: ["no-such.csv"], sentence: "There is no file no-such.csv.\n" },
    {
      args: ["one.csv", "two.csv"],
      sentence: expect.stringMatching(/^The demo takes one CSV file, or none, /),
    },
    { args: ["--kept"], sentence: expect.stringMatching(/^The demo takes one CSV file, or none, /) },
  ])("refuses $args", async ({ args, sentence }) => {
    const { code, stderr } = await runDemo(...args);

    expect(code).toBe(1);
    expect(stderr).toEqual(sentence);
  });

  test("fails if the stream ends before the import does", async () => {
    const client: Client = {
      get: () => Promise.reject(new Error("is not reached")),
      callBack: () => Promise.reject(new Error("is not reached")),
      post: () => Promise.resolve({ id: "one", links: { self: "/one", events: "/one/events" } }),
      async *follow() {
        const common = {
          id: "1",
          agent: "/",
          instanceId: "one",
          workflow: "import-dataset",
          attempt: 1,
          time: "",
        };
        yield { ...common, type: "instance.started", data: {} } as const;
      },
    };
    const terminal = createTerminal({ write: () => true });

    await expect(importCsv(client, { source: "a.csv", dataset: "a", text: "a" }, terminal)).rejects.toThrow(
      "The event stream ended after instance.started, before the import was complete.",
    );
  });
});

test.each([
  ["airports.csv", "airports"],
  ["/data/My Dätä (1).tsv", "My-Data-1"],
  ["sub.csv", "data-sub"],
  ["__proto.csv", "data-__proto"],
  ["数据.csv", "data"],
  [`${"x".repeat(200)}.csv`, "x".repeat(128)],
])("the data set of %s is called %s", (file, name) => {
  expect(datasetName(file)).toBe(name);
});

describe("what the demo shows", () => {
  test("draws progress over itself on a terminal, and line by line elsewhere", () => {
    expect(shown(drawHalves, true).split("\r").map(printed)).toEqual([
      "",
      expect.stringMatching(/^ {3}read .* {2}500 of 1,000 lines<erase>$/),
      expect.stringMatching(/^ {3}read .* {2}1,000 of 1,000 lines<erase>\n {3}done\n$/),
    ]);
    expect(shown(drawHalves)).toMatch(
      /^ {3}read .* {2}500 of 1,000 lines\n {3}read .*1,000 of 1,000 lines\n {3}done\n$/,
    );
  });

  test("aligns a table, and shows no control characters of a file", () => {
    const rows = [
      { id: 1, name: "a\u{1b}[31mb" },
      { id: 20, name: null },
    ];

    expect(shown((terminal) => terminal.table(["id", "name"], rows))).toBe(
      "   id  name\n    1  a [31mb\n   20\n",
    );
  });

  test("counts the columns that do not fit", () => {
    const columns = Array.from({ length: 9 }, (_, at) => `column number ${at}`);

    expect(shown((terminal) => terminal.table(columns, []))).toContain(
      "column number 4\n   (and 4 more columns)\n",
    );
  });
});

describe("the key of local development", () => {
  test("is made by the first start, for its owner only, and kept by the second", async () => {
    const first = await ensureLocalKey(directory);
    const second = await ensureLocalKey(directory);
    const file = join(directory, ".dev.vars");

    expect(first).toEqual({ key: expect.stringMatching(/^sy_local_[0-9a-f]{48}$/), made: true });
    expect(second).toEqual({ key: first.key, made: false });
    expect(await readFile(file, "utf8")).toBe(`SWITCHYARD_API_KEY=${first.key}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test("has the secret of the other system beside it, which is made and kept in the same way", async () => {
    const { key } = await ensureLocalKey(directory);
    const secret = await ensureLocalSecret(directory);

    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    expect(await ensureLocalSecret(directory)).toBe(secret);
    const text = `SWITCHYARD_API_KEY=${key}\nQUALITY_CHECK_SECRET=${secret}\n`;
    expect(await readFile(join(directory, ".dev.vars"), "utf8")).toBe(text);
  });

  test("is added to a file that holds other things, which stay", async () => {
    const file = await writeCsv(".dev.vars", "# mine\nOTHER='a b'");
    const { key } = await ensureLocalKey(directory);

    expect(await readFile(file, "utf8")).toBe(`# mine\nOTHER='a b'\nSWITCHYARD_API_KEY=${key}\n`);
  });

  test("is used as it is if the file has one", async () => {
    const text = 'OTHER=1\nSWITCHYARD_API_KEY="a-key-of-my-own-making"\n';
    const file = await writeCsv(".dev.vars", text);

    expect(await ensureLocalKey(directory)).toEqual({ key: "a-key-of-my-own-making", made: false });
    expect(await readFile(file, "utf8")).toBe(text);
  });

  test("is made if the file names it without a value", async () => {
    await writeCsv(".dev.vars", "SWITCHYARD_API_KEY=\n");
    const { key, made } = await ensureLocalKey(directory);

    expect(made).toBe(true);
    expect(await ensureLocalKey(directory)).toEqual({ key, made: false });
  });
});
