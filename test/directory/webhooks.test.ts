import { describe, expect, test } from "vitest";
import type { Actor } from "../../src/gateway/contract/audit.ts";
import type { EndpointChange, EndpointSettings } from "../../src/gateway/contract/webhook.ts";
import { DIRECTORY_SCHEMA } from "../../src/gateway/directory/schema.ts";
import { Webhooks } from "../../src/gateway/directory/webhooks.ts";
import { Answers } from "../../src/gateway/durable/answers.ts";
import { AuditLog } from "../../src/gateway/durable/audit-log.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import type { Message } from "../../src/gateway/webhook/messages.ts";
import type { EndpointCalls } from "../../src/gateway/webhook/reach.ts";
import type { TargetConfig } from "../../src/gateway/webhook/target.ts";
import { person } from "../agent/stand-ins.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

const ADA = person("ada");
const settings = (change: Partial<EndpointSettings> = {}): EndpointSettings => ({
  url: "https://example.com/hook?token=hidden",
  description: null,
  eventTypes: [],
  agents: ["/**"],
  workflows: [],
  approvalLinks: null,
  ...change,
});

/** The object of one endpoint, as far as the directory sees it. */
class StandInEndpoint {
  configs: TargetConfig[] = [];
  messages: Message[] = [];
  rounds: string[] = [];
  wiped = 0;
  isReachable = true;
  readonly #secrets = new Map<string, string>();

  readonly calls = {
    configure: async (config: TargetConfig) => {
      this.#reach();
      this.configs.push(config);
    },
    makeSecret: async ({ madeBy }: { madeBy: string }) => {
      this.#reach();
      const secret = this.#secrets.get(madeBy) ?? `whsec_${this.#secrets.size + 1}`;
      this.#secrets.set(madeBy, secret);
      return secret;
    },
    accept: async ({ messages }: { messages: readonly Message[] }) => {
      this.#reach();
      this.messages.push(...messages);
      return "taken" as const;
    },
    redeliverMany: async ({ round }: { round: string }) => {
      this.#reach();
      this.rounds.push(round);
      return { redelivered: 1, nextCursor: null };
    },
    wipe: async () => {
      this.#reach();
      this.wiped += 1;
    },
  };

  #reach(): void {
    if (!this.isReachable) throw new Error("it cannot be reached");
  }
}

function openDirectory() {
  const sqlite = sqliteStorage();
  const store = new Store(sqlite.storage, DIRECTORY_SCHEMA);
  const audit = new AuditLog(store, "/");
  const objects = new Map<string, StandInEndpoint>();
  const work: Promise<unknown>[] = [];
  let alarms = 0;
  const object = (id: string): StandInEndpoint => {
    const known = objects.get(id) ?? new StandInEndpoint();
    if (!areReachable) known.isReachable = false;
    objects.set(id, known);
    return known;
  };
  let areReachable = true;
  const webhooks = new Webhooks(
    store,
    { answers: new Answers(store), audit },
    {
      expectAlarm: () => {
        alarms += 1;
      },
      background: (done) => work.push(done),
      // The directory calls no others.
      callsOf: (id) => object(id).calls as unknown as EndpointCalls,
      refusalOf: (url) => (url.startsWith("https:") ? undefined : "It must begin with https:."),
    },
  );
  const create = (change?: Partial<EndpointSettings>, key?: string) =>
    webhooks.createEndpoint(
      {
        settings: settings(change),
        origin: "https://gateway.example",
        once: key === undefined ? undefined : { key, fingerprint: "f" },
      },
      ADA,
    );
  return {
    webhooks,
    object,
    create,
    objects,
    settle: () => Promise.all(work.splice(0)),
    alarms: () => alarms,
    cut: (isReachable: boolean) => {
      areReachable = isReachable;
      for (const one of objects.values()) one.isReachable = isReachable;
    },
    deeds: () => audit.page({ limit: 100, cursor: undefined }).items,
  };
}

