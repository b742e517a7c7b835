#!/usr/bin/env node
import { settleDaemon } from "../proto/engine.js";
import { main } from "../worker/main.js";

settleDaemon();
process.exitCode = await main(process.argv.slice(2));
