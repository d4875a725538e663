// Changes: look first (a dry run gives the plan), then act once (an idempotency key).

import type { Plan, Progress } from "../generated/api";
import { HostError, type ChangeName, type Done, type Draft, type Host, type Request } from "./host";

/** What a change would do. Nothing is done. */
export async function planChange<C extends ChangeName>(host: Host, command: C, draft: Draft<C>): Promise<Plan> {
  const answer = await host.call(command, withChange(draft, { dryRun: true }));
  return (answer as { plan: Plan }).plan;
}

/** Does a change, once per key. */
export async function doChange<C extends ChangeName>(
  host: Host,
  command: C,
  draft: Draft<C>,
  onProgress?: (line: Progress) => void,
  idempotencyKey: string = crypto.randomUUID(),
): Promise<Done<C>> {
  const answer = (await host.call(command, withChange(draft, { dryRun: false, idempotencyKey }), onProgress)) as
    | { kind: "planned" }
    | { kind: "done"; result: Done<C> };
  if (answer.kind === "done") return answer.result;
  throw new HostError({ code: "internal", message: "The host planned and did not act", detail: "", retry: { kind: "never" } });
}

function withChange<C extends ChangeName>(draft: Draft<C>, change: { dryRun: boolean; idempotencyKey?: string }): Request<C> {
  // The compiler cannot see that a request without its change, plus a change, is that request again.
  return { ...draft, change } as unknown as Request<C>;
}
