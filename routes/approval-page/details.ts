import { html } from "hono/html";
import { type Html, NOTHING, written } from "./layout";

/** Beyond this, values are shown as JSON. */
const DEEPEST = 6;

/** Any JSON as a person reads it: objects as lists of names and values, arrays as numbered lists. */
export function details(value: unknown, depth = 0): Html {
  if (typeof value !== "object" || value === null) return scalar(value);
  const isEmpty = Object.keys(value).length === 0;
  if (isEmpty || depth >= DEEPEST) return html`<code>${JSON.stringify(value)}</code>`;
  if (Array.isArray(value))
    return html`<ol>
      ${value.map((item: unknown) => html`<li>${details(item, depth + 1)}</li>`)}
    </ol>`;
  return html`<dl>
    ${Object.entries(value).map(
      ([name, inner]) =>
        html`<dt dir="auto">${name}</dt>
          <dd>${details(inner, depth + 1)}</dd>`,
    )}
  </dl>`;
}

function scalar(value: unknown): Html {
  if (typeof value === "string") return value === "" ? NOTHING : written(value);
  if (value === true) return html`yes`;
  if (value === false) return html`no`;
  return html`${value === null || value === undefined ? "none" : JSON.stringify(value)}`;
}
