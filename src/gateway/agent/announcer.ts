import { createHash } from "node:crypto";
import type { EndpointCalls, EndpointDirectory } from "../webhook/reach";
import type { Message } from "../webhook/messages";
import type { Listener } from "../webhook/subscription";
import type { Announcement, Announcements } from "./announcements";
import type { Records } from "./records";

/** How what happens in an agent gets to webhook endpoints. */
export interface AnnouncerHost {
  background(work: Promise<unknown>): void;
  ensureAlarm(): Promise<void>;
  /** Undefined if there can be no endpoints. */
  readonly directory: Pick<EndpointDirectory, "listenersOf"> | undefined;
  callsOf(endpointId: string): Pick<EndpointCalls, "accept">;
  /** Makes a link by which an approval is decided; undefined if it cannot be decided any more. */
  linkTo(
    approvalId: string,
    messageId: string,
    links: NonNullable<Listener["approvalLinks"]>,
  ): Promise<string | undefined>;
}

/**
 * Hands over to webhook endpoints what happens in an agent, right after it is committed. An endpoint's object takes the same
 * again for what it has already; so whatever dies, all of it is handed over again.
 */
export class Announcer {
  readonly #records: Records;
  readonly #host: AnnouncerHost;
  #telling: Promise<void> | undefined;

  constructor(records: Records, host: AnnouncerHost) {
    this.#records = records;
    this.#host = host;
  }

  /** Whether a change may bring about something to tell. */
  mayFollow(): boolean {
    return this.#records.announcements?.mayFollow(Date.now()) === true;
  }

  /** Sees to it that endpoints are told what is new. */
  soon(): void {
    const { announcements } = this.#records;
    if (this.#telling !== undefined || announcements?.isNews !== true) return;
    if (!announcements.any()) {
      announcements.isNews = false;
      return;
    }
    // In the turn of the commit, so that one is not stored without the other.
    this.#host.background(this.#host.ensureAlarm());
    this.#host.background(this.tell());
  }

  /** Tells all that is to be told; resolves when that is done, or failed for now. */
  tell(): Promise<void> {
    this.#telling ??= this.#round();
    return this.#telling;
  }

  async #round(): Promise<void> {
    const isDone = await this.#tellAll();
    this.#telling = undefined;
    if (isDone) this.soon();
  }

  /** Never rejects: what could not be told is when the alarm rings, or the agent wakes. @returns whether all was told. */
  async #tellAll(): Promise<boolean> {
    const { announcements } = this.#records;
    const { directory } = this.#host;
    if (announcements === undefined || directory === undefined || !announcements.any()) return true;
    try {
      announcements.isNews = false;
      await this.#match(announcements, directory);
      const told = await Promise.allSettled(
        announcements.addressees().map((id) => this.#tellOne(announcements, id)),
      );
      for (const one of told) if (one.status === "rejected") throw one.reason;
      return true;
    } catch (failure) {
      console.warn("switchyard: webhook endpoints could not be told of what happened, and will be", failure);
      announcements.isNews = true;
      await this.#host.ensureAlarm().catch(() => {});
      return false;
    }
  }

  async #match(
    announcements: Announcements,
    directory: Pick<EndpointDirectory, "listenersOf">,
  ): Promise<void> {
    if (!announcements.hasUnmatched()) return;
    const at = Date.now();
    const listeners = await directory.listenersOf(this.#records.agent);
    while (this.#records.change(() => announcements.match({ listeners, at })));
  }

  async #tellOne(announcements: Announcements, endpointId: string): Promise<void> {
    const calls = this.#host.callsOf(endpointId);
    for (
      let next = announcements.next(endpointId);
      next !== undefined;
      next = announcements.next(endpointId)
    ) {
      const messages: Message[] = [];
      for (const announcement of next.announcements)
        messages.push(await this.#toMessage(endpointId, announcement, announcements.listener(endpointId)));
      // An endpoint that is gone needs to hear nothing.
      await calls.accept({ messages });
      this.#records.change(next.done);
    }
  }

  /** The same announcement to the same endpoint is the same message. */
  async #toMessage(
    endpointId: string,
    announcement: Announcement,
    listener: Listener | undefined,
  ): Promise<Message> {
    const { type, data } = announcement;
    const id = messageId(endpointId, this.#records.agent, String(data["event"]));
    const links = listener?.approvalLinks ?? null;
    if (type !== "approval.requested" || links === null)
      return { id, type, body: JSON.stringify(announcement) };
    const approval = data["approval"] as { readonly id: string };
    const decide = await this.#host.linkTo(approval.id, id, links);
    const linked = decide === undefined ? data : { ...data, links: { ...data.links, decide } };
    return { id, type, body: JSON.stringify({ ...announcement, data: linked }) };
  }
}

function messageId(endpointId: string, agent: string, event: string): string {
  const digest = createHash("sha256").update(`${endpointId} ${agent} ${event}`).digest("base64url");
  return `msg_${digest.slice(0, 32)}`;
}
