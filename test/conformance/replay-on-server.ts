/**
 * Asks a server that really runs, started with `npm start`, what a real Django was asked, and
 * compares the answers: `node test/conformance/replay-on-server.ts <directory of the recorded cases>`.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { NPM_START, startServer } from '../helpers/server.ts';
import { withoutLimits } from '../helpers/without-limits.ts';

const [directory = 'test/conformance'] = process.argv.slice(2);

// The cases register more users than a classroom.
const server = startServer(
  { config: withoutLimits(), persistTo: '.wrangler/state', port: '8000' },
  NPM_START,
);
try {
  const sql = 'npm run --silent wrangler -- d1 execute DB --local --command "$REPLAY_SQL"';
  const cases = join(directory, 'http-cases.json');
  const replay = spawn(
    process.execPath,
    [join(directory, 'replay.mjs'), await server.url, cases, '--sql-cmd', sql],
    { stdio: 'inherit' },
  );
  [process.exitCode] = await once(replay, 'exit');
} finally {
  await server.stop();
}
