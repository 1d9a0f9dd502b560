import { DurableObject } from "cloudflare:workers";
import type { Actor } from "../contract/audit";
import { type Outcome, toOutcome } from "../durable/outcome";
import { Store } from "../durable/store";
import type { DirectoryPort } from "../directory-port";
import { allowsLoopback, endpointCalls, type EndpointDirectory } from "../webhook/reach";
import type { Listener } from "../webhook/subscription";
import type { Disabling } from "../webhook/target";
import { refusalOf } from "../webhook/url-policy";
import { Directory } from "./directory";
import { KEY_SCHEMA, KeyObject } from "./key-object";
import { type DirectoryStub, openKeys } from "./stubs";

/**
 * Keeps what belongs to the gateway as a whole, and to no agent: one object of this class is the directory, and each API key has
 * one of its own. Which of the two an object is follows from what is called. The Worker exports the class under this name.
 */
export class GatewayDirectory extends DurableObject implements DirectoryStub, EndpointDirectory {
  #opened: Directory | undefined;
  readonly #key: KeyObject;

  constructor(ctx: DurableObjectState, env: Cloudflare.Env) {
    super(ctx, env);
    this.#key = new KeyObject(new Store(ctx.storage, KEY_SCHEMA));
  }

  directoryCall(method: keyof DirectoryPort, input: unknown, actor: Actor): Promise<Outcome> {
    return answered(this.#directory.serviceOf(method), method, input, actor);
  }

  keyCall(method: keyof KeyObject, input: unknown): Promise<Outcome> {
    return answered(this.#key, method, input);
  }

  async listenersOf(agent: string): Promise<readonly Listener[]> {
    return this.#directory.webhooks.endpoints.listenersOf(agent);
  }

  async endpointDisabled(endpointId: string, disabling: Disabling): Promise<void> {
    await this.#directory.webhooks.disabled(endpointId, disabling);
  }

  /** Only the directory sets one. */
  override async alarm(): Promise<void> {
    await this.#directory.ring();
  }

  get #directory(): Directory {
    const { ctx, env } = this;
    this.#opened ??= new Directory(ctx.storage, {
      background: (work) => ctx.waitUntil(work),
      callsOf: (id) => endpointCalls(env, id),
      refusalOf: (url) => refusalOf(url, allowsLoopback(env)),
      openKey: openKeys(env),
    });
    return this.#opened;
  }
}

function answered(service: object, method: string, input: unknown, actor?: Actor): Promise<Outcome> {
  return toOutcome(() => {
    // Whoever calls a method does so with that method's own input: both sides are made from the same types.
    const answer = Reflect.get(service, method) as (input: unknown, actor?: Actor) => Promise<unknown>;
    return answer.call(service, input, actor);
  }, actor);
}
