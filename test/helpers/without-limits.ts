/**
 * Derives a configuration from wrangler.toml without rate limits and password validators, for clients that
 * send many requests: the replay of recorded cases, and benches. As a script, it prints its path.
 *
 *     npm start -- --config "$(node test/helpers/without-limits.ts)" --persist-to .wrangler/state
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import {
  type Unstable_RawConfig as RawConfig,
  experimental_readRawConfig as readRawConfig,
} from 'wrangler';

const FOLDER = '.wrangler/without-limits';

/** The configuration without the bindings of the rate limits. */
export function withoutRateLimits({
  ratelimits: _,
  durable_objects,
  ...config
}: RawConfig): RawConfig {
  const isCounter = ({ class_name }: { class_name: string }) => class_name === 'RateLimitCounter';
  const bindings = durable_objects?.bindings?.filter((binding) => !isCounter(binding)) ?? [];
  return { ...config, durable_objects: { bindings } };
}

/**
 * Writes the configuration.
 *
 * @param hasObjects whether to keep the Durable Objects of wrangler.toml
 * @returns its path
 */
export function withoutLimits(hasObjects = true): string {
  const { rawConfig } = readRawConfig({ config: 'wrangler.toml' });
  const { durable_objects, migrations, ...config } = withoutRateLimits(rawConfig);
  const vars = { ...config.vars, AUTH_PASSWORD_VALIDATORS: '' };
  const objects = hasObjects ? { durable_objects, migrations } : {};
  const path = `${FOLDER}/${hasObjects ? 'wrangler' : 'without-objects'}.json`;
  mkdirSync(FOLDER, { recursive: true });
  // wrangler resolves paths relative to the configuration file.
  const text = JSON.stringify({ ...config, ...objects, vars, main: `../../${config.main}` });
  // Written atomically, because tests that run in parallel read it.
  const partial = `${path}.${process.pid}`;
  writeFileSync(partial, text);
  renameSync(partial, path);
  return path;
}

if (import.meta.main) process.stdout.write(`${withoutLimits()}\n`);
