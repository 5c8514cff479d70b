/** Compares README, SECURITY, CONTRIBUTING, CHANGELOG and docs/ with the code that they describe. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';
import type { Bindings } from '../../src/services/bindings.ts';
import type { RateLimitScope } from '../../src/services/rate-limits.ts';
import { SETTINGS } from '../../src/settings.ts';
import { readFlows, settingsFor } from '../conformance/course-client-settings.ts';
import { VARIANTS as DJ_REST_AUTH } from '../conformance/dj-rest-auth.ts';
import { VARIANTS as DJOSER } from '../conformance/djoser.ts';
import { VARIANTS as KNOX } from '../conformance/knox.ts';
import { useManage } from '../helpers/manage.ts';
import {
  anchorsOf,
  blocksOf,
  codeOf,
  commandsOf,
  PAGES,
  pageAt,
  plain,
  proseOf,
  tableOf,
} from './markdown.ts';

const { version, scripts } = v.parse(
  v.object({ version: v.string(), scripts: v.record(v.string(), v.string()) }),
  JSON.parse(readFileSync('package.json', 'utf8')),
);

const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.tsx?$/.test(path))
  .map((path) => readFileSync(join('src', path), 'utf8'));

/** The first group of each match, without duplicates. */
const captured = (text: string, pattern: RegExp): string[] => [
  ...new Set([...text.matchAll(pattern)].map(([, capture = '']) => capture)),
];

const MAX_README_LINES = 160;
/** The pages that a reader sees first. */
const FIRST_LINES = 40;

describe('the README', () => {
  it('is short, and starts with the start command and three requests', () => {
    const lines = pageAt('README.md').trim().split('\n');
    expect(lines.length).toBeLessThanOrEqual(MAX_README_LINES);
    const first = lines.slice(0, FIRST_LINES).join('\n');
    expect(first).toContain('npm ci && npm start');
    expect(first.match(/^curl /gm)).toHaveLength(3);
  });

  it('links each page', () => {
    for (const path of Object.keys(PAGES)) {
      if (path !== 'README.md') expect(pageAt('README.md')).toContain(`(${path})`);
    }
  });
});

