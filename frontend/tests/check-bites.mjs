// A type checker that reports nothing looks like one that found nothing. It must find the error in tests/bites.
import { spawnSync } from "node:child_process";

const end = spawnSync("npx", ["svelte-check", "--tsconfig", "tests/bites/tsconfig.json", "--output", "machine"], { encoding: "utf8" });
if (end.status === 0 || !end.stdout.includes("wrong-type.ts")) {
  console.error("the type check did not find the deliberate error in tests/bites/wrong-type.ts");
  process.exit(1);
}
console.log("the type check bites");
