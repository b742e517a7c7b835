#!/usr/bin/env node
import { settleDaemon } from "../proto/engine.js";

// Before all that is loaded.
settleDaemon();
const { main } = await import("../worker/main.js");
process.exitCode = await main(process.argv.slice(2));
