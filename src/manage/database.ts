/**
 * The D1 database of the wrangler configuration in this folder, from Node: the local one, or with
 * `--remote` the one in production. wrangler's `getPlatformProxy` gives both the same interface.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseEnv, promisify } from 'node:util';
import * as v from 'valibot';
import { rootCause } from '../lib/root-cause.ts';
import type { Bindings } from '../services/bindings.ts';
import type { Vars } from '../settings.ts';
import type { SecretKey } from './before-production.ts';
import { deployCommand, loadWrangler, WRANGLER, wranglerCommand } from './called.ts';
import { askSecretKey } from './cloudflare.ts';
import { CommandError } from './command-error.ts';
import {
  type Configuration,
  chooseDatabase,
  environmentFlags,
  readConfiguration,
  shownEnvironment,
} from './configuration.ts';
import { confirm, isInteractive, note } from './terminal.ts';

export type Where = {
  remote?: boolean;
  /** The local database's directory, as wrangler's option of that name. */
  persistTo: string;
  /** No question before a remote write. */
  yes?: boolean;
  /** The name of its binding. Required if the configuration has several databases. */
  binding?: string;
  /** The name of an environment of the wrangler configuration. */
  env?: string;
};

export type Database = {
  d1: D1Database;
  /** Whether it is the database in production. */
  isRemote: boolean;
  vars: Vars;
  migrationsDir: string;
  configuration: Configuration;
  /** The key that the Worker signs links with, as far as it can be known. */
  secretKey: () => Promise<SecretKey>;
  /** Undefined if no `EMAIL` is bound. */
  email: SendEmail | undefined;
};

/** The part of the output of `wrangler d1 info --json` that is used. */
const DatabaseInfo = v.object({ uuid: v.string() });

/**
 * Opens the database, prints its name, does the work and closes it.
 *
 * @param kind before a `write` to the remote database the operator must confirm
 * @throws CommandError if there is no such database, or it has no tables
 */
export async function withDatabase<T>(
  where: Where,
  kind: 'read' | 'write',
  work: (database: Database) => Promise<T>,
): Promise<T> {
  const configuration = await readConfiguration(where.env);
  const { env } = configuration;
  const binding = chooseDatabase(configuration, where.binding);
  const name = binding.database_name ?? binding.binding;
  const environment = environmentFlags(env);
  const isRemote = where.remote ?? false;

  const id = where.remote
    ? (binding.database_id ?? (await remoteDatabaseId(name, env)))
    : (binding.database_id ?? binding.binding);
  const place = isRemote ? 'remote' : `local in ${where.persistTo}`;
  note(`Database ${name} (${id})${env ? ` of env.${env}` : ''}, ${place}`);
  if (where.remote && kind === 'write' && !where.yes) await confirmWrite(name);

  const { name: worker, account_id, compatibility_date, vars, send_email } = configuration;
  const proxy = await openProxy(where, {
    ...{ name: worker, account_id, compatibility_date, vars },
    send_email: send_email.map((email) => ({ ...email, remote: isRemote })),
    d1_databases: [{ ...binding, binding: 'DB', database_id: id, remote: isRemote }],
  });
  const local = isRemote ? {} : devVars(env);
  try {
    return await work({
      d1: proxy.env.DB,
      isRemote,
      vars: { ...proxy.env, ...local },
      email: proxy.env.EMAIL,
      migrationsDir: binding.migrations_dir,
      configuration,
      secretKey: isRemote ? () => askSecretKey(environment) : async () => keyOf(local),
    });
  } catch (error) {
    const table = /no such table: (\w+)/.exec(String(rootCause(error)))?.[1];
    if (table !== undefined) {
      throw new CommandError(
        `the database has no table ${table} yet: run \`${WRANGLER} d1 migrations apply ${binding.binding} ` +
          `${isRemote ? '--remote' : `--local --persist-to ${where.persistTo}`}${shownEnvironment(env)}\``,
      );
    }
    throw error;
  } finally {
    await proxy.dispose();
  }
}

/**
 * Variables of the Worker in local development. In production they are secrets. An environment may
 * have its own file, as in `wrangler dev`.
 */
function devVars(env: string | undefined): Vars {
  const own = resolve(`.dev.vars.${env}`);
  const file = env && existsSync(own) ? own : resolve('.dev.vars');
  return existsSync(file) ? parseEnv(readFileSync(file, 'utf8')) : {};
}

const keyOf = ({ SECRET_KEY }: Vars): SecretKey =>
  SECRET_KEY === undefined ? { kind: 'unset' } : { kind: 'value', value: String(SECRET_KEY) };

/** The id that wrangler.toml need not have: a first deploy makes the database by its name. */
async function remoteDatabaseId(name: string, env: string | undefined): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [
      wranglerCommand(),
      ...['d1', 'info', name, '--json', ...environmentFlags(env)],
    ]);
    return v.parse(DatabaseInfo, JSON.parse(stdout)).uuid;
  } catch {
    throw new CommandError(
      `Cloudflare does not show a database ${name}: log in with \`${WRANGLER} login\` or set ` +
        `CLOUDFLARE_API_TOKEN, and create it with \`${deployCommand(shownEnvironment(env))}\``,
    );
  }
}

async function confirmWrite(name: string): Promise<void> {
  if (!isInteractive()) {
    throw new CommandError('this writes to the remote database: use --yes to confirm');
  }
  if (!(await confirm(`This writes to the remote database ${name}. Go on?`))) {
    throw new CommandError('Operation cancelled.');
  }
}

/**
 * Opens the bindings by a temporary configuration. The project's own has bindings that wrangler cannot
 * provide outside a Worker. The configuration also says whether a database is remote.
 */
async function openProxy({ remote, persistTo }: Where, config: object) {
  const { getPlatformProxy } = await loadWrangler();
  const directory = await mkdtemp(join(tmpdir(), 'edge-authtoken-'));
  const configPath = join(directory, 'wrangler.json');
  try {
    await writeFile(configPath, JSON.stringify(config));
    const persist = remote ? false : { path: join(persistTo, 'v3') };
    return await getPlatformProxy<Bindings>({ configPath, persist, environment: '' });
  } catch (error) {
    if (!remote) throw error;
    const [reason] = String(rootCause(error)).split('\n');
    throw new CommandError(`cannot reach the remote database: ${reason}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}
