import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { App } from "../fixtures/workshop/index.ts";
import { startGateway, type TestGateway } from "../support/gateway.ts";
import { until } from "../support/until.ts";
import { clientOf, trpcOf } from "./clients.ts";

/** Starts an instance, and waits until it waits. */
async function waiting(gateway: TestGateway, name: string) {
  const gated = clientOf<App>(gateway).agent("workshop", name).workflow("gated");
  const { id } = await gated.start({});
  await until(
    () => gated.get(id),
    ({ status }) => status === "waiting",
  );
  const { token } = await clientOf<App>(gateway).agent("workshop", name).streamTokens.create();
  return { gated, id, holder: trpcOf<App>(gateway, token).workshop };
}
const withoutNotices = (types: readonly string[]) => types.filter((type) => !type.startsWith("stream."));
const untilOpen = (gateway: TestGateway, name: string, open: number) =>
  until(
    () => clientOf<App>(gateway).agent("workshop", name).call("inside", {}),
    ({ connections }) => connections === open,
  );

describe("a gateway that closes streams soon", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway("test/fixtures/hurried/wrangler.jsonc");
  });
  afterAll(() => gateway.harness.close());

  test("is come back to by the client, and by tRPC's, and neither misses an event", async () => {
    const { gated, id, holder } = await waiting(gateway, "hurried");
    const byClient: string[] = [];
    const byTrpc: string[] = [];
    let lives = 0;
    const followed = (async () => {
      for await (const { type } of gated.events({ instance: id })) byClient.push(type);
    })();
    const subscribed = new Promise<void>((onComplete, onError) => {
      holder.streamInstanceEvents.subscribe(
        { name: "hurried", instanceId: id },
        {
          onStarted: () => {
            lives += 1;
          },
          onData: ({ data }) => void byTrpc.push(data.type),
          onComplete,
          onError,
        },
      );
    });
    await until(
      async () => lives,
      (lived) => lived === 3,
    );
    await gated.approveInstance(id);
    await Promise.all([followed, subscribed]);
    const events = [
      "instance.queued",
      "instance.started",
      "instance.waiting",
      "approval.requested",
      "approval.decided",
      "instance.completed",
    ];
    expect(withoutNotices(byClient)).toEqual(events);
    expect(withoutNotices(byTrpc)).toEqual(events);
    await untilOpen(gateway, "hurried", 0);
  });
});

describe("a gateway with room for two streams of an agent", () => {
  let gateway: TestGateway;
  beforeAll(async () => {
    gateway = await startGateway("test/fixtures/crowded/wrangler.jsonc");
  });
  afterAll(() => gateway.harness.close());

  test("refuses a third subscription, and lets go of those that leave", async () => {
    const name = "crowded";
    const { holder } = await waiting(gateway, name);
    const open = [1, 2].map(() => holder.streamEvents.subscribe({ name }, { onData: () => {} }));
    await untilOpen(gateway, name, 2);
    const failure = await new Promise<{ data?: unknown }>((onError) => {
      holder.streamEvents.subscribe({ name }, { onError });
    });
    expect(failure.data).toMatchObject({
      code: "TOO_MANY_REQUESTS",
      problem: { code: "too_many_streams", retryable: true },
    });
    for (const subscription of open) subscription.unsubscribe();
    // That a reader has left shows at the latest when there is something to be sent to it.
    await until(
      async () => {
        await clientOf<App>(gateway).agent("workshop", name).workflow("silent").start({ answer: 1 });
        return clientOf<App>(gateway).agent("workshop", name).call("inside", {});
      },
      ({ connections }) => connections === 0,
    );
  });
});
