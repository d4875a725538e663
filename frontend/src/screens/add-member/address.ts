// Addresses as somebody types them: what they mean, what is wrong with them. The host judges again. Pure.

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const V6 = /^[0-9a-f:]*:[0-9a-f:.]*$/i;
const PORT = 7443;

export const isV4 = (text: string): boolean => V4.test(text);
const isIp = (text: string): boolean => isV4(text) || (V6.test(text) && text.split("::").length <= 2);

/** `a, b c` as a list. */
export function listOf(text: string): string[] {
  return [...new Set(text.split(/[\s,;]+/).filter(Boolean))];
}

/** What is wrong with a list of sources; none when nothing is. */
export function sourcesWrong(text: string): string | undefined {
  const list = listOf(text);
  if (list.length === 0) return "Name at least one address that its connections come from";
  const odd = list.find((one) => {
    const [ip = "", bits, ...rest] = one.split("/");
    const most = isV4(ip) ? 32 : 128;
    return !isIp(ip) || rest.length > 0 || (bits !== undefined && !(/^\d+$/.test(bits) && Number(bits) <= most));
  });
  return odd === undefined ? undefined : `${odd} is no IPv4, IPv6 or CIDR`;
}

export function hostnameWrong(text: string): string | undefined {
  if (text === "") return "Exactly what the machine calls itself, as `hostname` says there";
  return /^[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?$/.test(text) && text.length <= 253 ? undefined : `${text} is no hostname`;
}

/** `192.0.2.10` and `192.0.2.10:7443`, `[2001:db8::1]:7443`. */
export function endpointOf(text: string): { ip: string; port: number } | undefined {
  const six = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const four = /^([^:]+)(?::(\d+))?$/.exec(text);
  const found = six ?? four;
  const ip = found?.[1] ?? text;
  const port = Number(found?.[2] ?? PORT);
  return isIp(ip) && port > 0 && port < 65_536 ? { ip, port } : undefined;
}

export function addressWrong(text: string): string | undefined {
  if (text === "") return "Where this console reaches it";
  return endpointOf(text) ? undefined : `${text} is no address: write 192.0.2.10 or 192.0.2.10:7443`;
}

/** Whether one of the sources is this very address; nets are the host's to judge. */
export function plainlyCovers(sources: string, ip: string): boolean {
  return listOf(sources).some((one) => one === ip || one === `${ip}/32` || one.includes("/"));
}
