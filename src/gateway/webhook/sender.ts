import type { AttemptError } from "../contract/webhook";

/** Most of an answer that is read, in bytes; what it says does not matter. */
const READ_BYTES = 4_096;

/** One request to an endpoint. */
export interface Sending {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

/** What came of it: it was taken if there is no error. */
export interface Sent {
  readonly status: number | null;
  readonly error: AttemptError | null;
  readonly retryAfter: string | null;
}

/** Sends a message once, and follows no redirect. Never rejects. */
export async function send({ url, headers, body, timeoutMs }: Sending): Promise<Sent> {
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "switchyard-webhooks", ...headers },
      body,
      redirect: "manual",
      signal,
    });
    await Promise.race([readAway(response), aborted(signal)]);
    const { status } = response;
    return { status, error: errorOf(status), retryAfter: response.headers.get("retry-after") };
  } catch {
    return { status: null, error: signal.aborted ? "timeout" : "connection", retryAfter: null };
  }
}

function errorOf(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null;
  return status >= 300 && status < 400 ? "redirect" : "status";
}

/** Lets a small answer end, so that its connection can be used again. Never rejects: the status was told already. */
async function readAway({ body }: Response): Promise<void> {
  const reader = body?.getReader();
  if (reader === undefined) return;
  try {
    for (let left = READ_BYTES; left > 0;) {
      const { done, value } = await reader.read();
      if (done) return;
      left -= (value as Uint8Array).length;
    }
    await reader.cancel();
  } catch {
    // It was cut off in the middle.
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
