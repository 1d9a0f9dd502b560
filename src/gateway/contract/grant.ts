/** What somebody may do, and to which agents: each of these scopes at each of these. */
export interface Grant {
  /** `all` if it may do everything; also such that only an author knows, which a gate asks for. */
  readonly scopes: readonly string[] | "all";
  /** Patterns of agent paths; where there are none, nothing is reached. */
  readonly agents: readonly string[];
}

/** The grant of who may do everything, everywhere. */
export const EVERYTHING: Grant = { scopes: "all", agents: ["/**"] };
