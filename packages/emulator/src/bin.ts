#!/usr/bin/env node
import { runCommandLine } from './command-line/run-command-line.ts'

// Whoever reads what we say may stop to (`| head`); that is no reason to end.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})

process.exitCode = await runCommandLine(process.argv.slice(2))
