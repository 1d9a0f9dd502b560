import { env } from "cloudflare:workers";
import { DefinitionError } from "../registry/definition-error";
import { leafOf, type Registry } from "../registry/registry";
import { isWorkflow } from "./engine";
import { isNamespace } from "./stub";

/**
 * Checks that every class can be served, and that the environment has every binding that the definitions name.
 *
 * @throws DefinitionError naming the class or the binding, and the remedy.
 */
export function checkBindings(registry: Registry): void {
  for (const { name, agent } of registry.chains.map(leafOf)) {
    if (!("gatewayCall" in agent.prototype)) {
      throw new DefinitionError(
        `Agent "${name}": the class ${agent.name} is none that the gateway can serve. Extend withGateway(Agent).`,
      );
    }
  }
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
 * Finds a class that the Worker does not export under its own name, which is how the SDK looks for it. The platform tells
 * its exports only while it handles an event.
 *
 * @returns an error that names the class and the remedy.
 */
export function findMissingExport(registry: Registry, exported: object): DefinitionError | undefined {
  const missing = registry.chains.map(leafOf).find(({ agent }) => !(agent.name in exported));
  if (missing === undefined) return undefined;
  const { name, agent } = missing;
  const minified = /^_*[a-z]\w?$/.test(agent.name);
  return new DefinitionError(
    `Agent "${name}": the Worker exports no class "${agent.name}". Export it from the main module under that name` +
      (minified ? `; the name looks minified: set "keep_names": true in wrangler.jsonc.` : "."),
  );
}
