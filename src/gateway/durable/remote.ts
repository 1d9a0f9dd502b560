/** Passes on a call of a method by its name. */
type PassOn<Context> = (context: Context, method: string, input: unknown) => Promise<unknown>;

/**
 * Makes a class whose methods only pass on what they are called with, for one to be made on each request: a class has its
 * methods made once.
 *
 * @param methods the names of all methods.
 * @param passOn answers each method with that method's own type.
 */
export function remoteClass<Methods, Context>(
  methods: Readonly<Record<keyof Methods, true>>,
  passOn: PassOn<Context>,
): new (context: Context) => Methods {
  class Remote {
    readonly context: Context;
    constructor(context: Context) {
      this.context = context;
    }
  }
  for (const method of Object.keys(methods)) {
    const value = function call(this: Remote, input: unknown): Promise<unknown> {
      return passOn(this.context, method, input);
    };
    Object.defineProperty(Remote.prototype, method, { value });
  }
  return Remote as unknown as new (context: Context) => Methods;
}
