/** What JSON can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Words that every YAML reads as themselves, but for those that some read as true, false or null. */
const PLAIN = /^(?!(?:true|false|null|yes|no|on|off|y|n)$)[a-z_$][\w-]*$/i;

/** Lines without a character that could be read as a break or be lost; the first shows how deep the others are. */
const LINES = /^[!-~¡-…][ -~¡-…]*\n[ -~¡-…\n]*[!-~¡-…]$/;

/**
 * Writes JSON as YAML 1.2 for people: in blocks, and text of several lines as it is. Every other text is written as in JSON, which is
 * YAML too: it cannot be taken for a number or a date.
 */
export function toYaml(value: Json): string {
  return `${valueOf(value, "").trimStart()}\n`;
}

/** A value as it stands behind a key. @param indent of what is below it. */
function valueOf(value: Json, indent: string): string {
  if (typeof value === "string" && LINES.test(value)) return ` |-\n${value.replace(/^(?=.)/gm, indent)}`;
  if (typeof value !== "object" || value === null) return ` ${scalarOf(value)}`;
  const deeper = `${indent}  `;
  const below = isList(value)
    ? value.map((item) => `${indent}- ${valueOf(item, deeper).trimStart()}`)
    : Object.entries(value).map(([key, item]) => `${indent}${scalarOf(key)}:${valueOf(item, deeper)}`);
  if (below.length === 0) return isList(value) ? " []" : " {}";
  return `\n${below.join("\n")}`;
}

function scalarOf(value: null | boolean | number | string): string {
  return typeof value === "string" && PLAIN.test(value) ? value : JSON.stringify(value);
}

function isList(value: object): value is readonly Json[] {
  return Array.isArray(value);
}
