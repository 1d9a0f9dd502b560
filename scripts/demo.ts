// Shows the gateway at work: npm run demo [-- path/to/your.csv] [--keep]
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { createClient } from "./demo-client.ts";
import { readCsv } from "./demo-csv.ts";
import { DemoFailure, explainFailure } from "./demo-failure.ts";
import { createDemoGateway } from "./demo-gateway.ts";
import { datasetPath, importCsv } from "./demo-import.ts";
import { createTerminal } from "./demo-terminal.ts";
import { makeKey, makeSecret } from "./local-key.ts";

const TIME_LIMIT_MS = 120_000;
const CLOSING_LIMIT_MS = 10_000;

const terminal = createTerminal(process.stdout);

function readArguments(): { file: string | undefined; keep: boolean } {
  const { values, positionals } = parseArgs({
    options: { keep: { type: "boolean" } },
    allowPositionals: true,
    strict: false,
  });
  const { keep = false, ...unknown } = values;
  const [file, ...others] = positionals;
  if (typeof keep !== "boolean" || others.length > 0 || Object.keys(unknown).length > 0) {
    throw new DemoFailure(
      "The demo takes one CSV file, or none, and --keep: npm run demo -- [your.csv] [--keep]",
    );
  }
  return { file, keep };
}

async function demo(): Promise<void> {
  const { file, keep } = readArguments();
  const csv = await readCsv(file);
  const key = makeKey("demo");
  const secret = makeSecret();
  const gateway = await createDemoGateway(key, secret);
  const limit = timeLimit();
  try {
    const url = await Promise.race([gateway.listen(), limit.exceeded]);
    terminal.heading(`Switchyard, on ${url.origin} with fresh storage`);
    const client = createClient({
      url,
      key,
      secret,
      signal: limit.signal,
      log: (line) => terminal.line(line),
    });
    await importCsv(client, csv, terminal);
    limit.stop();
    if (keep) await serveUntilStopped(url, key, csv.dataset);
    else sayWhatNext();
  } finally {
    limit.stop();
    // A gateway that does not close in time is ended as this process exits.
    await Promise.race([gateway.close(), delay(CLOSING_LIMIT_MS)]);
  }
}

function timeLimit(): { signal: AbortSignal; exceeded: Promise<never>; stop: () => void } {
  const controller = new AbortController();
  const { promise: exceeded, reject } = Promise.withResolvers<never>();
  exceeded.catch(() => {});
  const timer = setTimeout(() => {
    const failure = new DemoFailure(`The demo was not done within ${TIME_LIMIT_MS / 60_000} minutes.`);
    controller.abort(failure);
    reject(failure);
  }, TIME_LIMIT_MS);
  return { signal: controller.signal, exceeded, stop: () => clearTimeout(timer) };
}

function sayWhatNext(): void {
  terminal.heading("What next");
  terminal.line(
    "npm run demo -- --keep        the same, and the gateway stays up: its reference is at /docs",
  );
  terminal.line("npm run demo -- your.csv      import a file of your own");
  terminal.line("npm start                     serve at http://127.0.0.1:8787, reference at /docs");
}

async function serveUntilStopped({ origin }: URL, key: string, dataset: string): Promise<void> {
  const agent = `${origin}${datasetPath(dataset)}`;
  const authorization = `-H 'Authorization: Bearer ${key}'`;
  terminal.heading(`The gateway stays up until Ctrl-C; its reference is at ${origin}/docs`);
  terminal.line(`key ${key}`);
  terminal.line(`curl ${authorization} ${origin}/agents`);
  terminal.line(`curl ${authorization} ${agent}/instances`);
  terminal.line(`curl ${authorization} -H 'Accept: application/json' ${agent}/events`);
  terminal.line(
    `curl ${authorization} -H 'Content-Type: application/json' -d '{"offset":100,"limit":5}' ${agent}/methods/rows`,
  );
  await stopSignal();
  terminal.heading("Stopped.");
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      // The engine would exit at once, with the code of an interruption; here being stopped is the good end.
      process.removeAllListeners(signal);
      process.on(signal, () => resolve());
    }
  });
}

// The reader has left, as `head` does: there is nobody left to show anything to.
process.stdout.once("error", () => process.exit(1));

try {
  await demo();
} catch (failure) {
  process.exitCode = 1;
  terminal.line();
  console.error(process.env["DEBUG"] ? failure : explainFailure(failure));
}
// Not left to come by itself: what the engine may still hold open would keep the process alive.
process.exit();
