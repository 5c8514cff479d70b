/**
 * Linters, generators and importers read the OpenAPI document of all routes without a finding, and the
 * generated clients compile. They are installed in an empty folder, because they are 400 packages.
 * test/http/openapi/document.node.test.ts has Redocly's linter.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

const CHECKOUT = resolve(import.meta.dirname, '../..');

const TOOLS = [
  '@stoplight/spectral-cli@6.16.3',
  'openapi-typescript@7.13.0',
  'openapi-fetch@0.17.0',
  '@hey-api/openapi-ts@0.99.0',
  'openapi-to-postmanv2@6.3.3',
  'insomnia-importers@3.6.0',
  // The generators need the API of TypeScript 5.
  'typescript@5.9.3',
];

const TSCONFIG = {
  compilerOptions: {
    target: 'es2024',
    lib: ['esnext', 'dom', 'dom.iterable'],
    module: 'esnext',
    moduleResolution: 'bundler',
    types: [],
    strict: true,
    noUncheckedIndexedAccess: true,
    verbatimModuleSyntax: true,
    skipLibCheck: false,
    noEmit: true,
    allowImportingTsExtensions: true,
  },
};

const directory = mkdtempSync(join(tmpdir(), 'edge-authtoken-openapi-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** @throws Error with the output of the command, if it fails */
function run(command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: directory, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')}:\n${stdout}${stderr}`);
  return stdout;
}

/** Runs a tool with this Node.js. */
const tool = (path: string, ...args: string[]) =>
  run(process.execPath, join('node_modules', path), ...args);

const write = (name: string, content: object | string) =>
  writeFileSync(
    join(directory, name),
    typeof content === 'string' ? content : JSON.stringify(content),
  );

const Document = v.looseObject({
  paths: v.record(
    v.string(),
    v.record(v.string(), v.looseObject({ requestBody: v.optional(v.unknown()) })),
  ),
});

const document = v.parse(
  Document,
  JSON.parse(readFileSync(join(CHECKOUT, 'test/http/openapi/openapi.json'), 'utf8')),
);

/** `POST /login` and the like, of all operations with a body, or of all. */
const operations = (hasBody: boolean) =>
  Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.entries(methods)
        .filter(([, { requestBody }]) => !hasBody || requestBody !== undefined)
        .map(([method]) => `${method.toUpperCase()} ${path}`),
    )
    .sort();

beforeAll(() => {
  write('package.json', { name: 'tools', private: true, type: 'module' });
  run('npm', 'install', '--ignore-scripts', '--no-audit', '--no-fund', ...TOOLS);
});

describe.each(['3.0.3', '3.1.0'])('OpenAPI %s', (version) => {
  const file = `${version}.json`;
  beforeAll(() => write(file, { ...document, openapi: version }));

  it('has no finding of Spectral', () => {
    // The operator has no public e-mail address, and the tags have the order of a first visit.
    const rules = { 'contact-properties': 'off', 'openapi-tags-alphabetical': 'off' };
    write('.spectral.json', { extends: [['spectral:oas', 'all']], rules });
    const options = ['--fail-severity=hint', '--ruleset=.spectral.json'];
    const output = tool('@stoplight/spectral-cli/dist/index.js', 'lint', file, ...options);
    expect(output).toContain('No results');
  });

  it.each([
    {
      generator: 'openapi-typescript',
      generate: (out: string) =>
        tool('openapi-typescript/bin/cli.js', file, '--output', `${out}/schema.ts`),
    },
    {
      generator: 'hey-api',
      generate: (out: string) =>
        tool('@hey-api/openapi-ts/bin/run.js', '--input', file, '--output', `${out}/generated`),
    },
  ])('makes a client with $generator that compiles', ({ generator, generate }) => {
    const out = `${generator}-${version}`;
    cpSync(join(import.meta.dirname, generator), join(directory, out), { recursive: true });
    generate(out);
    write(`${out}/tsconfig.json`, TSCONFIG);
    const tsc = join(CHECKOUT, 'node_modules/typescript/bin/tsc');
    expect(run(process.execPath, tsc, '--project', out)).toBe('');
  });

  it('becomes a collection of Postman with a body for each request that has one', () => {
    const output = `postman-${version}.json`;
    tool('openapi-to-postmanv2/bin/openapi2postmanv2.js', '-s', file, '-o', output);
    const Request_ = v.object({
      method: v.string(),
      url: v.object({ path: v.array(v.string()) }),
      body: v.optional(v.looseObject({ raw: v.optional(v.string()) })),
    });
    const text = readFileSync(join(directory, output), 'utf8');
    const requests = itemsOf(JSON.parse(text)).map((request) => v.parse(Request_, request));
    const named = ({ method, url }: v.InferOutput<typeof Request_>) =>
      `${method} /${url.path.map((part) => part.replace(/^:(\w+)$/, '{$1}')).join('/')}`;
    expect(requests.map(named).sort()).toEqual(operations(false));
    const withBody = requests.filter(({ body }) => Object.keys(parsed(body?.raw)).length > 0);
    expect(withBody.map(named).sort()).toEqual(operations(true));
  });

  it('is imported by Insomnia with a body for each request that has one', async () => {
    // Insomnia warns that it does not know version 3.1, and imports it nevertheless.
    vi.spyOn(console, 'log').mockImplementation(() => {});
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { convert } = createRequire(join(directory, 'package.json'))('insomnia-importers');
    const Imported = v.object({
      data: v.object({
        resources: v.array(
          v.looseObject({
            _type: v.string(),
            method: v.optional(v.string()),
            url: v.optional(v.string(), ''),
            body: v.optional(v.looseObject({ text: v.optional(v.string()) })),
          }),
        ),
      }),
    });
    const { data } = v.parse(
      Imported,
      await convert(JSON.stringify({ ...document, openapi: version })),
    );
    const requests = data.resources.filter(({ _type }) => _type === 'request');
    const named = ({ method, url }: { method?: string | undefined; url: string }) =>
      `${method} ${url.replace('{{ base_url }}', '').replace(/\{\{ (\w+) \}\}/, '{$1}')}`;
    expect(requests.map(named).sort()).toEqual(operations(false));
    const withBody = requests.filter(({ body }) => Object.keys(parsed(body?.text)).length > 0);
    expect(withBody.map(named).sort()).toEqual(operations(true));
  });
});

/** The requests of a collection, from all its folders. */
function itemsOf(folder: { item?: unknown[] | undefined; request?: unknown }): unknown[] {
  const Folder = v.looseObject({ item: v.optional(v.array(v.unknown())) });
  return folder.request !== undefined
    ? [folder.request]
    : (folder.item ?? []).flatMap((item) => itemsOf(v.parse(Folder, item)));
}

const parsed = (json: string | undefined): object => Object(JSON.parse(json || 'null'));
