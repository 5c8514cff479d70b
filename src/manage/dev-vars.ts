/**
 * Prepares local development: `.dev.vars` gets the variables that it does not have yet. The file and
 * wrangler's folder become readable by their owner only.
 */
import './owner-only.ts';
import { chmodSync, existsSync, statSync } from 'node:fs';
import { addLocalVariables } from './local-variables.ts';

const FILE = '.dev.vars';

/** Local databases, and messages that were not sent. */
const FOLDER = '.wrangler';

addLocalVariables(FILE);
for (const path of [FILE, FOLDER]) keepFromOthers(path);

/** Takes away the rights that an older version or another program gave to others. */
function keepFromOthers(path: string): void {
  if (!existsSync(path)) return;
  const { mode, uid } = statSync(path);
  // Windows has no user ids, and other users' files are not ours to change.
  if (uid === process.getuid?.()) chmodSync(path, mode & ~0o077);
}
