import type { OpenApiDocument } from "./document";

type Components = OpenApiDocument["components"];

/**
 * What a document says of one class of agents: the operations of its tag, and of the rest what these refer to.
 *
 * @returns undefined if there is nothing of that tag.
 */
export function excerptOf(document: OpenApiDocument, tag: string): OpenApiDocument | undefined {
  const paths: Record<string, OpenApiDocument["paths"][string]> = {};
  for (const [path, item] of Object.entries(document.paths)) {
    const own = Object.entries(item).filter(([, { tags }]) => tags.includes(tag));
    if (own.length > 0) paths[path] = Object.fromEntries(own);
  }
  if (Object.keys(paths).length === 0) return undefined;
  const { openapi, info, servers } = document;
  return {
    openapi,
    info,
    servers,
    tags: document.tags.filter(({ name }) => name === tag),
    paths,
    components: reachedFrom(paths, document.components),
  };
}

/** The components that operations refer to, directly or through one another. */
function reachedFrom(paths: OpenApiDocument["paths"], components: Components): Components {
  const reached = new Set(schemesIn(paths));
  const waiting: object[] = [paths];
  for (const next of waiting) {
    for (const reference of referencesIn(next).filter((one) => !reached.has(one))) {
      reached.add(reference);
      const [, , kind = "", name = ""] = reference.split("/");
      const component = components[kind]?.[name];
      if (component !== undefined) waiting.push(component);
    }
  }
  return Object.fromEntries(
    Object.entries(components).map(([kind, named]) => {
      const kept = Object.entries(named).filter(([name]) => reached.has(`#/components/${kind}/${name}`));
      return [kind, Object.fromEntries(kept)];
    }),
  );
}

/** The security schemes of operations, which are named and not pointed to. */
function schemesIn(paths: OpenApiDocument["paths"]): string[] {
  return Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap(({ security }) => security.flatMap((alternative) => Object.keys(alternative)))
    .map((name) => `#/components/securitySchemes/${name}`);
}

/** Every text in a value that points to a component: of a reference, or of the mapping of a discriminator. */
function referencesIn(value: object): string[] {
  return [...JSON.stringify(value).matchAll(/"(#\/components\/[^"]+)"/g)].map(
    ([, reference = ""]) => reference,
  );
}
