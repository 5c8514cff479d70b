/** `npm run deploy` as an operator or CI runs it, with a stub for Cloudflare and without a terminal. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { startCloudflare } from '../helpers/cloudflare-stub.ts';

/** Far more than a test needs on a busy machine. It ends a test that waits for an answer to a question. */
const TIMEOUT_MS = 240_000;

const TOKEN = { CLOUDFLARE_API_TOKEN: 'token' };

/** Credentials of this machine that wrangler would use. */
const NOBODY = {
  CLOUDFLARE_API_TOKEN: undefined,
  CLOUDFLARE_API_KEY: undefined,
  CLOUDFLARE_EMAIL: undefined,
  CLOUDFLARE_ACCOUNT_ID: undefined,
  CLOUDFLARE_ENV: undefined,
};

// Tests that run side by side clean up together.
const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-deploy-'));
const stubs: Awaited<ReturnType<typeof startCloudflare>>[] = [];

afterAll(async () => {
  for (const stub of stubs) await stub.stop();
  rmSync(directory, { recursive: true });
});

const DATABASE_CREATED = 'POST /d1/database';
const FIRST_UPLOAD = 'PUT /workers/scripts/edge-authtoken';
const LATER_UPLOAD = 'POST /workers/scripts/edge-authtoken/versions';
const MIGRATION = 'POST /d1/database/query';
const HEALTH = 'GET /health';

const DEPLOY = [resolve('src/manage/manage.ts'), 'deploy'];

const NODE_OPTIONS = [
  `--env-file=${resolve('.wrangler.env')}`,
  ...['--import', resolve('test/helpers/workers-dev.ts')],
];

const ASK_SECRET_KEY = `
  import { askSecretKey } from './src/manage/cloudflare.ts';
  console.log(JSON.stringify(await askSecretKey([])));`;

const stoppedAt = (step: string) =>
  `CommandError: stopped at the ${step}. What was done before stays done: see above what is wrong, then run this again.`;

