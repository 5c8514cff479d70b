/**
 * Sends the requests of the course's clients, and of those of other packages, to a running server, once
 * for each set of settings:
 * `node test/conformance/course-clients-on-server.ts [<directory of the recorded cases> [<port>]]`.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrate, startServer, WRANGLER_DEV } from '../helpers/server.ts';
import { withoutLimits } from '../helpers/without-limits.ts';
import { readFlows, settingsFor } from './course-client-settings.ts';

const [directory = 'test/conformance', port = '0'] = process.argv.slice(2);
const file = join(directory, 'course-clients.json');

const { course, peers } = readFlows(readFileSync(file, 'utf8'));
const flows = [...course, ...peers];

const persistTo = '.wrangler/course-clients';
migrate({ persistTo });
for (const [key, [flow]] of Map.groupBy(flows, ({ settings }) => settings.key)) {
  const settings = Object.entries(flow ? settingsFor(flow) : {});
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
