#!/usr/bin/env node
/**
 * `npm run manage -- <command>`, or `npx edge-authtoken <command>` of the package: what Django's
 * `manage.py` does, for the database of the wrangler configuration in this folder.
 */
import './owner-only.ts';
import { Console } from 'node:console';
import { runManage } from './program.ts';
import { ignoreClosedPipes } from './terminal.ts';

// Standard output is for answers. What wrangler has to say goes where notes go.
globalThis.console = new Console(process.stderr);

ignoreClosedPipes();
process.exitCode = await runManage(process.argv.slice(2));
