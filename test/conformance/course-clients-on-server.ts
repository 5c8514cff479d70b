/**
 * Sends the requests of the course's clients to a running server, once for each set of settings:
 * `node test/conformance/course-clients-on-server.ts [<directory of the recorded cases> [<port>]]`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { migrate, startServer, WRANGLER_DEV } from '../helpers/server.ts';
import { withoutLimits } from '../helpers/without-limits.ts';
import { settingsFor } from './course-client-settings.ts';

const [directory = 'test/conformance', port = '0'] = process.argv.slice(2);
const file = join(directory, 'course-clients.json');

const { scenarios } = v.parse(
  v.object({ scenarios: v.array(v.object({ settings: v.object({ key: v.string() }) })) }),
  JSON.parse(readFileSync(file, 'utf8')),
);

const persistTo = '.wrangler/course-clients';
migrate({ persistTo });
for (const key of new Set(scenarios.map(({ settings }) => settings.key))) {
  const settings = Object.entries(settingsFor(key));
  console.log(key, ...settings.map(([name, value]) => `${name}="${value}"`));
  const vars = settings.flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const server = startServer({ config: withoutLimits(), persistTo, port }, [
    ...WRANGLER_DEV,
    ...vars,
  ]);
  try {
    const replay = [join(directory, 'replay.mjs'), await server.url, file, '--settings', key];
    const { status } = spawnSync(process.execPath, replay, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  } finally {
    await server.stop();
  }
}
