/**
 * `deploy`: deploys the Worker, its database and its migrations, for the first time or again. wrangler
 * does each step. Each run asks what exists already, so that it can be repeated after a failure.
 */
import { setTimeout } from 'node:timers/promises';
import { loginCost } from '../hashing/cost.ts';
import { parseSettings } from '../settings.ts';
import {
  findingsOf,
  hasPasswordHasher,
  printFindings,
  type SecretKey,
} from './before-production.ts';
import { deployCommand, WRANGLER } from './called.ts';
import {
  applyMigrations,
  askSecretKey,
  listDatabases,
  putSecret,
  upload,
  whoAmI,
} from './cloudflare.ts';
import { CommandError } from './command-error.ts';
import {
  type Configuration,
  chooseDatabase,
  type D1Binding,
  environmentFlags,
  readConfiguration,
  shownEnvironment,
} from './configuration.ts';
import { drawSecretKey } from './local-variables.ts';
import { adviceOnMissingMigrations } from './package-migrations.ts';
import { note, print, warn } from './terminal.ts';

/** A new workers.dev address takes some seconds before it answers. */
const HEALTH_ATTEMPTS = 10;
const HEALTH_PAUSE_MS = 2_000;
const HEALTH_TIMEOUT_MS = 5_000;

const UNKNOWN_KEY: SecretKey = { kind: 'unknown' };

export type DeployOptions = {
  /** The name of an environment of the wrangler configuration. */
  env?: string;
  /** The name of the D1 binding. Required if the configuration has several databases. */
  binding?: string;
  /** The path of the health check in the deployed Worker. */
  health: string;
  /** Deploy to a temporary account. */
  temporary?: boolean;
};

/** @throws CommandError at the step that failed */
export async function deploy(options: DeployOptions): Promise<void> {
  const isTemporary = options.temporary ?? false;
  const configuration = await readConfiguration(options.env);
  const database = chooseDatabase(configuration, options.binding);
  const environment = environmentFlags(configuration.env);
  // A setting that is not valid stops the deployment before it starts.
  findingsOf({ configuration, secretKey: UNKNOWN_KEY });

  const advice = adviceOnMissingMigrations(database.migrations_dir);
  if (advice !== undefined) warn(advice);
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
  const isFirst = isTemporary || !(await isDeployed(database, environment));
  const flags = [...environment, ...(isTemporary ? ['--temporary'] : [])];
  if (!isFirst) await applyMigrations(database.binding, flags);
  const url = await upload(flags);
  if (isFirst) await applyMigrations(database.binding, flags);
  const secretKey = isTemporary ? UNKNOWN_KEY : await ensureSecretKey(configuration);

  if (url) await untilHealthy(new URL(options.health, url), configuration);
  print(
    url
      ? `Deployed and healthy: ${url}`
      : `Deployed, at the routes above: ask ${options.health} there.`,
  );
  printFindings({ configuration, secretKey, hosts: url ? [url.hostname] : [] });
}

/**
 * Draws the key that signs links if the Worker has none, as `startproject` does. Another key, such as
 * Django's, replaces it by `wrangler secret put`.
 */
async function ensureSecretKey({ env, vars }: Configuration): Promise<SecretKey> {
  const environment = environmentFlags(env);
  const key = await askSecretKey(environment);
  if (key.kind !== 'unset' || vars.SECRET_KEY !== undefined) return key;
  await putSecret('SECRET_KEY', drawSecretKey(), environment);
  return { kind: 'secret' };
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
      'not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN;',
      [`or try it for an hour without an account: \`${deployCommand(' --temporary')}\``],
    );
  }
  const chosen = account_id ?? process.env.CLOUDFLARE_ACCOUNT_ID;
  if (!chosen && who.accounts.length > 1) {
    const accounts = who.accounts.map(({ id, name }) => `  ${id}  ${name}`);
    throw new CommandError('set CLOUDFLARE_ACCOUNT_ID to one of your accounts:', accounts);
  }
  const account = chosen ?? who.accounts[0]?.id ?? 'unknown';
  note(`Logged in as ${who.email ?? 'an API token'}, account ${account}`);
}

async function isDeployed(
  { database_id, database_name }: D1Binding,
  environment: string[],
): Promise<boolean> {
  return (await listDatabases(environment)).some(
    ({ uuid, name }) => uuid === database_id || name === database_name,
  );
}

async function untilHealthy(health: URL, { env }: Configuration): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await fetch(health, { signal: AbortSignal.timeout(HEALTH_TIMEOUT_MS) }).then(
      ({ status }) => `answers ${status}`,
      () => 'does not answer',
    );
    if (answer === 'answers 200') return;
    if (attempt === HEALTH_ATTEMPTS) {
      throw new CommandError(
        `deployed, but ${health} ${answer}. A new address may need some minutes; if it stays so,`,
        [`\`${WRANGLER} tail${shownEnvironment(env)}\` shows the log.`],
      );
    }
    await setTimeout(HEALTH_PAUSE_MS);
  }
}