describe.each(Object.entries(PAGES))('%s', (path, page) => {
  it('links to existing files and headings', () => {
    for (const target of captured(proseOf(page), /\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue;
      const [file = '', anchor] = target.split('#');
      const linked = file === '' ? path : normalize(join(dirname(path), file));
      expect(linked).toSatisfy(existsSync);
      if (anchor !== undefined) expect(anchorsOf(pageAt(linked))).toContain(anchor);
    }
  });

  it('names existing files and folders', () => {
    // Pages name files relative to the root of the repository, so `../` is not matched.
    const named = codeOf(page).filter((code) =>
      /^(src|test|docs|drizzle|\.ci|\.github)\/[\w./-]*$/.test(code),
    );
    for (const file of named) expect(file).toSatisfy(existsSync);
  });

  it('names existing npm scripts', () => {
    const commands = commandsOf(page).join('\n');
    const named = [
      ...captured(commands, /\bnpm (?:run|test) (?:--silent )?([\w:-]+)/g),
      ...captured(commands, /\bnpm (start|test)\b/g),
    ].filter((name) => !name.startsWith('-'));
    for (const name of named) expect(Object.keys(scripts)).toContain(name);
  });
});

/** The code blocks of a page in TypeScript, JavaScript and TOML, in order: lines of these files. */
const EXAMPLES: Record<string, string[]> = {
  'docs/clients.md': [
    'test/fixtures/fetch-client.js',
    'test/fixtures/own-client.ts',
    'test/browser/login-form.tsx',
    'test/fixtures/typed-client.ts',
    'test/fixtures/djoser-client.js',
    'test/fixtures/djoser-client.js',
    'test/fixtures/dj-rest-auth-client.js',
    'test/fixtures/dj-rest-auth-client.js',
    'test/fixtures/knox-client.js',
    'test/fixtures/knox-client.js',
  ],
  'docs/deployment.md': ['test/fixtures/staging.toml'],
  'docs/email.md': ['test/fixtures/send-by-http.ts'],
  'docs/mounting.md': [
    'src/manage/template/src/index.ts',
    'src/manage/template/src/schema.ts',
    'src/manage/template/migrations/1000_rock.sql',
    'src/manage/template/wrangler.toml',
    'test/fixtures/mounted/src/index.ts',
    'test/fixtures/mounted/wrangler.toml',
    'test/fixtures/rocks/wrangler.toml',
    'test/fixtures/rocks/src/index.ts',
    'test/fixtures/in-this-worker.ts',
  ],
  'docs/own-api.md': [
    'test/fixtures/own-api/src/index.ts',
    'test/fixtures/own-api/migrations/1000_profile.sql',
    'test/fixtures/own-api/src/client.ts',
    'test/fixtures/own-api/src/index.ts',
  ],
  'docs/settings.md': ['test/fixtures/inside/src/index.ts'],
};

describe('the examples', () => {
  it.each(Object.entries(PAGES))(
    'of %s are lines of files that are compiled and run',
    (path, page) => {
      const shown = blocksOf(page).filter(({ language }) => language !== 'sh');
      const files = EXAMPLES[path] ?? [];
      expect(shown).toHaveLength(files.length);
      for (const [i, file] of files.entries()) {
        // The page shows this code as src/index.ts, so its imports start with `./`.
        const source = readFileSync(file, 'utf8').replaceAll("'../../src/", "'./");
        const lines = source.split('\n');
        let from = 0;
        for (const line of shown[i]?.code.trim().split('\n') ?? []) {
          const at = lines.indexOf(line, from);
          expect({ file, line, isFound: at >= 0 }).toEqual({ file, line, isFound: true });
          from = at + 1;
        }
      }
    },
  );
});

it('docs/mounting.md shows the whole files of a new project', () => {
  const shown = blocksOf(pageAt('docs/mounting.md')).map(({ code }) => code);
  for (const file of EXAMPLES['docs/mounting.md']?.filter((path) => path.startsWith('src/')) ??
    []) {
    expect(shown).toContain(readFileSync(file, 'utf8'));
  }
});

/** The comment of each entry in src/settings.ts is the description of the setting. */
const DESCRIPTIONS = new Map(
  [
    ...readFileSync('src/settings.ts', 'utf8').matchAll(
      /^ {2}\/\*\*(?<comment>(?:(?!\*\/).)*)\*\/\n {2}(?<option>\w+): /gms,
    ),
  ].map(({ groups: { comment = '', option = '' } = {} }) => [
    option,
    comment.replaceAll(/\s*\n\s*\*? ?/g, ' ').trim(),
  ]),
);

const SETTING_ENTRIES = Object.entries(SETTINGS).map(
  ([option, { variable, allowed, isSecret, ...entry }]) => ({
    option,
    variable,
    allowed,
    isSecret,
    byDefault: entry.default ?? 'unset',
    description: DESCRIPTIONS.get(option) ?? 'a description is missing',
  }),
);

describe('the list of settings', () => {
  const listed = [
    ...pageAt('docs/settings.md').matchAll(
      /^- \*\*`(?<variable>\w+)`\*\*, option `(?<option>\w+)`\n {2}- Default: (?<byDefault>.*)\n {2}- Values: (?<allowed>.*)\n {2}- (?<description>.*)$/gm,
    ),
  ].map(({ groups = {} }) => groups);

  it('has each setting once', () => {
    expect(listed.map(({ variable }) => variable).sort()).toEqual(
      SETTING_ENTRIES.map(({ variable }) => variable).sort(),
    );
  });

  it.each(SETTING_ENTRIES)('describes $variable as its entry does', (setting) => {
    const { option, byDefault, allowed, description } =
      listed.find(({ variable }) => variable === setting.variable) ?? {};
    expect(option).toBe(setting.option);
    expect(plain(byDefault ?? '')).toBe(setting.byDefault || 'empty');
    expect(allowed).toBe(setting.allowed);
    // A link to details may follow.
    expect(description?.replace(/ \[[^\]]+\]\([^)]+\)\.$/, '')).toBe(
      `${setting.isSecret ? 'Secret. ' : ''}${setting.description}`,
    );
  });
});

it('the second environment has each variable of the first', () => {
  const configurationOf = (path: string) => readRawConfig({ config: path }).rawConfig;
  const { staging } = configurationOf('test/fixtures/staging.toml').env ?? {};
  expect(Object.keys(staging?.vars ?? {}).sort()).toEqual(
    Object.keys(configurationOf('wrangler.toml').vars ?? {}).sort(),
  );
});

