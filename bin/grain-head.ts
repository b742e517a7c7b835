#!/usr/bin/env node
import { main } from "../head/main.js";

process.exitCode = await main(process.argv.slice(2));
