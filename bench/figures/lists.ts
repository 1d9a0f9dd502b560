import { ask, askJson, median } from "../client.ts";
import type { Figure, Ground, Sample } from "../figure.ts";
import { agentAt } from "../jobs.ts";
import type { Systems } from "../systems.ts";

const PAGE = 50;
/** The largest page there is, to walk by. */
const STRIDE = 100;
const SIZES = [100, 1_000, 10_000, 100_000] as const;
const CHILDREN = 20;
/** Instances in each of the children: so that all of them are on one page, and so that few are. */
const CHILD_SIZES = [2, 1_000] as const;
const MOST_REQUESTS = 100;
const LONGEST_MS = 700;
const WARM_UP = 5;

/** One way to ask for a page: by its cursor, or by a filter, as Switchyard and as the SDK write it. */
interface Kind {
  readonly title: string;
  readonly how: string;
  readonly isMiddle?: boolean;
  readonly query?: string;
  readonly criteria?: object;
}

const KINDS: readonly Kind[] = [
  { title: "List: first page", how: "The newest." },
  { title: "List: middle page", how: "The one after half of all.", isMiddle: true },
  {
    title: "List: of a status",
    how: "That of one in ten.",
    query: "&status=terminated",
    criteria: { status: "terminated" },
  },
  {
    title: "List: of a workflow",
    how: "That of every other.",
    query: "&workflow=ticker",
    criteria: { workflowName: "TICKER" },
  },
  {
    title: "List: with a label",
    how: "That of one in a hundred.",
    query: `&metadata=${encodeURIComponent('{"owner":"owner-7"}')}`,
    criteria: { metadata: { owner: "owner-7" } },
  },
];

/** One list: asks for a page of it. */
type AskPage = (kind: Kind) => Promise<unknown>;

/** What is asked for a page, filled once they are seeded. */
const lists = new Map<string, AskPage>();

async function seedAll({ systems }: Ground): Promise<void> {
  if (lists.size > 0) return;
  for (const size of SIZES) {
    const agent = agentAt(`many-${size}`);
    await ask("POST", systems.url("switchyard", `${agent}/methods/seed`), { count: size });
    lists.set(named("Switchyard", size), await switchyardList(systems, agent, size));
    await ask("POST", systems.url("by-hand", `/many-${size}/seed/${size}`));
    lists.set(named("by hand", size), await byHandList(systems, `many-${size}`, size));
  }
  for (const size of CHILD_SIZES) {
    const parent = agentAt(`family-${size}`);
    for (let child = 1; child <= CHILDREN; child += 1) {
      const seed = systems.url("switchyard", `${parent}/sub/tray/child-${child}/methods/seed`);
      await ask("POST", seed, { count: size });
    }
    const list = await switchyardList(systems, parent, size * CHILDREN, "&scope=subtree");
    lists.set(familyOf(size), list);
  }
}

/** Walks to the middle by its cursors, since they are sealed. */
async function switchyardList(systems: Systems, agent: string, size: number, scope = ""): Promise<AskPage> {
  const url = (query: string): URL => systems.url("switchyard", `${agent}/instances?${query}${scope}`);
  let middle = "";
  for (let seen = 0; seen < size / 2;) {
    const limit = Math.min(STRIDE, size / 2 - seen);
    const page = await askJson<{ items: unknown[]; nextCursor: string }>(
      "GET",
      url(`limit=${limit}${middle}`),
    );
    seen += page.items.length;
    middle = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
  return ({ isMiddle = false, query = "" }) =>
    ask("GET", url(`limit=${PAGE}${query}${isMiddle ? middle : ""}`));
}

/** Makes the cursor of the middle as the SDK makes it: to walk there would take minutes. */
async function byHandList(systems: Systems, name: string, size: number): Promise<AskPage> {
  const url = systems.url("by-hand", `/${name}/list`);
  const { workflows } = await askJson<{ workflows: { createdAt: string }[] }>("POST", url, { limit: 1 });
  // They were seeded a second apart, and numbered.
  const newest = Date.parse(workflows[0]?.createdAt ?? "") / 1_000;
  const cursor = btoa(JSON.stringify({ c: newest - size / 2, i: `run-${size / 2}` }));
  return ({ isMiddle = false, criteria = {} }) =>
    ask("POST", url, { limit: PAGE, ...criteria, ...(isMiddle ? { cursor } : {}) });
}

/** Asks one page after the other. */
async function measure({ systems }: Ground, name: string, kind: Kind): Promise<Sample> {
  const page = lists.get(name);
  if (page === undefined) throw new Error(`there is no list "${name}"`);
  for (let n = 0; n < WARM_UP; n += 1) await page(kind);
  const took: number[] = [];
  const processor = systems.processor();
  const end = performance.now() + LONGEST_MS;
  while (took.length < MOST_REQUESTS && performance.now() < end) {
    const since = performance.now();
    await page(kind);
    took.push(performance.now() - since);
  }
  return { p50: median(took), processor: (systems.processor() - processor) / took.length };
}

function named(system: string, size: number): string {
  return `${system}, ${size.toLocaleString("en")}`;
}

function familyOf(size: number): string {
  return `Switchyard, subtree of ${CHILDREN} × ${size.toLocaleString("en")}`;
}

const NAMES = [
  ...SIZES.map((size) => named("Switchyard", size)),
  ...CHILD_SIZES.map(familyOf),
  ...SIZES.map((size) => named("by hand", size)),
];

/** A page of an agent's instances, among few and among many: of each kind a figure. */
export const listPages: readonly Figure[] = KINDS.map((kind) => ({
  title: kind.title,
  how: `${kind.how} Pages of ${PAGE}, one after the other, of lists that SQL has filled; by hand it is the SDK's \`getWorkflows\`, which also counts.`,
  columns: {
    p50: { heading: "p50, ms", digits: 2 },
    processor: { heading: "processor a page, ms", digits: 2 },
  },
  base: named("by hand", 10_000),
  prepare: seedAll,
  contenders: Object.fromEntries(
    NAMES.map((name) => [name, (on: Ground) => measure(on, name, kind)] as const),
  ),
}));