describe('wrangler.toml', () => {
  const [, vars = ''] = readFileSync('wrangler.toml', 'utf8').split('\n[vars]\n');

  it.each(SETTING_ENTRIES.filter(({ isSecret }) => !isSecret))(
    'describes $variable as its entry does',
    ({ variable, description }) => {
      const [before = ''] = vars.split(new RegExp(`^(?:# )?${variable} = `, 'm'));
      const comment = /(?:^# (?![A-Z0-9_]+ = ).*\n)+$/m.exec(before)?.[0] ?? '';
      expect(comment.replaceAll(/^# |\n$/gm, '').replaceAll('\n', ' ')).toContain(description);
    },
  );
});

describe('the table of routes', () => {
  const Operations = v.object({
    paths: v.record(
      v.string(),
      v.record(
        v.string(),
        v.object({ security: v.array(v.unknown()), responses: v.record(v.string(), v.unknown()) }),
      ),
    ),
  });
  const { paths } = v.parse(
    Operations,
    JSON.parse(readFileSync('test/http/openapi/openapi.json', 'utf8')),
  );
  /** Responses that the page describes once for all routes. */
  const COMMON = ['406', '413', '415', '500', '503'];
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { security, responses }]) => ({
      route: `${method.toUpperCase()} ${path}`,
      token: tokenOf(security),
      statuses: Object.keys(responses).filter((status) => !COMMON.includes(status)),
    })),
  );
  /** An empty requirement makes the token optional. */
  function tokenOf(security: unknown[]): string {
    if (security.length === 0) return '';
    return security.some((requirement) => Object.keys(Object(requirement)).length === 0)
      ? 'optional'
      : 'yes';
  }

  const byRoute = (a: { route: string }, b: { route: string }) => a.route.localeCompare(b.route);

  it('has the routes, statuses and tokens of the OpenAPI document', () => {
    const families = ['djoser', 'dj-rest-auth', 'knox'].map((family) => `route of ${family}`);
    const tables = ['route', 'route for staff', ...families];
    const shown = tables
      .flatMap((heading) => tableOf(pageAt('docs/api.md'), heading))
      .map(([route = '', token = '', , success = '', errors = '']) => ({
        route: plain(route),
        token,
        statuses: captured(`${success} ${errors}`, /\b([2-5]\d\d)\b/g)
          .filter((status) => !COMMON.includes(status))
          .sort(),
      }));
    expect(shown.sort(byRoute)).toEqual(described.sort(byRoute));
  });

  it('has the same routes by e-mail in docs/email.md', () => {
    const routes = tableOf(pageAt('docs/email.md'), 'route').map(([route = '']) => plain(route));
    const byEmail = described
      .map(({ route }) => route)
      .filter((route) => /\/users\/(?:re|activation)/.test(route));
    expect(routes.sort()).toEqual(byEmail.sort());
  });

  it('has the messages of a refused token', () => {
    for (const [sentence = ''] of tableOf(pageAt('docs/api.md'), 'sentence')) {
      expect(sources.some((source) => source.includes(`'${plain(sentence)}'`))).toBe(true);
    }
  });
});

describe('the table of clients of the course', () => {
  const PROJECTS: Record<string, string> = {
    rare: 'Rare',
    'honey-rae': 'Honey Rae',
    'level-up': 'LevelUp',
    'rock-of-ages': 'Rock of Ages',
    bangazon: 'Bangazon',
  };
  const { course } = readFlows(readFileSync('test/conformance/course-clients.json', 'utf8'));

  it('has the settings with which the recorded requests of each client pass', () => {
    const recorded = course.map((flow) => {
      const variables = Object.entries(settingsFor(flow));
      const shown = variables.map(([name, value]) => `\`${name} = "${value}"\``).join(', ');
      return `${PROJECTS[flow.id.slice(0, -2)]}: ${shown || 'none'}`;
    });
    const rows = tableOf(pageAt('docs/clients.md'), 'project').map(
      ([project, , settings]) => `${project}: ${settings}`,
    );
    expect(rows.sort()).toEqual(recorded.sort());
  });
});

/** The binding of each scope. If a scope is missing, this does not compile. */
const BINDINGS = {
  login: 'LOGIN_LIMIT',
  'login-address': 'LOGIN_ADDRESS_LIMIT',
  'password-failures': 'RATE_LIMIT_COUNTER',
  register: 'REGISTER_LIMIT',
  link: 'MAIL_LIMIT',
  'mail-address': 'MAIL_ADDRESS_LIMIT',
  message: 'RATE_LIMIT_COUNTER',
} satisfies Record<RateLimitScope, keyof Bindings>;

describe('the tables of rate limits', () => {
  const scopes = tableOf(pageAt('docs/operations.md'), '`scope`').map(
    ([scope = '', limit = '', binding = '']) => ({
      scope: plain(scope),
      limit,
      binding: plain(binding),
    }),
  );
  const { ratelimits } = v.parse(
    v.object({
      ratelimits: v.array(v.object({ name: v.string(), simple: v.object({ limit: v.number() }) })),
    }),
    readRawConfig({ config: 'wrangler.toml' }).rawConfig,
  );
  const configured = ratelimits.map(({ name, simple }) => ({ name, limit: simple.limit }));
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

  it('have the bindings and numbers of wrangler.toml', () => {
    const api = tableOf(pageAt('docs/api.md'), 'binding').map(([name = '', , limit]) => ({
      name: plain(name),
      limit: Number(limit),
    }));
    expect(api.sort(byName)).toEqual(configured.sort(byName));
    const operations = scopes.filter(({ binding }) => binding.endsWith('_LIMIT'));
    const numbers = operations.map(({ binding: name, limit }) => ({
      name,
      limit: Number.parseInt(limit, 10),
    }));
    expect(numbers.sort(byName)).toEqual(configured.sort(byName));
  });

  it('have the binding of each scope that the log names', () => {
    const bindings = Object.fromEntries(scopes.map(({ scope, binding }) => [scope, binding]));
    expect(bindings).toEqual(BINDINGS);
  });
});

