import type { Instance } from "../contract/instance";
import { InstanceErrored, InstanceTerminated, WaitTimedOut } from "./errors";
import { delayAfter } from "./patience";
import type { Transport } from "./transport";
import type { WaitOptions } from "./types";

/** Longest time for which the gateway is asked to hold an answer, in seconds: proxies cut what is silent for longer. */
const LONGEST_HOLD_SECONDS = 30;

/**
 * Waits until an instance has ended well.
 *
 * @param check is shown the instance each time that it is read.
 * @throws InstanceErrored, InstanceTerminated, WaitTimedOut
 */
export async function waitForOutput(
  transport: Transport,
  path: string,
  { signal, timeoutMs }: WaitOptions,
  check: (instance: Instance) => void,
): Promise<unknown> {
  const { machine } = transport;
  const deadline = timeoutMs === undefined ? Number.POSITIVE_INFINITY : machine.now() + timeoutMs;
  for (let looks = 1; ; looks += 1) {
    const left = Math.max(0, deadline - machine.now());
    const hold = Math.min(LONGEST_HOLD_SECONDS, Math.ceil(left / 1000));
    const { body, headers } = await transport.send({
      method: "GET",
      path,
      headers: { prefer: `wait=${hold}` },
      signal,
    });
    const instance = body as Instance;
    check(instance);
    if (instance.status === "complete") return instance.output;
    if (instance.status === "errored") throw new InstanceErrored(instance);
    if (instance.status === "terminated") throw new InstanceTerminated(instance);
    if (machine.now() >= deadline) throw new WaitTimedOut(instance);
    // A gateway that does not hold the answer, because it holds as many as it may, is not asked at once again.
    if (!headers.has("preference-applied")) {
      await machine.pause(Math.min(delayAfter(looks, machine), deadline - machine.now()), signal);
    }
  }
}
