// Measures what a Worker with the gateway weighs, and how long its first answer takes, beside a stock one: npm run bench:start [-- --rounds 15]
import { mkdtemp, rm } from "node:fs/promises";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ROOT } from "../scripts/local-environment.ts";
import { describeMachine } from "../test/support/machine.ts";
import { bundle, bundleSize } from "./bundle-size.ts";
import { type ColdStart, measureColdStart } from "./cold-start.ts";
import { type Spread, spreadOf, writeSection } from "./report.ts";

const KEY = "sy_test_4f1c2b7d9e0a6358";

/** The least that one would write by hand, and the reference app; what each answers by itself, and what by way of an Agent. */
const CONTENDERS = {
  "by hand": { config: "bench/workers/stock.jsonc", worker: "/healthz", agent: "/" },
  gateway: { config: "wrangler.jsonc", worker: "/healthz", agent: "/agents/catalog/cold/instances" },
} as const;
const ASKED = ["worker", "agent"] as const;
type Contender = keyof typeof CONTENDERS;
type Asked = (typeof ASKED)[number];

const { values } = parseArgs({ options: { rounds: { type: "string", default: "15" } } });
const rounds = Number(values.rounds);
const folder = await mkdtemp(join(tmpdir(), "switchyard-start-"));
const scripts = new Map<Contender, string>();
const starts = new Map<`${Contender} ${Asked}`, ColdStart[]>();
const load: number[] = [];

try {
  const names = Object.keys(CONTENDERS) as Contender[];
  for (const name of names) scripts.set(name, await bundle(CONTENDERS[name].config, join(folder, name)));
  // In turns, so that what else the machine does hits all alike.
  for (let round = 0; round < rounds; round += 1) {
    for (const name of names) {
      for (const asked of ASKED) {
        load.push(loadavg()[0] ?? 0);
        const { config, [asked]: path } = CONTENDERS[name];
        const start = await measureColdStart({ config, script: scripts.get(name) ?? "", path, key: KEY });
        starts.set(`${name} ${asked}`, [...(starts.get(`${name} ${asked}`) ?? []), start]);
      }
    }
  }
  const [hand, gateway] = await Promise.all([sizeOf("by hand"), sizeOf("gateway")]);
  const rows = [
    ...(["minified", "gzip"] as const).map((figure) =>
      row(`${figure}, KB`, alone(hand[figure] / 1000), alone(gateway[figure] / 1000)),
    ),
    ...ASKED.flatMap((asked) =>
      (["processorMs", "clockMs"] as const).map((figure) => {
        const spread = (name: Contender): Spread =>
          spreadOf((starts.get(`${name} ${asked}`) ?? []).map((start) => start[figure]));
        const what = `first answer of ${asked === "worker" ? "the Worker" : "an Agent"}`;
        return row(
          `${what}, ms of the ${figure === "clockMs" ? "clock" : "processor"}`,
          spread("by hand"),
          spread("gateway"),
        );
      }),
    ),
  ];
  const mean = load.reduce((sum, each) => sum + each, 0) / load.length;
  await writeSection(
    join(ROOT, "bench", "results.md"),
    "Start",
    [
      `Written by \`npm run bench:start -- --rounds ${rounds}\` on ${new Date().toISOString().slice(0, 10)}, on ${describeMachine()}; mean load of the machine ${mean.toFixed(1)}.`,
      "Median (least–most).",
      "",
      "|  | by hand | gateway | ratio |",
      "|---|---:|---:|---:|",
      ...rows,
    ].join("\n"),
  );
  console.log(rows.join("\n"));
} finally {
  await rm(folder, { recursive: true });
}

function sizeOf(name: Contender) {
  return bundleSize(scripts.get(name) ?? "");
}

function alone(figure: number): Spread {
  return { median: figure, least: figure, most: figure };
}

function row(what: string, hand: Spread, gateway: Spread): string {
  return `| ${what} | ${shown(hand)} | ${shown(gateway)} | ${(gateway.median / hand.median).toFixed(2)} |`;
}

function shown({ median, least, most }: Spread): string {
  const range = least === most ? "" : ` (${least.toFixed(0)}–${most.toFixed(0)})`;
  return `${median.toFixed(0)}${range}`;
}
