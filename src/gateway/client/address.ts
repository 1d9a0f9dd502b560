/** A value of a query: an instant is sent as ISO 8601, an object as JSON, a list as the parameter several times. */
export type QueryValue =
  | string
  | number
  | boolean
  | Date
  | readonly string[]
  | Readonly<Record<string, unknown>>
  | null
  | undefined;
export type Query = Readonly<Record<string, QueryValue>>;

/** The path of an agent below another, or of a root agent. */
export function agentPath(parent: string, agent: string, name: string): string {
  return `${parent}/${parent === "" ? "agents" : "sub"}/${segment(agent)}/${segment(name)}`;
}

/**
 * A name as one segment of a path.
 *
 * @throws TypeError for the names that a URL takes for steps up and down: they would address something else.
 */
export function segment(name: string): string {
  if (name === "" || name === "." || name === "..") throw new TypeError(`"${name}" is not a name.`);
  return encodeURIComponent(name);
}

/** The address of a path below the base of a gateway, which may have a path of its own. */
export function addressOf(base: string, path: string, query: Query = {}): string {
  const parameters = Object.entries(query).flatMap(([key, value]) =>
    textsOf(value).map((text) => `${encodeURIComponent(key)}=${encodeURIComponent(text)}`),
  );
  return `${base.replace(/\/+$/, "")}${path}${parameters.length === 0 ? "" : `?${parameters.join("&")}`}`;
}

function textsOf(value: QueryValue): readonly string[] {
  if (value === undefined || value === null) return [];
  if (value instanceof Date) return [value.toISOString()];
  if (Array.isArray(value)) return value as readonly string[];
  return [typeof value === "object" ? JSON.stringify(value) : String(value)];
}
