/** Runs the command line of this process. */
import './owner-only.ts';
import { Console } from 'node:console';
import { runManage } from './program.ts';

export async function run(args: string[]): Promise<number> {
  // Standard output is for answers. What wrangler has to say goes where notes go.
  globalThis.console = new Console(process.stderr);

  // The reader of a pipe may need no more: `manage users | head`.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });

  return runManage(args);
}
