import { expect, test } from "vitest";
import { Dropped } from "../../src/gateway/agent/dropped.ts";
import { AGENT_SCHEMA } from "../../src/gateway/agent/schema.ts";
import { Store } from "../../src/gateway/durable/store.ts";
import { sqliteStorage } from "../support/sqlite-storage.ts";

test("a dropped key is known again after a change that forgot it was taken back", () => {
  const store = new Store(sqliteStorage().storage, AGENT_SCHEMA);
  store.open();
  new Dropped(store).keepKey(1, "a");
  const dropped = new Dropped(store);
  const failing = (): void =>
    store.transact(() => {
      dropped.forgetKeys(1);
      expect(dropped.hasKey(1, "a")).toBe(false);
      throw new Error("half-way");
    });
  expect(failing).toThrow("half-way");
  expect(dropped.hasKey(1, "a")).toBe(true);
});