describe("an endpoint", () => {
  test("is made once for one request, also where its object could not be reached at first", async () => {
    const directory = openDirectory();
    directory.cut(false);
    await expect(directory.create({}, "k")).rejects.toThrow("cannot be reached");
    expect(directory.webhooks.errands.any()).toBe(true);
    expect(directory.alarms()).toBe(1);
    directory.cut(true);
    await directory.webhooks.errands.runAll();
    expect(directory.webhooks.errands.any()).toBe(false);
    const made = await directory.create({}, "k");
    expect(await directory.create({}, "k")).toEqual(made);
    expect([directory.objects.size, made.secret]).toEqual([1, "whsec_1"]);
    expect(directory.object(made.id).configs).toEqual([
      { id: made.id, url: "https://example.com/hook?token=hidden", version: 1, turn: 1, enabled: true },
    ]);
  });

  test("is told of each change until it knows it", async () => {
    const directory = openDirectory();
    const { id } = await directory.create();
    directory.cut(false);
    const changed = await directory.webhooks.updateEndpoint(
      { id, change: { description: "for the desk", enabled: false }, once: undefined },
      ADA,
    );
    expect(changed).toMatchObject({
      description: "for the desk",
      enabled: false,
      disabled: { reason: "by-hand" },
    });
    await directory.webhooks.errands.runAll();
    expect(directory.webhooks.errands.any()).toBe(true);
    directory.cut(true);
    await directory.webhooks.errands.runAll();
    expect(directory.object(id).configs.at(-1)).toMatchObject({ version: 3, turn: 2, enabled: false });
    expect(directory.webhooks.errands.any()).toBe(false);
  });

  test("is gone at once, and its object is wiped until it is", async () => {
    const directory = openDirectory();
    const { id } = await directory.create();
    directory.cut(false);
    expect(await directory.webhooks.deleteEndpoint({ id, once: undefined }, ADA)).toEqual({ deleted: true });
    await directory.settle();
    expect(directory.webhooks.endpoints.find(id)).toBeUndefined();
    expect(directory.webhooks.errands.any()).toBe(true);
    directory.cut(true);
    await directory.webhooks.errands.runAll();
    expect([directory.object(id).wiped, directory.webhooks.errands.any()]).toEqual([1, false]);
  });

  test("keeps what a request did under a name, so that a repeat does it once", async () => {
    const directory = openDirectory();
    const { id, secret } = await directory.create();
    const once = { key: "k", fingerprint: "f" };
    const rotated = await directory.webhooks.rotateSecret({ id, once }, ADA);
    expect(rotated.secret).not.toBe(secret);
    expect((await directory.webhooks.rotateSecret({ id, once }, ADA)).secret).toBe(rotated.secret);

    const test1 = { id, once: { key: "t", fingerprint: "f" } };
    const sent = await directory.webhooks.testEndpoint(test1, ADA);
    expect(await directory.webhooks.testEndpoint(test1, ADA)).toEqual(sent);
    expect(directory.object(id).messages.map((message) => message.id)).toEqual([sent.deliveryId]);

    const span = { id, since: 0, until: undefined, statuses: ["failed"], cursor: undefined } as const;
    const again = { ...span, once: { key: "r", fingerprint: "f" } };
    await directory.webhooks.redeliverMany(again, ADA);
    await directory.webhooks.redeliverMany(again, ADA);
    await directory.webhooks.redeliverMany({ ...span, once: undefined }, ADA);
    const [first, second, third] = directory.object(id).rounds;
    expect(first).toBe(second);
    expect(third).not.toBe(first);
  });

  test("of a URL that is refused is not made", async () => {
    const directory = openDirectory();
    await expect(directory.create({ url: "http://example.com/" })).rejects.toMatchObject({
      code: "endpoint_url_refused",
    });
    expect(directory.objects.size).toBe(0);
  });
});

describe("an endpoint that was disabled by what it answered", () => {
  test("is so for all, once; those who ask for it are told, and the log", async () => {
    const directory = openDirectory();
    const [one, other, deaf] = [
      await directory.create(),
      await directory.create(),
      await directory.create({ eventTypes: ["instance.errored"] }),
    ];
    const disabling = { reason: "gone", at: Date.UTC(2026, 3, 1), turn: 1 } as const;
    await directory.webhooks.disabled(one.id, disabling);
    await directory.webhooks.disabled(one.id, disabling);
    await directory.settle();
    expect(await directory.webhooks.getEndpoint({ id: one.id })).toMatchObject({
      enabled: false,
      disabled: { reason: "gone", at: "2026-04-01T00:00:00.000Z" },
    });
    expect(directory.object(one.id).messages).toEqual([]);
    expect(directory.object(deaf.id).messages).toEqual([]);
    expect(directory.object(other.id).messages.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      expect.objectContaining({
        type: "endpoint.disabled",
        data: expect.objectContaining({ endpointId: one.id, reason: "gone" }),
      }),
    ]);
    expect(directory.deeds().filter(({ action }) => action === "endpoint.disable")).toHaveLength(1);
    expect(directory.object(one.id).configs.at(-1)).toMatchObject({ enabled: false, turn: 2 });
  });

  test("stays as it is, if it was enabled by hand since", async () => {
    const directory = openDirectory();
    const { id } = await directory.create();
    for (const enabled of [false, true])
      await directory.webhooks.updateEndpoint({ id, change: { enabled }, once: undefined }, ADA);
    await directory.webhooks.disabled(id, { reason: "failing", at: 0, turn: 1 });
    expect(await directory.webhooks.getEndpoint({ id })).toMatchObject({ enabled: true });
  });
});

