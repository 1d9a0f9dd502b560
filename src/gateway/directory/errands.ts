import type { EndpointCalls } from "../webhook/reach";
import { type EndpointRow, type Endpoints, toTarget } from "./endpoints";
import type { Notices } from "./notices";

/** What endpoints' own objects are still to be told, and is told until they know it: whatever dies, the alarm goes on. */
export class Errands {
  readonly #endpoints: Endpoints;
  readonly #notices: Notices;
  readonly #callsOf: (endpointId: string) => EndpointCalls;

  constructor(endpoints: Endpoints, notices: Notices, callsOf: (endpointId: string) => EndpointCalls) {
    this.#endpoints = endpoints;
    this.#notices = notices;
    this.#callsOf = callsOf;
  }

  /** Whether there is anything to tell. */
  any(): boolean {
    return (
      this.#endpoints.untold().length > 0 ||
      this.#endpoints.retired().length > 0 ||
      this.#notices.endpoints().length > 0
    );
  }

  /** Tells an endpoint's object what it is to know of itself. */
  async configure(row: EndpointRow): Promise<void> {
    if (row.told_version >= row.version) return;
    await this.#callsOf(row.id).configure(toTarget(row));
    this.#endpoints.told(row.id, row.version);
  }

  /** Hands over what an endpoint is to be sent. */
  async handOver(endpointId: string): Promise<void> {
    const calls = this.#callsOf(endpointId);
    const known = this.#endpoints.find(endpointId);
    if (known !== undefined) await this.configure(known);
    for (
      let next = this.#notices.next(endpointId);
      next !== undefined;
      next = this.#notices.next(endpointId)
    ) {
      await calls.accept({ messages: next.messages });
      next.done();
    }
  }

  async wipe(endpointId: string): Promise<void> {
    await this.#callsOf(endpointId).wipe();
    this.#endpoints.wiped(endpointId);
  }

  /** Does all that is left, side by side. Never rejects: what fails is left. */
  async runAll(): Promise<void> {
    const errands = [
      ...this.#endpoints.untold().map((row) => this.configure(row)),
      ...this.#endpoints.retired().map((id) => this.wipe(id)),
      ...this.#notices.endpoints().map((id) => this.handOver(id)),
    ];
    for (const outcome of await Promise.allSettled(errands)) {
      if (outcome.status === "rejected")
        console.warn("switchyard: an endpoint could not be told", outcome.reason);
    }
  }
}
