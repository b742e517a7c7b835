#!/usr/bin/env node
import { main } from "../head/main.js";
import { settleDaemon } from "../proto/engine.js";

settleDaemon();
process.exitCode = await main(process.argv.slice(2));
