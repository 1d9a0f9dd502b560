/** `run` of a workflow class, as far as wrapping it goes. */
export type RunMethod = (event: never, step: never) => Promise<unknown>;

type Around = (workflow: object, run: RunMethod, ...args: Parameters<RunMethod>) => Promise<unknown>;

/**
 * Puts `around` about the `run` of a concrete class, once. It must be done before the SDK's constructor, which wraps
 * `run` too and expects it on the prototype of that very class.
 */
export const wrapRun = wrapper();

/** Puts `around` about `run` as the SDK has wrapped it, once: it sees the parameters as the engine keeps them. */
export const wrapWholeRun = wrapper();

function wrapper(): (prototype: { run: RunMethod }, around: Around) => void {
  const wrapped = new WeakSet<object>();
  return (prototype, around) => {
    if (wrapped.has(prototype)) return;
    wrapped.add(prototype);
    const { run } = prototype;
    prototype.run = function recordedRun(this: object, ...args) {
      return around(this, run, ...args);
    };
  };
}