describe.each([
  { family: 'djoser', variants: DJOSER },
  { family: 'dj-rest-auth', variants: DJ_REST_AUTH },
  { family: 'knox', variants: KNOX },
])('the differences from $family', ({ family, variants }) => {
  it('are the steps of the recorded cases that differ', () => {
    const steps = tableOf(pageAt('docs/differences.md'), `step of ${family}`).map(([step = '']) =>
      plain(step),
    );
    expect(steps).toEqual(variants.flatMap(({ differences }) => differences));
  });
});

describe('the log events', () => {
  const source = sources.join('\n');

  it('are the events that the code logs', () => {
    const services = captured(source, /new ServiceUnavailable\(\s*'([\w-]+)'/g);
    const logged = [
      ...captured(source, /event: '([a-z-]+)'/g),
      ...captured(source, /event = [^;]*\? '([a-z-]+)'/g),
      ...captured(source, /event = [^;]*: '([a-z-]+)'/g),
      ...services.map((service) => `${service}-unavailable`),
    ];
    const page = pageAt('docs/operations.md');
    const [securityEvents, faults] = page
      .split(/^(?=Faults and warnings:)/m)
      .map((part) => tableOf(part, '`event`'));
    const shown = [...(securityEvents ?? []), ...(faults ?? [])].map(([event = '']) =>
      plain(event),
    );
    expect(shown.sort()).toEqual([...new Set(logged)].sort());
  });

  const fieldsOf = (event: string, field: string) => {
    const rows = tableOf(pageAt('docs/operations.md'), '`event`');
    const [, , fields = ''] = rows.find(([name = '']) => plain(name) === event) ?? [];
    const [, list = ''] = new RegExp(`\`${field}\`: ([^;|]+)`).exec(fields) ?? [];
    return captured(list, /`([a-z-]+)`/g).sort();
  };

  it('include each scope of a limit', () => {
    expect(fieldsOf('throttled', 'scope')).toEqual(Object.keys(BINDINGS).sort());
  });

  it('include each reason of a refused login', () => {
    const [, reasons = ''] = /reason:[\s|]*('unknown-user'[^;]+);/.exec(source) ?? [];
    const [, limit = ''] = /TokenLimitExceeded = \{ kind: '([a-z-]+)' \}/.exec(source) ?? [];
    const all = [...captured(reasons, /'([a-z-]+)'/g), limit];
    expect(fieldsOf('login-failed', 'reason')).toEqual(all.sort());
  });
});

describe('docs/manage.md', () => {
  const { manage } = useManage();

  it('has a section for each command', async () => {
    const { stdout } = await manage(['--help']);
    const commands = captured(stdout.split('Commands:')[1] ?? '', /^ {2}(\w+)/gm);
    const sections = captured(pageAt('docs/manage.md'), /^## ([a-z_]+(?:, [a-z_]+)*)$/gm);
    expect([...sections.flatMap((heading) => heading.split(', ')), 'help'].sort()).toEqual(
      commands.sort(),
    );
  });

  const lines = Object.values(PAGES)
    .flatMap(commandsOf)
    .filter((line) => /(run (--silent )?manage --|npx edge-authtoken) \w/.test(line));

  it.each([...new Set(lines)])('shows existing options: %s', async (line) => {
    const [, command = '', rest = ''] = /(?:manage --|edge-authtoken) (\w+)(.*)/.exec(line) ?? [];
    const help = await manage([command, '--help']);
    expect(help.code).toBe(0);
    const options = captured(rest.split('|')[0] ?? '', /(?:^| )(--?[a-z][a-z-]*)/g);
    for (const option of options) expect(`${help.stdout} --help`).toContain(option);
  });
});

it('the pages have the version of package.json', () => {
  expect(pageAt('CHANGELOG.md')).toContain(`## ${version}\n`);
  const named = captured(Object.values(PAGES).join('\n'), /edge-authtoken-(\d[\w.]*)\.tgz/g);
  expect(named).toEqual([version]);
});
