/** True if two types are the same, to the last modifier; `any` is the same as nothing else. */
export type Equal<Left, Right> =
  (<Probe>() => Probe extends Left ? 1 : 2) extends <Probe>() => Probe extends Right ? 1 : 2 ? true : false;

/** Compiles only for `true`. */
export type Expect<Truth extends true> = Truth;
