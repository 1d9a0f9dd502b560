/** Longest URL of an endpoint, in characters. */
const MAX_LENGTH = 2_048;

/** Names under these belong to private networks, or to nobody (RFC 2606, 6761, 6762, 7686, 8375, 9476; ICANN's high-risk names). */
const NOT_PUBLIC = [
  "alt",
  "arpa",
  "consul",
  "corp",
  "domain",
  "example",
  "home",
  "internal",
  "intranet",
  "invalid",
  "lan",
  "local",
  "localdomain",
  "localhost",
  "mail",
  "onion",
  "private",
  "test",
  "workgroup",
] as const;

/** Public names that resolve to an address of this machine, or to whatever address is written in them. */
const RESOLVE_ANYWHERE = [
  "127-0-0-1.org.uk",
  "1u.ms",
  "42foo.com",
  "backname.io",
  "ddev.site",
  "docksal.site",
  "fuf.me",
  "ip6.name",
  "lacolhost.com",
  "lndo.site",
  "local.gd",
  "localho.st",
  "localhost.direct",
  "localtest.me",
  "lvh.me",
  "nip.io",
  "rbndr.us",
  "readme.localtest.me",
  "smackaho.st",
  "spoofed.burpcollaborator.net",
  "sslip.io",
  "traefik.me",
  "ulh.us",
  "vcap.me",
  "xip.io",
  "xip.name",
  "yoogle.com",
] as const;

const LOOPBACK = ["127.0.0.1", "[::1]", "localhost"] as const;

/** What a URL parser leaves out or reads as something else, so that people and machines see different URLs. */
// oxlint-disable-next-line no-control-regex -- control characters are what is looked for
const MISLEADING = /[\u0000-\u0020\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff\\]/;

/**
 * Which rule a URL breaks that is to be sent webhooks. It is judged as the URL parser reads it, whatever its spelling.
 *
 * A name may still resolve to a private address: that is for the network, and that of a Worker has none.
 *
 * @param allowLoopback whether this machine may be named, by whatever scheme and port: for development.
 * @returns undefined if it breaks none.
 */
export function refusalOf(text: string, allowLoopback: boolean): string | undefined {
  if (text.length > MAX_LENGTH) return `It may have ${MAX_LENGTH} characters.`;
  if (MISLEADING.test(text)) return "It may have no control characters, spaces or backslashes.";
  const url = URL.parse(text);
  if (url === null) return "It is no URL.";
  if (url.href.length > MAX_LENGTH) return `It may have ${MAX_LENGTH} characters.`;
  if (url.username !== "" || url.password !== "" || /^[a-z]+:\/*[^/?#]*@/i.test(text))
    return "It may name no user and no password.";
  if (text.includes("#")) return "It may have no fragment.";
  const isWeb = url.protocol === "https:" || url.protocol === "http:";
  if (allowLoopback && isWeb && (LOOPBACK as readonly string[]).includes(url.hostname)) return undefined;
  if (url.protocol !== "https:") return "It must begin with https:.";
  if (url.port !== "") return "It must use port 443.";
  return refusalOfHost(url.hostname);
}

/** @param host in lower case, with ASCII letters only, as the URL parser gives it. */
function refusalOfHost(host: string): string | undefined {
  if (host.startsWith("[")) return "It must have a name, not an address.";
  if (host.endsWith(".")) return "Its name may not end with a dot.";
  const labels = host.split(".");
  const last = labels.at(-1) ?? "";
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(last)) return "It must have a name, not an address.";
  if (labels.length === 1) return "Its name must be a public one, with a domain.";
  if (host.length > 253 || !labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label)))
    return "It has no valid name.";
  if ((NOT_PUBLIC as readonly string[]).includes(last)) return `Names under .${last} are not public.`;
  const anywhere = RESOLVE_ANYWHERE.find((name) => host === name || host.endsWith(`.${name}`));
  return anywhere === undefined ? undefined : `Names under ${anywhere} lead to any address.`;
}
