import type { Instance, InstanceError } from "../contract/instance";
import type { Problem, ProblemCode } from "../contract/problem";

/** What every error of the client is. */
export abstract class ClientError extends Error {
  /** Whether the same call may succeed later. */
  abstract readonly retryable: boolean;
}

/** The gateway refused: `problem` is its word (RFC 9457), `code` one of a closed set. */
export class GatewayProblem extends ClientError {
  override readonly name = "GatewayProblem";
  readonly problem: Problem;
  /** Milliseconds after which the gateway wants to be asked again; undefined if it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(problem: Problem, retryAfterMs?: number) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
    this.retryAfterMs = retryAfterMs;
  }

  get code(): ProblemCode {
    return this.problem.code;
  }
  get status(): number {
    return this.problem.status;
  }
  override get retryable(): boolean {
    return this.problem.retryable;
  }
}

/** Statuses that are worth another try, whoever answered with them. */
const RETRYABLE: readonly number[] = [408, 425, 429];

/** Something answered that is no gateway, or broke off: a proxy, say. */
export class UnexpectedAnswer extends ClientError {
  override readonly name = "UnexpectedAnswer";
  readonly status: number;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, retryAfterMs?: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  override get retryable(): boolean {
    return this.status < 400 || this.status >= 500 || RETRYABLE.includes(this.status);
  }
}

/** No answer came. `cause` says why, as far as the platform tells. */
export class ConnectionFailed extends ClientError {
  override readonly name = "ConnectionFailed";
  override readonly retryable = true;
}

/** A stream failed as often in a row as it may. `cause` is the last failure. */
export class StreamFailed extends ClientError {
  override readonly name = "StreamFailed";
  override readonly retryable = true;
  /** The cursor after what was received. */
  readonly after: string | undefined;

  constructor(failures: number, after: string | undefined, cause: unknown) {
    super(`The event stream failed ${failures} times in a row.`, { cause });
    this.after = after;
  }
}

/** The instance that was waited for ended `errored`. */
export class InstanceErrored extends ClientError {
  override readonly name = "InstanceErrored";
  override readonly retryable = false;
  readonly instance: Instance;
  /** What its workflow threw. */
  readonly error: InstanceError;

  constructor(instance: Extract<Instance, { status: "errored" }>) {
    super(`The instance ${instance.id} ended errored: ${instance.error.name}: ${instance.error.message}`);
    this.instance = instance;
    this.error = instance.error;
  }
}

/** The instance that was waited for was terminated. */
export class InstanceTerminated extends ClientError {
  override readonly name = "InstanceTerminated";
  override readonly retryable = false;
  readonly instance: Instance;

  constructor(instance: Instance) {
    super(`The instance ${instance.id} was terminated.`);
    this.instance = instance;
  }
}

/** The instance did not end in the time that was given. */
export class WaitTimedOut extends ClientError {
  override readonly name = "WaitTimedOut";
  override readonly retryable = true;
  /** The instance as it was seen last. */
  readonly instance: Instance;

  constructor(instance: Instance) {
    super(`The instance ${instance.id} has not ended in time; it is ${instance.status}.`);
    this.instance = instance;
  }
}

/** An id was given to the workflow of another instance, whose output has another type. */
export class WorkflowMismatch extends ClientError {
  override readonly name = "WorkflowMismatch";
  override readonly retryable = false;

  constructor({ id, workflow }: Instance, asked: string) {
    super(`The instance ${id} is of the workflow ${workflow}, not of ${asked}.`);
  }
}
