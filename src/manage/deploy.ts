/**
 * `npm run deploy`: the Worker, its database and its migrations, from a fresh clone or again.
 * wrangler does each step; their order is here. What failed can be repeated: each run asks what is
 * there already.
 */
import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import * as v from 'valibot';
import { parseSettings } from '../settings.ts';
import { applyMigrations, listDatabases, upload, whoAmI } from './cloudflare.ts';
import { CommandError } from './command-error.ts';
import { loginCost } from './hashing-cost.ts';
import { note, print } from './terminal.ts';

/** A new workers.dev address takes some seconds before it answers. */
const HEALTH_ATTEMPTS = 10;
const HEALTH_PAUSE_MS = 2_000;
const HEALTH_TIMEOUT_MS = 5_000;

const FAILED = 1;
const USAGE = 2;

/** What matters here of wrangler.toml. */
const WranglerConfig = v.object({
  account_id: v.optional(v.string()),
  vars: v.record(v.string(), v.unknown()),
  durable_objects: v.object({ bindings: v.array(v.object({ name: v.string() })) }),
  d1_databases: v.array(
    v.object({
      binding: v.string(),
      database_name: v.string(),
      database_id: v.optional(v.string()),
    }),
  ),
});

type Config = v.InferOutput<typeof WranglerConfig>;

async function deploy(isTemporary: boolean): Promise<void> {
  const { unstable_readConfig } = await import('wrangler');
  const config = v.parse(WranglerConfig, unstable_readConfig({}, { hideWarnings: true }));
  const cost = costOf(config);

  if (isTemporary) sayWhatTemporaryMeans();
  else await sayWhoIsLoggedIn(config);
  note(cost);
  note(
    'Workers Free bills nothing and refuses what is above its daily limits: 100,000 requests, and',
  );
  note(
    '100,000 rows written to D1 (a registration writes 6). Workers Paid bills CPU, objects and rows.',
  );

  // Nothing is asked of a temporary account before wrangler has made it, which the upload does.
  const isFirst = isTemporary || !(await hasDatabase(config));
  const flags = isTemporary ? ['--temporary'] : [];
  if (!isFirst) await applyMigrations(flags);
  const url = await upload(flags);
  if (isFirst) await applyMigrations(flags);

  if (url) await untilHealthy(url);
  print(url ? `Deployed and healthy: ${url}` : 'Deployed, at the routes above: ask /health there.');
  print(cost);
  print('Next, from SECURITY.md, "Before production":');
  for (const line of await stepsBeforeProduction()) print(line);
}

function costOf({ vars, durable_objects }: Config): string {
  const hasHasher = durable_objects.bindings.some(({ name }) => name === 'PASSWORD_HASHER');
  return loginCost(parseSettings(vars).iterations, hasHasher).line;
}

function sayWhatTemporaryMeans(): void {
  note(
    'A temporary account: going on accepts the terms of Cloudflare that wrangler shows. It is deleted',
  );
  note(
    'after an hour, unless somebody opens the claim link that wrangler prints. Who has that link can',
  );
  note('take the account, with its users and tokens: keep it to yourself.');
}

async function sayWhoIsLoggedIn({ account_id }: Config): Promise<void> {
  const who = await whoAmI();
  if (!who.loggedIn) {
    throw new CommandError(
      'nobody is logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN;\n' +
        'or try it for an hour without an account: `npm run deploy -- --temporary`',
    );
  }
  const chosen = account_id ?? process.env.CLOUDFLARE_ACCOUNT_ID;
  if (!chosen && who.accounts.length > 1) {
    const accounts = who.accounts.map(({ id, name }) => `\n  ${id}  ${name}`).join('');
    throw new CommandError(`set CLOUDFLARE_ACCOUNT_ID to one of your accounts:${accounts}`);
  }
  const account = chosen ?? who.accounts[0]?.id ?? 'unknown';
  note(`Logged in as ${who.email ?? 'an API token'}, account ${account}`);
}

async function hasDatabase({ d1_databases }: Config): Promise<boolean> {
  const database = d1_databases.find(({ binding }) => binding === 'DB');
  if (!database) throw new CommandError('wrangler.toml has no D1 database bound as DB');
  return (await listDatabases()).some(
    ({ uuid, name }) => uuid === database.database_id || name === database.database_name,
  );
}

async function untilHealthy(url: URL): Promise<void> {
  const health = new URL('/health', url);
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(health, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(
      ({ status }) => `answers ${status}`,
      () => 'does not answer',
    );
    if (answer === 'answers 200') return;
    if (attempt === HEALTH_ATTEMPTS) {
      throw new CommandError(
        `deployed, but ${health} ${answer}. A new address may need some minutes; if it stays so,\n` +
          '`npm run wrangler -- tail` shows the log.',
      );
    }
    await setTimeout(HEALTH_PAUSE_MS);
  }
}

async function stepsBeforeProduction(): Promise<string[]> {
  const security = await readFile('SECURITY.md', 'utf8');
  return /^## Before production\n.*?(^1\. .*?)\n+## /ms.exec(security)?.[1]?.split('\n') ?? [];
}

try {
  const { values } = parseArgs({ options: { temporary: { type: 'boolean', default: false } } });
  await deploy(values.temporary);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage = 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!isUsage && !(error instanceof CommandError)) throw error;
  for (const line of `${error.name}: ${error.message}`.split('\n')) note(line);
  process.exitCode = isUsage ? USAGE : FAILED;
}
