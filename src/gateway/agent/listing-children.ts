import type { ChildView } from "../contract/agent";
import type { Page } from "../contract/page";
import type { PageRequest } from "../port";
import type { ChildRecord, Children } from "./children";
import { iso } from "./ledger";
import { placeOfCursor, sealCursor } from "./sealed-cursor";
import type { Store } from "./store";

/** Lists the sub-agents of an agent, of all classes or of one. */
export function listChildren(
  store: Store,
  children: Children,
  parent: string,
  { agent, limit, cursor }: PageRequest & { readonly agent?: string | undefined },
): Page<ChildView> {
  const list = JSON.stringify(["children", agent]);
  const [ofClass = agent, name = ""] =
    cursor === undefined ? [] : placeOfCursor(cursor, list, store).split("/");
  const items: ChildView[] = [];
  for (const child of children.from(ofClass === undefined ? undefined : { agent: ofClass, name })) {
    if (agent !== undefined && child.agent !== agent) break;
    if (items.length === limit) {
      return { items, nextCursor: sealCursor(`${child.agent}/${child.name}`, list, store) };
    }
    items.push(toChildView(child, parent));
  }
  return { items, nextCursor: null };
}

function toChildView({ agent, name, createdAt }: ChildRecord, parent: string): ChildView {
  return {
    agent,
    name,
    path: `${parent}/sub/${agent}/${encodeURIComponent(name)}`,
    createdAt: iso(createdAt),
  };
}
