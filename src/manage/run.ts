/** Runs the command line of this process. */
import './owner-only.ts';
import { Console } from 'node:console';
import { runManage } from './program.ts';
import { ignoreClosedPipes } from './terminal.ts';

export async function run(args: string[]): Promise<number> {
  // Standard output is for answers. What wrangler has to say goes where notes go.
  globalThis.console = new Console(process.stderr);

  ignoreClosedPipes();
  return runManage(args);
}
