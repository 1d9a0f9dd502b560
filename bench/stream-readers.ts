import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";

/** What the readers are told. */
export type ToReaders =
  | { readonly kind: "open"; readonly url: string; readonly key: string; readonly count: number }
  | { readonly kind: "await"; readonly type: string }
  | { readonly kind: "leave" };

/** What they tell; `at` is in milliseconds of a clock that all processes of this machine share. */
export type FromReaders =
  | { readonly kind: "begun"; readonly at: number }
  | { readonly kind: "heard"; readonly type: string; readonly at: number }
  | { readonly kind: "awaiting" }
  | { readonly kind: "left" }
  | { readonly kind: "failed"; readonly reason: string };

type Told<Kind extends FromReaders["kind"]> = Extract<FromReaders, { kind: Kind }>;

/** Many readers of one stream, in a process of their own, so that their work is none of the server's. */
export class StreamReaders implements Disposable {
  readonly #process: ChildProcess = fork(join(import.meta.dirname, "stream-client.ts"));

  /** Opens all streams at once. @returns milliseconds until each was told `stream.caught-up`. */
  async open(url: string, key: string, count: number): Promise<number> {
    const begun = this.#next("begun");
    const caughtUp = this.#next("heard");
    this.#tell({ kind: "open", url, key, count });
    return (await caughtUp).at - (await begun).at;
  }

  /** Lets something be said. @returns milliseconds until all readers have heard it. */
  async hear(type: string, say: () => Promise<void>): Promise<number> {
    const awaiting = this.#next("awaiting");
    this.#tell({ kind: "await", type });
    await awaiting;
    const heard = this.#next("heard");
    const since = Number(process.hrtime.bigint()) / 1e6;
    await say();
    return (await heard).at - since;
  }

  /** Cuts all connections. */
  async leave(): Promise<void> {
    const left = this.#next("left");
    this.#tell({ kind: "leave" });
    await left;
  }

  [Symbol.dispose](): void {
    this.#process.kill();
  }

  #tell(message: ToReaders): void {
    this.#process.send(message);
  }

  /** The next word of this kind; a failure of any stream is one of the measurement. */
  #next<Kind extends FromReaders["kind"]>(kind: Kind): Promise<Told<Kind>> {
    return new Promise((resolve, reject) => {
      const listen = (message: FromReaders): void => {
        if (message.kind === "failed") reject(new Error(`a stream failed: ${message.reason}`));
        else if (message.kind !== kind) return;
        else resolve(message as Told<Kind>);
        this.#process.off("message", listen);
      };
      this.#process.on("message", listen);
    });
  }
}
