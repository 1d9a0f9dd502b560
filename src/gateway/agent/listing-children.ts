import type { ChildView } from "../contract/agent";
import { childPath } from "../contract/names";
import type { Page } from "../contract/page";
import type { PageRequest } from "../port";
import type { ChildRecord, Children } from "./children";
import { iso } from "./ledger";
import { placeOfCursor, readPlace, sealCursor, writePlace } from "../durable/sealed-cursor";
import type { Store } from "../durable/store";

/** The child that a page begins with. */
type Place = readonly [agent: string, name: string];

/** Lists the sub-agents of an agent, of all classes or of one. */
export function listChildren(
  store: Store,
  children: Children,
  parent: string,
  { agent, limit, cursor }: PageRequest & { readonly agent?: string | undefined },
): Page<ChildView> {
  const list = JSON.stringify(["children", agent]);
  const [ofClass = agent, name = ""] =
    cursor === undefined
      ? []
      : // What a seal was made over was written here.
        (readPlace(placeOfCursor(cursor, list, store)) as Place);
  const items: ChildView[] = [];
  for (const child of children.from(ofClass === undefined ? undefined : { agent: ofClass, name })) {
    if (agent !== undefined && child.agent !== agent) break;
    if (items.length === limit) {
      const place: Place = [child.agent, child.name];
      return { items, nextCursor: sealCursor(writePlace(place), list, store) };
    }
    items.push(toChildView(child, parent));
  }
  return { items, nextCursor: null };
}

function toChildView({ createdAt, ...child }: ChildRecord, parent: string): ChildView {
  return { ...child, path: childPath(parent, child), createdAt: iso(createdAt) };
}
