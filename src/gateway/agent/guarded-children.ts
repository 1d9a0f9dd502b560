import type { Agent } from "agents";

type DynamicAgents = Agent["dynamicAgents"];

/** What the gateway has to do with the sub-agents that the author's own code makes and deletes. */
export interface ChildGuard {
  /** Has a sub-agent of this class name made, if it is not there, or given. */
  make<Child>(className: string, name: string, make: () => Promise<Child>): Promise<Child>;
  /** Ends a sub-agent of this class name. @returns false if it is none that the gateway knows. */
  end(className: string, name: string): Promise<boolean>;
}

/** The SDK's `dynamicAgents`, but for `get`, which is noted, and `delete`, which alone would leave the instances of the child running. */
export function guardChildren(children: DynamicAgents, guard: ChildGuard): DynamicAgents {
  const get: DynamicAgents["get"] = (childClass, name) =>
    guard.make(childClass.name, name, () => children.get(childClass, name));
  const guardedDelete: DynamicAgents["delete"] = async (childClass, name) => {
    if (!(await guard.end(childClass.name, name))) await children.delete(childClass, name);
  };
  return new Proxy(children, {
    get(target, property) {
      if (property === "get") return get;
      if (property === "delete") return guardedDelete;
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