/** A new stub and a new home directory, so that a login of this machine is not used. */
async function freshAccount(options?: Parameters<typeof startCloudflare>[0]) {
  const cloudflare = await startCloudflare(options);
  stubs.push(cloudflare);
  const home = mkdtempSync(join(directory, 'home-'));

  const deploy = (env: Record<string, string>, ...args: string[]) => deployIn('.', env, ...args);

  const deployIn = (cwd: string, env: Record<string, string>, ...args: string[]) => {
    cloudflare.requests.length = 0;
    return run(env, [...DEPLOY, ...args], cwd);
  };

  function run(env: Record<string, string>, args: string[], cwd = '.') {
    return new Promise<{ code: unknown; stdout: string; stderr: string }>((finished) => {
      const child = execFile(
        process.execPath,
        [...NODE_OPTIONS, ...args],
        {
          cwd,
          timeout: TIMEOUT_MS,
          env: {
            ...process.env,
            ...NOBODY,
            HOME: home,
            XDG_CONFIG_HOME: join(home, 'config'),
            WRANGLER_CACHE_DIR: join(home, 'cache'),
            WRANGLER_LOG_PATH: join(home, 'logs'),
            CLOUDFLARE_API_BASE_URL: cloudflare.url,
            // wrangler's 15 MB are compiled once.
            NODE_COMPILE_CACHE: join(directory, 'compiled'),
            STUB_URL: cloudflare.url,
            ...env,
          },
        },
        (error, stdout, stderr) => finished({ code: error ? error.code : 0, stdout, stderr }),
      );
      child.stdin?.end();
    });
  }

  /** The requests that change something, and the health check. A migration counts as one. */
  function steps(): string[] {
    const changes = [DATABASE_CREATED, MIGRATION, HEALTH];
    const isUpload = (line: string) => / \/workers\/scripts\/[^/]+(\/versions)?$/.test(line);
    return cloudflare.requests
      .map((line) =>
        line.replace(/\/accounts\/\w+/, '').replace(/\/d1\/database\/[\w-]+\//, '/d1/database/'),
      )
      .filter((line) => changes.includes(line) || isUpload(line))
      .filter((line, i, lines) => line !== lines[i - 1]);
  }

  return { cloudflare, deploy, deployIn, run, steps };
}

describe.concurrent('npm run deploy', () => {
  test('first uploads, then migrates; later migrates, then uploads', async ({ expect }) => {
    const { cloudflare, deploy, steps } = await freshAccount();
    const { code, stdout, stderr } = await deploy(TOKEN);
    expect(stderr).not.toContain('CommandError');
    expect(code).toBe(0);
    expect(steps()).toEqual([DATABASE_CREATED, FIRST_UPLOAD, MIGRATION, HEALTH]);
    expect(cloudflare.databases()).toEqual(['edge-authtoken']);
    expect(cloudflare.tables('edge-authtoken')).toEqual(['auth_user', 'authtoken_token']);
    const [deployed, ...findings] = stdout.slice(stdout.indexOf('Deployed and')).trim().split('\n');
    expect(deployed).toBe('Deployed and healthy: https://edge-authtoken.stub.workers.dev/');
    expect(findings).toEqual([
      'Before production (SECURITY.md), by the wrangler configuration without .dev.vars:',
      'OK       1. PBKDF2_ITERATIONS 600,000: in production a login or registration costs about 180 ms ' +
        'of CPU, in a Durable Object, on every plan',
      'OK       2. All rate limits are bound.',
      expect.stringMatching(/^TO DO {4}2\. /),
      expect.stringMatching(/^WARNING {2}3\. CORS_ALLOWED_ORIGINS has http:\/\/localhost:3000, /),
      'OK       4. AUTH_PASSWORD_VALIDATORS has MinimumLength, CommonPassword, NumericPassword.',
      expect.stringMatching(/^WARNING {2}5\. TOKEN_MAX_AGE_DAYS is not set: /),
      expect.stringMatching(/^TO DO {4}6\. /),
      'OK       7. E-mail is off: DEFAULT_FROM_EMAIL is not set. A forgotten password needs an operator.',
      'OK       8. Workers Logs are on.',
      ...['8', '9', '10'].map((point) => expect.stringMatching(`^TO DO    ${point}\\. `)),
    ]);
    expect(cloudflare.uploaded()).toContain(
      '{"name":"AUTH_PASSWORD_VALIDATORS","type":"plain_text","text":"MinimumLength,CommonPassword,NumericPassword"}',
    );
    // Before anything is done.
    expect(stderr).toMatch(
      /^Logged in as ann@example\.com, account \w+\nPBKDF2_ITERATIONS 600,000: .*\nWorkers Free bills nothing/,
    );

    const [key = '', ...others] = cloudflare.secrets('SECRET_KEY');
    expect(key).toMatch(/^[a-zA-Z0-9]{50}$/);
    expect(others).toEqual([]);
    expect(stdout + stderr).not.toContain(key);

    expect((await deploy(TOKEN)).code).toBe(0);
    expect(steps()).toEqual([MIGRATION, LATER_UPLOAD, HEALTH]);
    expect(cloudflare.databases()).toEqual(['edge-authtoken']);
    expect(cloudflare.secrets('SECRET_KEY')).toEqual([key]);
  });

  test('can be repeated after a failure at each step', async ({ expect }) => {
    const { cloudflare, deploy, steps } = await freshAccount();
    const failing = async (line: RegExp) => {
      cloudflare.breakAt(line);
      const { code, stderr } = await deploy(TOKEN);
      expect(code).toBe(1);
      expect(stderr).toContain('Broken for a test.');
      return { steps: steps(), error: /^CommandError: .*$/m.exec(stderr)?.[0] };
    };
    expect(await failing(/^GET .*\/d1\/database$/)).toEqual({
      steps: [],
      error: 'CommandError: `wrangler d1 list --json` failed:',
    });
    expect(await failing(/^POST .*\/d1\/database$/)).toEqual({
      steps: [DATABASE_CREATED],
      error: stoppedAt('upload'),
    });
    expect(await failing(/^PUT .*\/workers\/scripts\//)).toEqual({
      steps: [DATABASE_CREATED, FIRST_UPLOAD],
      error: stoppedAt('upload'),
    });
    // The database is there now: no Worker before its tables.
    expect(await failing(/^POST .*\/query$/)).toEqual({
      steps: [MIGRATION],
      error: stoppedAt('migrations'),
    });
    expect(cloudflare.uploads()).toBe(0);

    cloudflare.breakAt();
    expect((await deploy(TOKEN)).code).toBe(0);
    expect(steps()).toEqual([MIGRATION, FIRST_UPLOAD, HEALTH]);
    expect(cloudflare.databases()).toEqual(['edge-authtoken']);
    expect(cloudflare.tables('edge-authtoken')).toEqual(['auth_user', 'authtoken_token']);
  });

  test('can be repeated after a first Worker is there and its tables are not', async ({
    expect,
  }) => {
    const { cloudflare, deploy, steps } = await freshAccount();
    cloudflare.breakAt(/^POST .*\/query$/);
    const { code, stderr } = await deploy(TOKEN);
    expect(code).toBe(1);
    expect(stderr).toContain(stoppedAt('migrations'));
    expect(steps()).toEqual([DATABASE_CREATED, FIRST_UPLOAD, MIGRATION]);

    cloudflare.breakAt();
    expect((await deploy(TOKEN)).code).toBe(0);
    expect(steps()).toEqual([MIGRATION, LATER_UPLOAD, HEALTH]);
    expect(cloudflare.tables('edge-authtoken')).toEqual(['auth_user', 'authtoken_token']);
  });

  test('can be repeated after the Worker got no SECRET_KEY', async ({ expect }) => {
    const { cloudflare, deploy, run, steps } = await freshAccount();
    cloudflare.breakAt(/^PUT .*\/secrets$/);
    const { code, stderr } = await deploy(TOKEN);
    expect(code).toBe(1);
    expect(stderr).toContain(stoppedAt('secret'));
    const { stdout } = await run(TOKEN, ['--input-type=module', '--eval', ASK_SECRET_KEY]);
    expect(JSON.parse(stdout)).toEqual({ kind: 'unset' });

    cloudflare.breakAt();
    expect((await deploy(TOKEN)).code).toBe(0);
    expect(steps()).toEqual([MIGRATION, LATER_UPLOAD, HEALTH]);
    expect(cloudflare.secrets('SECRET_KEY')).toHaveLength(1);
  });

  test('fails if the deployed Worker does not become healthy', async ({ expect }) => {
    const { cloudflare, deploy } = await freshAccount();
    cloudflare.sicken();
    const { code, stdout, stderr } = await deploy(TOKEN);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'CommandError: deployed, but https://edge-authtoken.stub.workers.dev/health answers 503.',
    );
    expect(stdout).not.toContain('healthy');
    expect(cloudflare.requests.filter((line) => line === HEALTH)).toHaveLength(10);
  });

  test('says how to log in if there is no login', async ({ expect }) => {
    const { cloudflare, deploy } = await freshAccount();
    expect(await deploy({})).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'CommandError: not logged in to Cloudflare. Run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN;\n' +
        'or try it for an hour without an account: `npm run deploy -- --temporary`\n',
    });
    expect(cloudflare.requests).toEqual([]);
  });

  test('says why a token is refused', async ({ expect }) => {
    const { cloudflare, deploy, steps } = await freshAccount();
    cloudflare.breakAt(/^GET \/user/);
    const { code, stderr } = await deploy(TOKEN);
    expect(code).toBe(1);
    expect(stderr).toContain('CommandError: `wrangler whoami --json` failed:\n');
    expect(stderr).toContain('Broken for a test.');
    expect(steps()).toEqual([]);
  });

  test('wants to know which of several accounts', async ({ expect }) => {
    const [one, two] = ['1', '2'].map((digit) => ({ id: digit.repeat(32), name: `Of ${digit}` }));
    if (!one || !two) throw new Error('two were made');
    const { cloudflare, deploy, steps } = await freshAccount({ accounts: [one, two] });
    const { code, stderr } = await deploy(TOKEN);
    expect(code).toBe(1);
    expect(stderr).toBe(
      'CommandError: set CLOUDFLARE_ACCOUNT_ID to one of your accounts:\n' +
        `  ${one.id}  Of 1\n  ${two.id}  Of 2\n`,
    );
    expect(steps()).toEqual([]);
    cloudflare.breakAt(/d1/);
    await deploy({ ...TOKEN, CLOUDFLARE_ACCOUNT_ID: two.id });
    expect(cloudflare.requests).toContain(`GET /accounts/${two.id}/d1/database`);
  });

  test('--temporary makes an account, migrates there and shows the claim link', async ({
    expect,
  }) => {
    const { cloudflare, deploy, steps } = await freshAccount();
    const first = await deploy({}, '--temporary');
    expect(first.code).toBe(0);
    expect(cloudflare.requests).toContain('POST /provisioning/previews');
    expect(steps()).toEqual([DATABASE_CREATED, FIRST_UPLOAD, MIGRATION, HEALTH]);
    expect(cloudflare.tables('edge-authtoken')).toEqual(['auth_user', 'authtoken_token']);
    expect(first.stderr).toMatch(/^A temporary account: .* It is deleted\nafter an hour, unless /);
    expect(first.stderr).toContain('Claim URL: https://dash.cloudflare.com/claim/stub');
  });

  test('--temporary is refused to who is logged in', async ({ expect }) => {
    const { deploy, steps } = await freshAccount();
    const { code, stderr } = await deploy(TOKEN, '--temporary');
    expect(code).toBe(1);
    expect(stderr).toContain("You're already authenticated with Cloudflare");
    expect(steps()).toEqual([]);
  });

  test('stops at a setting that is not valid before it asks anything', async ({ expect }) => {
    const { cloudflare, run } = await freshAccount();
    const project = mkdtempSync(join(directory, 'project-'));
    const config = readFileSync('wrangler.toml', 'utf8').replace('"600000"', '"12"');
    writeFileSync(join(project, 'wrangler.toml'), config);
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));
    expect(await run(TOKEN, DEPLOY, project)).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'SettingsError: PBKDF2_ITERATIONS is "12". It must be a whole number from 1000 to 10000000.\n',
    });
    expect(cloudflare.requests).toEqual([]);
  });

  /** A project with the environment `staging`. */
  function stagingProject(): string {
    const project = mkdtempSync(join(directory, 'staging-'));
    const files = ['wrangler.toml', 'test/fixtures/staging.toml'];
    const config = files.map((file) => readFileSync(file, 'utf8')).join('\n');
    writeFileSync(join(project, 'wrangler.toml'), config);
    for (const name of ['node_modules', 'src', 'drizzle', 'package.json', 'tsconfig.json']) {
      symlinkSync(resolve(name), join(project, name));
    }
    return project;
  }

  test('--env deploys an environment, its database and its migrations, and nothing of the top level', async ({
    expect,
  }) => {
    const { cloudflare, deployIn, steps } = await freshAccount();
    const project = stagingProject();
    for (const [env, ...args] of [
      [TOKEN, '--env', 'staging'],
      [{ ...TOKEN, CLOUDFLARE_ENV: 'staging' }],
    ] as const) {
      const isFirst = cloudflare.databases().length === 0;
      const { code, stdout, stderr } = await deployIn(project, env, ...args);
      expect(stderr).not.toContain('CommandError');
      expect(code).toBe(0);
      expect(steps()).toEqual(
        isFirst
          ? [DATABASE_CREATED, `${FIRST_UPLOAD}-staging`, MIGRATION, HEALTH]
          : [MIGRATION, LATER_UPLOAD.replace('authtoken', 'authtoken-staging'), HEALTH],
      );
      expect(cloudflare.databases()).toEqual(['edge-authtoken-staging']);
      expect(cloudflare.tables('edge-authtoken-staging')).toEqual(['auth_user', 'authtoken_token']);
      expect(stdout).toContain('healthy: https://edge-authtoken-staging.stub.workers.dev/');
      expect(stdout).toContain('3. CORS_ALLOWED_ORIGINS has https://staging.example.com.');
    }
  });

  test('--binding and --health are for an app that is mounted below a path', async ({ expect }) => {
    const { cloudflare, deployIn, steps } = await freshAccount();
    const project = mkdtempSync(join(directory, 'mounted-'));
    const config = readFileSync('test/fixtures/inside/wrangler.toml', 'utf8');
    const other = '[[d1_databases]]\nbinding = "OTHER_DB"\ndatabase_name = "other"\n';
    writeFileSync(join(project, 'wrangler.toml'), `${config}\n${other}`);
    mkdirSync(join(project, 'src'));
    const classes = ['PasswordHasher', 'RateLimitCounter'].map((name) => `export class ${name} {}`);
    const worker = [...classes, 'export default { fetch: () => new Response() };'].join('\n');
    writeFileSync(join(project, 'src/index.ts'), worker);
    mkdirSync(join(project, 'migrations'));
    cpSync('drizzle/0000_django_tables.sql', join(project, 'migrations/0000_django_tables.sql'));
    symlinkSync(resolve('node_modules'), join(project, 'node_modules'));

    const ambiguous = await deployIn(project, TOKEN);
    expect(ambiguous.stderr).toContain('there are several databases (AUTH_DB, OTHER_DB)');
    expect(cloudflare.requests).toEqual([]);

    const mounted = ['--binding', 'AUTH_DB', '--health', '/auth/health'];
    const { code, stdout, stderr } = await deployIn(project, TOKEN, ...mounted);
    expect(stderr).not.toContain('CommandError');
    expect(stdout).toContain('Deployed and healthy: https://inside.stub.workers.dev/');
    expect(code).toBe(0);
    expect(cloudflare.requests).toContain('GET /auth/health');
    expect(stderr).toContain(
      'WARNING: migrations lacks migrations of edge-authtoken: 0001_email_index.sql, 0002_staff_indexes.sql.',
    );
    expect(steps().filter((step) => step === MIGRATION)).toHaveLength(1);
    expect(cloudflare.tables('inside')).toEqual(['auth_user', 'authtoken_token']);
    expect(cloudflare.tables('other')).toEqual([]);
  });

  test('--env refuses an environment that is not there, before it asks anything', async ({
    expect,
  }) => {
    const { cloudflare, deploy, deployIn } = await freshAccount();
    expect(await deploy(TOKEN, '--env', 'staging')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^CommandError: the wrangler configuration here has no environment staging: it has none/,
      ),
    });
    expect(await deployIn(stagingProject(), TOKEN, '--env', 'stagin')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('has no environment stagin: it has staging'),
    });
    expect(cloudflare.requests).toEqual([]);
  });

  test('takes no other option', async ({ expect }) => {
    const { deploy } = await freshAccount();
    const { code, stderr } = await deploy(TOKEN, '--forever');
    expect(code).toBe(2);
    expect(stderr).toBe("error: unknown option '--forever'\n");
  });

  test.for(['--help', '-h'])(
    '%s shows how it is called, and does nothing',
    async (option, { expect }) => {
      const { cloudflare, deploy } = await freshAccount();
      expect(await deploy({}, option)).toEqual({
        code: 0,
        stdout: expect.stringMatching(/^Usage: manage deploy \[options\]\n[\s\S]*--temporary/),
        stderr: '',
      });
      expect(cloudflare.requests).toEqual([]);
    },
  );

  test.for([
    {
      secrets: [{ name: 'SECRET_KEY', type: 'secret_text' as const }],
      isBroken: false,
      known: { kind: 'secret' },
    },
    { secrets: [], isBroken: true, known: { kind: 'unknown' } },
  ])(
    'knows of a deployed SECRET_KEY: $known.kind',
    async ({ secrets, isBroken, known }, { expect }) => {
      const { cloudflare, deploy, run } = await freshAccount({ secrets });
      await deploy(TOKEN);
      // The deployment has set no other.
      expect(cloudflare.secrets('SECRET_KEY')).toHaveLength(1);
      if (isBroken) cloudflare.breakAt(/secrets$/);
      const { stdout } = await run(TOKEN, ['--input-type=module', '--eval', ASK_SECRET_KEY]);
      expect(JSON.parse(stdout)).toEqual(known);
    },
  );

  test('is a configuration that wrangler warns of nothing about', async ({ expect }) => {
    const args = ['--env-file=.wrangler.env', 'node_modules/wrangler/bin/wrangler.js', 'deploy'];
    const outdir = join(directory, 'bundle');
    const output = await new Promise<string>((finished, failed) => {
      execFile(
        process.execPath,
        [...args, '--dry-run', '--outdir', outdir],
        { timeout: TIMEOUT_MS },
        (error, stdout, stderr) => (error ? failed(error) : finished(stdout + stderr)),
      );
    });
    expect(output).toContain('--dry-run: exiting now.');
    expect(output).not.toMatch(/warning|▲/i);
  });
});
