import { tracing } from "cloudflare:workers";
import type { Actor } from "../contract/audit";

/** Does work in a span of the platform's own tracing, which names the request that it is for. */
export function inSpan<Result>(
  method: string,
  { requestId, traceparent, door }: Actor,
  work: () => Promise<Result>,
): Promise<Result> {
  return tracing.enterSpan(`switchyard.${method}`, (span) => {
    if (span.isTraced)
      span.setAttributes({
        "switchyard.door": door,
        "switchyard.request_id": requestId ?? undefined,
        "switchyard.traceparent": traceparent,
      });
    return work();
  });
}
