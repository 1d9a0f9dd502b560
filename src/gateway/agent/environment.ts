import { env } from "cloudflare:workers";
import { DefinitionError } from "../registry/definition-error";
import { leafOf, type Registry } from "../registry/registry";
import { isWorkflow } from "./engine";
import { isNamespace } from "./stub";

/**
 * Checks that the environment has every binding that the definitions name.
 *
 * @throws DefinitionError naming the binding and what to write in `wrangler.jsonc`.
 */
export function checkBindings(registry: Registry): void {
  for (const [root, ...below] of registry.chains) {
    if (below.length === 0 && !isNamespace(Reflect.get(env, root.binding ?? ""))) {
      throw new DefinitionError(
        `Agent "${root.name}": the environment has no Durable Object binding "${root.binding}". Add it to ` +
          `durable_objects.bindings in wrangler.jsonc, with "class_name": "${root.agent.name}".`,
      );
    }
  }
  for (const workflow of registry.workflows.values()) {
    if (!isWorkflow(Reflect.get(env, workflow.binding))) {
      throw new DefinitionError(
        `Workflow "${workflow.name}": the environment has no workflow binding "${workflow.binding}". Add it to workflows ` +
          `in wrangler.jsonc.`,
      );
    }
  }
}

/**
 * Checks that every class is exported by the Worker under its own name, which is how the SDK finds it. The platform tells
 * its exports only while it handles an event.
 *
 * @throws DefinitionError naming the class and the remedy.
 */
export function checkExports(registry: Registry, exported: object): void {
  for (const { name, agent } of registry.chains.map(leafOf)) {
    if (agent.name in exported) continue;
    throw new DefinitionError(
      `Agent "${name}": the Worker exports no class "${agent.name}". Export it from the main module under that name` +
        (/^_*[a-z]\\w?$/.test(agent.name) ? `; the name looks minified: set "keep_names": true in wrangler.jsonc.` : "."),
    );
  }
}
