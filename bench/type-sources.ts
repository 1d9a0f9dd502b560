// What is compiled for the figures of figures/types.ts.

/** Agents, and workflows of each. */
export const SIZES = [1, 10] as const;

/** What uses a gateway: nothing, or one of its clients, which then starts each of its workflows. */
export const USES = {
  "neither client": () => "",
  client: (agents: number) =>
    [
      'import { createClient } from "../../src/client";',
      'const client = createClient<App>({ url: "http://x" });',
      ...each(agents, (a, w) => [
        `const c${a}x${w} = client.agent("agent-${a}", "x").workflow("job-${a}-${w}");`,
        `export const i${a}x${w} = c${a}x${w}.start({ text${a}x${w}: "x" }).then(async ({ id }) => {`,
        `  for await (const event of c${a}x${w}.events({ instance: id }))`,
        `    if (event.type === "instance.progress") return event.data.progress.done${w};`,
        `  return (await c${a}x${w}.wait(id)).rows${w};`,
        "});",
      ]),
    ].join("\n"),
  "tRPC client": (agents: number) =>
    [
      'import type { TRPCClient } from "@trpc/client";',
      'import type { AppRouter } from "../../src/gateway";',
      "declare const trpc: TRPCClient<AppRouter<App>>;",
      ...each(agents, (a, w) => [
        `export const t${a}x${w} = trpc.agent${a}.job${a}${w}.start.mutate({ name: "x", params: { text${a}x${w}: "x" } })`,
        `  .then((shown) => (shown.status === "complete" ? shown.output.rows${w} : shown.progress?.done${w}));`,
      ]),
    ].join("\n"),
};

function each(size: number, lines: (agent: number, workflow: number) => readonly string[]): string[] {
  const numbers = Array.from({ length: size }, (_, n) => n);
  return numbers.flatMap((agent) => numbers.flatMap((workflow) => lines(agent, workflow)));
}

/** A gateway of as many agents, each with as many workflows, all of different types. */
export function gatewayOf(size: number): string {
  const agents = Array.from({ length: size }, (_, n) => n);
  return [
    'import { z } from "zod";',
    'import { createGateway, defineAgent, defineWorkflow } from "../../src/gateway";',
    ...each(size, (a, w) => [
      `const w${a}x${w} = defineWorkflow({`,
      `  name: "job-${a}-${w}", binding: "JOB_${a}_${w}",`,
      `  params: z.object({ text${a}x${w}: z.string(), count: z.number().optional(), deep: z.object({ list: z.array(z.string()) }).optional() }),`,
      `  progress: z.object({ stage: z.enum(["read", "load"]), done${w}: z.number() }),`,
      `  approval: z.object({ note: z.string().optional() }).optional(),`,
      `  output: z.object({ rows${w}: z.number(), notes: z.array(z.object({ line: z.number(), text: z.string() })) }),`,
      `  events: { "poke-${w}": z.object({ text: z.string() }) },`,
      "});",
    ]),
    ...agents.flatMap((a) => [
      `class C${a} { m${a}({ id }: { id: string }): { at: number } { return { at: id.length }; } }`,
      `const a${a} = defineAgent({ name: "agent-${a}", binding: "C${a}", agent: C${a}, state: z.object({ s${a}: z.string() }),`,
      `  workflows: [${agents.map((w) => `w${a}x${w}`).join(", ")}],`,
      `  methods: { m${a}: { input: z.object({ id: z.string() }), output: z.object({ at: z.number() }) } } });`,
    ]),
    `const gateway = createGateway({ agents: [${agents.map((a) => `a${a}`).join(", ")}] });`,
    "export type App = typeof gateway;",
  ].join("\n");
}
