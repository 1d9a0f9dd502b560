/** A mistake in how agents and workflows are defined. The message names the thing and the remedy. */
export class DefinitionError extends Error {
  override readonly name = "DefinitionError";
}
