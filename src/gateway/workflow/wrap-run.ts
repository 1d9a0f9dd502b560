const wrapped = new WeakSet<object>();

/** `run` of a workflow class, as far as wrapping it goes. */
export type RunMethod = (event: never, step: never) => Promise<unknown>;

/**
 * Puts `around` about the `run` of a concrete class, once. It must be done before the SDK's constructor, which wraps
 * `run` too and expects it on the prototype of that very class.
 */
export function wrapRun(
  prototype: { run: RunMethod },
  around: (workflow: object, run: RunMethod, ...args: Parameters<RunMethod>) => Promise<unknown>,
): void {
  if (wrapped.has(prototype)) return;
  wrapped.add(prototype);
  const { run } = prototype;
  prototype.run = function recordedRun(this: object, ...args) {
    return around(this, run, ...args);
  };
}
