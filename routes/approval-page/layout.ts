import { html, raw } from "hono/html";

/** A piece of a page. Whatever stands in it is escaped by `html`. */
export type Html = ReturnType<typeof html>;

/** Nothing at all. */
export const NOTHING = html``;

/** The one style sheet; the policy of the pages names it by its hash. */
export const STYLE = `
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --ink: #1b2430; --soft: #55606e; --line: #c9d0d9;
  --field: #767f8c; --accent: #0b57b7; --good: #146c3a; --bad: #b3261e; --bad-ground: #fdecea; --on: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #11161d; --card: #1a212b; --ink: #e8ecf1; --soft: #a9b4c1; --line: #37424f; --field: #8b97a6;
    --accent: #8ab8ff; --good: #7fd6a0; --bad: #ff9d94; --bad-ground: #3a1f1d; --on: #11161d; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem 3rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
main { max-width: 40rem; margin: 0 auto; padding: 1.5rem; background: var(--card); border: 1px solid var(--line);
  border-radius: .75rem; }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.1rem; }
p { margin: 0 0 1rem; }
dl { margin: 0; }
dt { color: var(--soft); font-size: .875rem; }
dd { margin: 0 0 .75rem; }
.text { white-space: pre-wrap; }
dd dl, dd ol, li dl, li ol { margin: .25rem 0 0; padding-left: .85rem; border-left: 2px solid var(--line); }
dd ol, li ol { padding-left: 1.75rem; }
li { margin-bottom: .25rem; }
code { font: .9em ui-monospace, monospace; }
fieldset { margin: 1.75rem 0 0; padding: 0; border: 0; min-width: 0; }
legend { padding: 0; font-weight: 600; font-size: 1.1rem; }
label { display: block; margin-top: 1rem; font-weight: 600; }
.hint { margin: 0; color: var(--soft); font-size: .875rem; font-weight: 400; }
input, select, textarea { width: 100%; margin-top: .25rem; padding: .6rem .7rem; font: inherit; color: inherit;
  background: var(--card); border: 1px solid var(--field); border-radius: .4rem; }
input[type=checkbox] { width: 1.4rem; height: 1.4rem; margin: 0 .5rem 0 0; vertical-align: -.3rem; }
textarea { min-height: 5.5rem; resize: vertical; }
[aria-invalid=true] { border: 2px solid var(--bad); }
.error { margin: .25rem 0 0; color: var(--bad); font-weight: 600; font-size: .9rem; }
.notice { margin: 0 0 1.5rem; padding: .9rem 1rem; border-left: .3rem solid var(--bad); background: var(--bad-ground);
  border-radius: .25rem; }
.notice p:last-child, .notice ul { margin: 0; }
.notice ul { padding-left: 1.2rem; }
.actions { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.75rem; }
button { flex: 1 1 8rem; min-height: 3rem; padding: .6rem 1.25rem; font: inherit; font-weight: 600; cursor: pointer;
  border-radius: .5rem; border: 2px solid var(--good); background: var(--good); color: var(--on); }
button[value=reject] { background: transparent; border-color: var(--bad); color: var(--bad); }
button[hidden] { display: none; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); }
.good { color: var(--good); }
.bad { color: var(--bad); }
@media (max-width: 26rem) { body { padding: 0; background: var(--card); } main { border: 0; border-radius: 0; padding: 1.25rem 1rem 2rem; } }
`;

const STYLE_ELEMENT = raw(`<style>${STYLE}</style>`);

/** A whole page. It has one heading of the first level, which the content brings. */
export function page(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex, nofollow" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html>`;
}

/** A moment, as people read it. */
export function moment(iso: string): Html {
  const text = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
  return html`<time datetime="${iso}">${text.format(new Date(iso))} UTC</time>`;
}

/** A text as somebody wrote it: its lines stay, and it runs the way that its letters do. */
export function written(text: string): Html {
  return html`<span class="text" dir="auto">${text}</span>`;
}

/** Names and what they are; those that are null are left out. */
export function facts(list: readonly (readonly [name: string, value: Html | string | null])[]): Html {
  const known = list.filter(([, value]) => value !== null);
  return html`<dl>
    ${known.map(
      ([name, value]) =>
        html`<dt>${name}</dt>
          <dd>${value}</dd>`,
    )}
  </dl>`;
}
