import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { readConfiguration } from '../../src/manage/configuration.ts';
import { type Database, type Where, withDatabase } from '../../src/manage/database.ts';
import { temporaryDirectory } from '../helpers/temporary-directory.ts';

let directory: string;

beforeEach(() => {
  directory = temporaryDirectory();
  copyFileSync('wrangler.toml', join(directory, 'wrangler.toml'));
  vi.stubEnv('CLOUDFLARE_ENV', undefined);
  vi.spyOn(process, 'cwd').mockReturnValue(directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const append = (text: string) => appendFileSync(join(directory, 'wrangler.toml'), `\n${text}`);

const withStaging = () =>
  append(readFileSync(resolve(import.meta.dirname, '../fixtures/staging.toml'), 'utf8'));

test('an environment has its own name, bindings and variables', async () => {
  withStaging();
  const top = await readConfiguration();
  expect(top).toMatchObject({
    name: 'edge-authtoken',
    d1_databases: [{ database_name: 'edge-authtoken' }],
    vars: { BROWSABLE_API: 'true' },
  });
  expect(top.env).toBeUndefined();
  const staging = await readConfiguration('staging');
  expect(staging).toMatchObject({
    env: 'staging',
    name: 'edge-authtoken-staging',
    d1_databases: [{ database_name: 'edge-authtoken-staging' }],
    ratelimits: { length: top.ratelimits.length },
    send_email: [{ name: 'EMAIL' }],
    observability: { enabled: true },
  });
  expect(staging.durable_objects.bindings).toHaveLength(2);
  // Variables are not inherited.
  expect(staging.vars).toEqual({
    PBKDF2_ITERATIONS: '600000',
    CORS_ALLOWED_ORIGINS: 'https://staging.example.com',
    AUTH_PASSWORD_VALIDATORS: 'MinimumLength,CommonPassword,NumericPassword',
    BROWSABLE_API: 'true',
  });
});

test('CLOUDFLARE_ENV is the default, and an empty name is the top level', async () => {
  withStaging();
  vi.stubEnv('CLOUDFLARE_ENV', 'staging');
  expect(await readConfiguration()).toMatchObject({ env: 'staging' });
  expect(await readConfiguration('')).toMatchObject({ name: 'edge-authtoken' });
});

test('an environment that is not in the configuration is refused, and never the top level', async () => {
  await expect(readConfiguration('staging')).rejects.toThrow(
    'the wrangler configuration here has no environment staging: it has none',
  );
  withStaging();
  await expect(readConfiguration('stagin')).rejects.toThrow(
    'the wrangler configuration here has no environment stagin: it has staging',
  );
});

const open = <T>(where: Partial<Where>, work: (database: Database) => Promise<T>) =>
  withDatabase({ persistTo: join(directory, 'state'), ...where }, 'read', work);

test('an environment without a database does not get the database of the top level', async () => {
  append('[env.staging]\nworkers_dev = true\n');
  await expect(open({ env: 'staging' }, async () => {})).rejects.toThrow(
    'env.staging of the wrangler configuration has no D1 database. An environment inherits no bindings: write them there again',
  );
});

test('each environment has a database, and says which', async () => {
  withStaging();
  const config = join(directory, 'wrangler.toml');
  writeFileSync(
    config,
    readFileSync(config, 'utf8').replace(
      'database_name = "edge-authtoken-staging"',
      'database_name = "edge-authtoken-staging"\ndatabase_id = "22222222-2222-4222-8222-222222222222"',
    ),
  );
  const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  await open({}, ({ d1 }) => d1.exec('CREATE TABLE mark (place text)'));
  expect(said).toHaveBeenLastCalledWith(
    `Database edge-authtoken (DB), local in ${directory}/state\n`,
  );
  const tables = ({ d1 }: Database) =>
    d1.prepare("SELECT name FROM sqlite_master WHERE name = 'mark'").all();
  expect((await open({}, tables)).results).toHaveLength(1);
  expect((await open({ env: 'staging' }, tables)).results).toHaveLength(0);
  expect(said).toHaveBeenLastCalledWith(
    `Database edge-authtoken-staging (22222222-2222-4222-8222-222222222222) of env.staging, local in ${directory}/state\n`,
  );
  await expect(
    open({ env: 'staging' }, ({ d1 }) => d1.prepare('SELECT * FROM auth_user').all()),
  ).rejects.toThrow(
    `run \`npm run wrangler -- d1 migrations apply DB --local --persist-to ${directory}/state --env staging\``,
  );
});

test('local variables come from .dev.vars, or from the one of the environment', async () => {
  withStaging();
  const vars = async (env = '') => (await open({ env }, async (database) => database)).vars;
  writeFileSync(join(directory, '.dev.vars'), 'DEFAULT_FROM_EMAIL="top@example.com"\n');
  expect(await vars('staging')).toMatchObject({
    DEFAULT_FROM_EMAIL: 'top@example.com',
    CORS_ALLOWED_ORIGINS: 'https://staging.example.com',
  });
  writeFileSync(join(directory, '.dev.vars.staging'), 'ACCOUNT_EMAIL_NOTIFICATIONS="false"\n');
  const staging = await vars('staging');
  expect(staging).toMatchObject({ ACCOUNT_EMAIL_NOTIFICATIONS: 'false' });
  expect(staging).not.toHaveProperty('DEFAULT_FROM_EMAIL');
  expect(await vars()).toMatchObject({ DEFAULT_FROM_EMAIL: 'top@example.com' });
});
