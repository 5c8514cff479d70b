/**
 * Derives a configuration from wrangler.toml that throttles nothing, for what must ask more often than a
 * person would: the replay of recorded cases, and benches. Run by itself, prints its path.
 *
 *     npm start -- --config "$(node test/without-limits.ts)" --persist-to .wrangler/state
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';

const PATH = '.wrangler/without-limits/wrangler.json';

/** Writes the configuration. @returns its path */
export function withoutLimits(): string {
  const { ratelimits: _, ...config } = readRawConfig({ config: 'wrangler.toml' }).rawConfig;
  mkdirSync('.wrangler/without-limits', { recursive: true });
  // wrangler reads the paths of a configuration from where it lies.
  writeFileSync(PATH, JSON.stringify({ ...config, main: `../../${config.main}` }));
  return PATH;
}

if (import.meta.main) process.stdout.write(`${withoutLimits()}\n`);
