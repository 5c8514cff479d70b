/**
 * `npm run deploy`: deploys the Worker, its database and its migrations, for the first time or again.
 * wrangler does each step. Each run asks what exists already, so that it can be repeated after a
 * failure.
 */
import './owner-only.ts';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loginCost } from '../hashing/cost.ts';
import { parseSettings, SettingsError } from '../settings.ts';
import {
  findingsOf,
  hasPasswordHasher,
  printFindings,
  type SecretKey,
} from './before-production.ts';
import { applyMigrations, askSecretKey, listDatabases, upload, whoAmI } from './cloudflare.ts';
import { CommandError } from './command-error.ts';
import {
  type Configuration,
  environmentFlags,
  missingFrom,
  readConfiguration,
  shownEnvironment,
} from './configuration.ts';
import { ignoreClosedPipes, note, print } from './terminal.ts';

/** A new workers.dev address takes some seconds before it answers. */
const HEALTH_ATTEMPTS = 10;
const HEALTH_PAUSE_MS = 2_000;
const HEALTH_TIMEOUT_MS = 5_000;

const FAILED = 1;
const USAGE = 2;

const HELP = `Usage: npm run deploy -- [options]

Deploys the Worker of wrangler.toml, its database and its migrations to Cloudflare. Ends with what
SECURITY.md asks for before production.

Options:
  --env <name>  an environment of wrangler.toml, such as [env.staging]
  --temporary   deploy to a temporary account, which is deleted after an hour
  -h, --help    show this help`;

type Options = { temporary: boolean; env?: string | undefined };

async function deploy({ temporary: isTemporary, env }: Options): Promise<void> {
  const configuration = await readConfiguration(env);
  const environment = environmentFlags(configuration.env);
  // A setting that is not valid stops the deployment before it starts.
  findingsOf({ configuration, secretKey: { kind: 'unknown' } });

  if (isTemporary) sayWhatTemporaryMeans();
  else await sayWhoIsLoggedIn(configuration);
  note(costOf(configuration));
  note(
    'Workers Free bills nothing and refuses what is above its daily limits: 100,000 requests, and',
  );
  note(
    '100,000 rows written to D1 (a registration writes 7). Workers Paid bills CPU, objects and rows.',
  );

  // A temporary account can be asked nothing before the upload, which creates it.
  const isFirst = isTemporary || !(await hasDatabase(configuration));
  const flags = [...environment, ...(isTemporary ? ['--temporary'] : [])];
  if (!isFirst) await applyMigrations(flags);
  const url = await upload(flags);
  if (isFirst) await applyMigrations(flags);

  if (url) await untilHealthy(url, configuration);
  print(url ? `Deployed and healthy: ${url}` : 'Deployed, at the routes above: ask /health there.');
  const secretKey: SecretKey = isTemporary ? { kind: 'unknown' } : await askSecretKey(environment);
  printFindings({ configuration, secretKey, hosts: url ? [url.hostname] : [] });
}

const costOf = (configuration: Configuration): string =>
  loginCost(parseSettings(configuration.vars).iterations, hasPasswordHasher(configuration)).line;

function sayWhatTemporaryMeans(): void {
  note(
    'A temporary account: going on accepts the terms of Cloudflare that wrangler shows. It is deleted',
  );
  note(
    'after an hour, unless the claim link that wrangler prints is opened. Keep the link secret:',
  );
  note('anyone with it can take over the account with its users and tokens.');
}

async function sayWhoIsLoggedIn({ account_id, env }: Configuration): Promise<void> {
  const who = await whoAmI(environmentFlags(env));
  if (!who.loggedIn) {
    throw new CommandError(
      'not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN;\n' +
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

async function hasDatabase({ d1_databases, env }: Configuration): Promise<boolean> {
  const database = d1_databases.find(({ binding }) => binding === 'DB');
  if (!database) throw new CommandError(missingFrom(env, 'D1 database bound as DB'));
  return (await listDatabases(environmentFlags(env))).some(
    ({ uuid, name }) => uuid === database.database_id || name === database.database_name,
  );
}

async function untilHealthy(url: URL, { env }: Configuration): Promise<void> {
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
          `\`npm run wrangler -- tail${shownEnvironment(env)}\` shows the log.`,
      );
    }
    await setTimeout(HEALTH_PAUSE_MS);
  }
}

ignoreClosedPipes();
try {
  const { values } = parseArgs({
    options: {
      env: { type: 'string' },
      temporary: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) for (const line of HELP.split('\n')) print(line);
  else await deploy(values);
} catch (error) {
  if (!(error instanceof Error)) throw error;
  const isUsage = 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  const isExpected = isUsage || error instanceof CommandError || error instanceof SettingsError;
  if (!isExpected) throw error;
  const label = isUsage ? 'error' : error.name;
  for (const line of `${label}: ${error.message}`.split('\n')) note(line);
  process.exitCode = isUsage ? USAGE : FAILED;
}
