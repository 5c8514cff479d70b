/** The files that the "Deploy to Cloudflare" button reads. The button itself needs a public repository. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import * as v from 'valibot';
import { expect, it } from 'vitest';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';
import { SETTINGS } from '../../src/settings.ts';

const { cloudflare, scripts } = v.parse(
  v.object({
    cloudflare: v.object({
      bindings: v.record(v.string(), v.object({ description: v.string() })),
    }),
    scripts: v.object({ deploy: v.string() }),
  }),
  JSON.parse(readFileSync('package.json', 'utf8')),
);

const { vars } = v.parse(
  v.object({ vars: v.record(v.string(), v.string()) }),
  readRawConfig({ config: 'wrangler.toml' }).rawConfig,
);

const secrets = parseEnv(readFileSync('.dev.vars.example', 'utf8'));

it('asks for the secret key, and has none to take over', () => {
  expect(secrets).toEqual({ SECRET_KEY: '' });
});

it('describes the database, the secrets and the variables', () => {
  const asked = ['DB', ...Object.keys(secrets), ...Object.keys(vars)];
  expect(Object.keys(cloudflare.bindings).sort()).toEqual(asked.sort());
});

const ENTRY = /^ {2}\/\*\* (?<description>.*) \*\/\n {2}\w+: setting\(\s*'(?<variable>\w+)'/gm;
const DESCRIPTIONS = [...readFileSync('src/settings.ts', 'utf8').matchAll(ENTRY)].map(
  ({ groups: { description = '', variable = '' } = {} }) => ({ variable, description }),
);

it.each(Object.keys(vars))('describes %s as its setting does', (variable) => {
  expect(Object.values(SETTINGS).map((setting) => setting.variable)).toContain(variable);
  const { description } = DESCRIPTIONS.find((entry) => entry.variable === variable) ?? {};
  expect(description).toBeDefined();
  expect(cloudflare.bindings[variable]?.description).toContain(description);
});

it('deploys with the command that also applies the migrations', () => {
  expect(scripts.deploy).toMatch(/src\/manage\/manage\.ts deploy$/);
});

it('the example is in the repository, and secrets are not', () => {
  const ignored = (file: string) =>
    spawnSync('git', ['check-ignore', '--quiet', '--no-index', file]).status === 0;
  expect(['.dev.vars.example', '.dev.vars', '.dev.vars.staging'].map(ignored)).toEqual([
    false,
    true,
    true,
  ]);
});
