// Which action helps with a failed check. The host's check names are stable words of its rehearsal; what is not known
// here has no button and is still told. Pure.

const HELP: Record<string, string> = {
  "DNS provider": "pool.dns", "a move is a compare-and-set": "pool.dns", "the record is ours": "pool.dns", "the record can be read": "pool.dns",
  "resolvers ask this zone": "pool.dns", "the zone does not die with a member": "pool.dns", "traffic is on the active member": "pool.dns",
  "a standby is ready": "member.add", "enough voters are heard": "member.add", "nothing else answers at the name": "pool.dns",
};

export function helpFor(check: string): string | undefined {
  return HELP[check];
}