test("the log says who did what, and neither secrets nor what stands in a URL", async () => {
  const directory = openDirectory();
  const { id } = await directory.create();
  await directory.webhooks.updateEndpoint(
    { id, change: { url: "https://example.com/b?c=hidden" }, once: undefined },
    ADA,
  );
  await directory.webhooks.rotateSecret({ id, once: undefined }, ADA);
  await directory.webhooks.testEndpoint({ id, once: undefined }, ADA);
  await directory.webhooks.deleteEndpoint({ id, once: undefined }, ADA);
  const deeds = directory.deeds();
  expect(deeds.map(({ action, principal }) => `${action} ${principal}`).toReversed()).toEqual([
    "endpoint.create ada",
    "endpoint.update ada",
    "endpoint.rotate-secret ada",
    "endpoint.test ada",
    "endpoint.delete ada",
  ]);
  expect(JSON.stringify(deeds)).not.toMatch(/hidden|whsec/);
  expect(new Set(deeds.map(({ target }) => target))).toEqual(new Set([`/webhooks/endpoints/${id}`]));
});

test("an agent is told of those who listen to it, with the right of whoever wants links", async () => {
  const directory = openDirectory();
  const approvalLinks = {
    for: "finance",
    decisions: ["approve"],
  } satisfies EndpointSettings["approvalLinks"];
  const all = await directory.create({ approvalLinks });
  await directory.create({
    agents: ["/agents/desk/**"],
    eventTypes: ["instance.queued"],
    workflows: ["refund"],
  });
  const { listenersOf } = { listenersOf: (agent: string) => directory.webhooks.endpoints.listenersOf(agent) };
  expect(listenersOf("/agents/shop/a")).toEqual([
    {
      endpointId: all.id,
      eventTypes: [],
      workflows: [],
      approvalLinks: { ...approvalLinks, name: "ada", scopes: "all", origin: "https://gateway.example" },
    },
  ]);
  expect(listenersOf("/agents/desk/a/sub/drawer/b")).toHaveLength(2);
});

test("links go nowhere that somebody who may not decide has named", async () => {
  const directory = openDirectory();
  const approvalLinks = {
    for: "finance",
    decisions: ["approve"],
  } satisfies EndpointSettings["approvalLinks"];
  const bob = person("bob", ["webhooks:manage", "approvals:decide"]);
  const carol = person("carol", ["webhooks:manage", "approvals:decide", "approvals:delegate"]);
  const change = (id: string, changed: EndpointChange, actor: Actor) =>
    directory.webhooks.updateEndpoint({ id, change: changed, once: undefined }, actor);
  const request = {
    settings: settings({ approvalLinks }),
    origin: "https://gateway.example",
    once: undefined,
  };
  await expect(directory.webhooks.createEndpoint(request, bob)).rejects.toMatchObject({ code: "forbidden" });

  const { id } = await directory.create({ approvalLinks });
  const url = "https://example.org/bob";
  for (const changed of [
    { url },
    { agents: ["/agents/desk/**"] },
    { approvalLinks },
    { url, approvalLinks: null },
  ])
    await expect(change(id, changed, bob)).rejects.toMatchObject({ code: "forbidden" });
  await change(id, { description: "by bob", enabled: false }, bob);
  await change(id, { approvalLinks: null }, bob);
  // What it was sent before may still carry some.
  await expect(change(id, { url }, bob)).rejects.toMatchObject({ code: "forbidden" });
  await change(id, { url, approvalLinks }, carol);
  const [listener] = directory.webhooks.endpoints.listenersOf("/agents/desk/a");
  expect(listener?.approvalLinks).toMatchObject({ name: "carol", scopes: carol.scopes });

  const plain = await directory.create();
  expect((await change(plain.id, { url }, bob)).url).toBe(url);
});
