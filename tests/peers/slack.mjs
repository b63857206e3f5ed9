// A Slack workspace of the npm package `emulate`: `node slack.mjs PORT SEED`; ends when its standard input does.
import { createEmulator } from "emulate";

await createEmulator({ service: "slack", port: Number(process.argv[2]), seed: JSON.parse(process.argv[3]) });
process.stdout.write("ready\n");
process.stdin.on("end", () => process.exit(0)).resume();
