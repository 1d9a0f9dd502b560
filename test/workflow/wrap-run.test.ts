import { describe, expect, test } from "vitest";
import { wrapRun } from "../../src/gateway/workflow/wrap-run.ts";

/** A class of workflows whose constructor wraps `run` as the gateway's does, and writes down what happens. */
function baseClass(log: string[]) {
  return class Base {
    constructor() {
      wrapRun(new.target.prototype, async (workflow, run, ...args) => {
        log.push(`before ${workflow.constructor.name}`);
        const output = await run.apply(workflow, args);
        log.push(`after ${workflow.constructor.name}`);
        return output;
      });
    }
    async run(event: string, step: string): Promise<string> {
      log.push(`base ${event} ${step}`);
      return "base";
    }
  };
}

describe("wrapping run", () => {
  test("puts the wrapper about the author's run, with its arguments, its this and its result", async () => {
    const log: string[] = [];
    class Refund extends baseClass(log) {
      readonly word = "refund";
      override async run(event: string, step: string) {
        log.push(`${this.word} ${event} ${step}`);
        return "output";
      }
    }
    expect(await new Refund().run("event", "step")).toBe("output");
    expect(log).toEqual(["before Refund", "refund event step", "after Refund"]);
  });

  test("is done once for a class, however many instances are made", async () => {
    const log: string[] = [];
    class Refund extends baseClass(log) {
      override async run() {
        return "output";
      }
    }
    await Promise.all([new Refund(), new Refund(), new Refund()].map((one) => one.run()));
    expect(log.filter((line) => line === "before Refund")).toHaveLength(3);
  });

  test("of one class does not touch another class, nor the base class", async () => {
    const log: string[] = [];
    const Base = baseClass(log);
    const plainRun = Object.getOwnPropertyDescriptor(Base.prototype, "run");
    class Refund extends Base {}
    class Shipment extends Base {
      override async run() {
        return "shipped";
      }
    }
    expect(await new Refund().run("event", "step")).toBe("base");
    expect(Object.getOwnPropertyDescriptor(Base.prototype, "run")).toEqual(plainRun);
    expect(log).toEqual(["before Refund", "base event step", "after Refund"]);
    expect(await new Shipment().run()).toBe("shipped");
    expect(log.slice(3)).toEqual(["before Shipment", "after Shipment"]);
  });

  test("leaves what is thrown as it is", async () => {
    const failure = new TypeError("no");
    class Refund extends baseClass([]) {
      override async run(): Promise<string> {
        throw failure;
      }
    }
    await expect(new Refund().run()).rejects.toBe(failure);
  });
});
