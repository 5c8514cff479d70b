/**
 * `npm run bench`: the product beside a bare reference Worker, on this machine, in one table.
 *
 *     npm run bench -- [--users 10000] [--duration 2] [--only me,login,…] [--production]
 *
 * `--production`: on a runtime with production's limit of PBKDF2 iterations. The product is also measured
 * without its Durable Objects.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sections } from './measure.ts';
import { toMarkdown, writeReport } from './report.ts';
import { seed } from './seed.ts';
import { type Bundle, bundle, serve } from './serve.ts';
import type { Bench, Name, Row } from './turns.ts';

/** Results stay here; a run's databases and bundles do not. */
const FOLDER = '.bench';

/** Whatever hangs, it ends. Leaving takes Miniflare's workerd processes along. */
const DEADLINE_MINUTES = 60;

const { values: options } = parseArgs({
  options: {
    users: { type: 'string', default: '10000' },
    duration: { type: 'string', default: '2' },
    only: { type: 'string', default: Object.keys(sections).join(',') },
    production: { type: 'boolean', default: false },
  },
});
const users = positive('--users', options.users);
const seconds = positive('--duration', options.duration);
const wanted = Object.entries(sections).filter(([name]) => options.only.split(',').includes(name));
if (wanted.length === 0) throw new Error(`--only takes ${Object.keys(sections).join(', ')}`);

const started = new Date();
setTimeout(() => {
  console.error(`Not done after ${DEADLINE_MINUTES} minutes: given up.`);
  process.exit(1);
}, DEADLINE_MINUTES * 60_000).unref();

await mkdir(FOLDER, { recursive: true });
const scratch = await mkdtemp(join(FOLDER, 'run-'));
try {
  progress('bundling');
  const folder = options.production ? 'test/bench/production' : 'test/bench';
  const entry = options.production ? `${folder}/product.ts` : 'src/index.ts';
  const product = await bundle(entry, join(scratch, 'product'));
  const reference = await bundle(`${folder}/reference.ts`, join(scratch, 'reference'));
  const scripts: [Name, Bundle][] = [
    ['product', product],
    ...(options.production ? [['isolate', product] satisfies [Name, Bundle]] : []),
    ['reference', reference],
  ];

  const spareData = join(scratch, 'data');
  const databaseBytes = await seedInto(spareData, reference);
  const contestants: Bench['contestants'] = [];
  for (const [name, script] of scripts) {
    const data = join(scratch, `${name}-data`);
    await cp(spareData, data, { recursive: true });
    contestants.push({ name, script, data });
  }

  const bench: Bench = { contestants, users, seconds, spareData, scratch, progress };
  const rows: Row[] = [];
  for (const [, section] of wanted) rows.push(...(await section(bench)));

  const conditions = { users, databaseBytes, seconds, started };
  const name = `${users}-users${options.production ? '-production' : ''}`;
  await writeReport(FOLDER, name, rows, conditions);
  console.log(`\n${toMarkdown(rows, conditions)}`);
  console.log(`Written to ${join(FOLDER, `${name}.md`)} and .json`);
} finally {
  await rm(scratch, { recursive: true });
}

/** @returns the database's size in bytes */
async function seedInto(data: string, script: Bundle): Promise<number> {
  const server = await serve(script, data);
  try {
    await seed(server, users, (done) => progress(`seeding: ${done} of ${users} users`));
    const database = await server.database();
    return (await database.prepare('select 1').run()).meta.size_after;
  } finally {
    await server.stop();
  }
}

function positive(option: string, text: string): number {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`${option} takes a whole number above 0`);
}

function progress(text: string): void {
  const elapsed = Math.round((Date.now() - started.getTime()) / 1000);
  console.error(`[${String(elapsed).padStart(4)} s] ${text}`);
}
