/** What is made when it is first asked for, and kept: for schemas that a Worker which starts has no need of. */
export function lazily<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
