import { ProblemError } from "../contract/problem";
import type { AgentPort } from "../port";
import type { MethodContract } from "../registry/agent-definition";
import { callOf } from "./deeds";
import type { ServiceContext } from "./service-context";

/**
 * Calls a declared method. Author code runs outside of any transaction: under an idempotency key it is noted before the call
 * that it began, so that the method is called once at most, whatever dies in between. The audit log has it before the call
 * too, since nobody sees what the method does; unless it is said to change nothing.
 *
 * @throws ProblemError `request_in_progress` if a call under the key began, and how it ended is not known.
 */
export async function callMethod(
  context: ServiceContext,
  { method, input, once }: Parameters<AgentPort["callMethod"]>[0],
): Promise<unknown> {
  const { records, host } = context;
  const contract = requireMethod(context, method);
  if (contract.creates) records.store.open();
  const call = async (): Promise<unknown> => contract.output.parse(await host.invoke(method, input));
  const note = (now: number): void => {
    if (contract.readOnly !== true) records.note(callOf(method, records.agent), now);
  };
  if (once === undefined) {
    records.change(note);
    return call();
  }
  const given = records.change((now) => {
    const known = records.answers.findOrBegin(once, now);
    if (known === undefined) note(now);
    return known;
  });
  if (given !== undefined) return given.answer;
  try {
    const answer = await call();
    records.change(() => records.answers.finish(once, answer));
    return answer;
  } catch (failure) {
    // It is told that it failed, and may be called again.
    records.change(() => records.answers.abandon(once));
    throw failure;
  }
}

function requireMethod({ host }: ServiceContext, method: string): MethodContract {
  const { methods } = host.definition;
  const contract = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (contract === undefined) throw new ProblemError("not_found");
  return contract;
}
