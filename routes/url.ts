// The parts of a URL as it was sent, without reading all of it anew for each request.

/** Its path, as it was encoded; empty if it has none. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return url.slice(pathStart(url), end === -1 ? undefined : end);
}

/** How long it is from its path on. */
export function lengthFromPath(url: string): number {
  return url.length - pathStart(url);
}

function pathStart(url: string): number {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start === -1 ? url.length : start;
}
