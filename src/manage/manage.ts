/** `npm run manage -- <command>`. */
import { Console } from 'node:console';
import { runManage } from './program.ts';

// Standard output is for answers. What wrangler has to say goes where notes go.
globalThis.console = new Console(process.stderr);

process.exitCode = await runManage(process.argv.slice(2));
