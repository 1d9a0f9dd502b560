import type { Agent } from "agents";

type DynamicAgents = Agent["dynamicAgents"];

/**
 * The SDK's `dynamicAgents`, but for `delete`, which alone would leave the instances of the child running.
 *
 * @param end ends a sub-agent of this class name. @returns false if it is none that the gateway knows.
 */
export function guardChildren(
  children: DynamicAgents,
  end: (className: string, name: string) => Promise<boolean>,
): DynamicAgents {
  const guarded: DynamicAgents["delete"] = async (childClass, name) => {
    if (!(await end(childClass.name, name))) await children.delete(childClass, name);
  };
  return new Proxy(children, {
    get(target, property) {
      if (property === "delete") return guarded;
      const member: unknown = Reflect.get(target, property, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
}
