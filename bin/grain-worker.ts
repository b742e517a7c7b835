#!/usr/bin/env node
import { main } from "../worker/main.js";

process.exitCode = await main(process.argv.slice(2));
