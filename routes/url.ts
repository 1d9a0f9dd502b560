// Requests have URLs that the platform has parsed and written anew: their parts can be cut out.

/** The origin of the URL of a request, as `https://desk.example.com`. */
export function originOf(url: string): string {
  return url.slice(0, pathStart(url));
}

/** Its path, as it was encoded. */
export function pathOf(url: string): string {
  const end = url.search(/[?#]/);
  return url.slice(pathStart(url), end === -1 ? undefined : end);
}

function pathStart(url: string): number {
  const start = url.indexOf("/", url.indexOf("//") + 2);
  return start === -1 ? url.length : start;
}
