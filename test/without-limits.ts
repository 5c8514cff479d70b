/**
 * Derives a configuration from wrangler.toml that throttles nothing, for what must ask more often than a
 * person would: the replay of recorded cases, and benches. Prints its path.
 *
 *     npm start -- --config "$(node test/without-limits.ts)" --persist-to .wrangler/state
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { experimental_readRawConfig as readRawConfig } from 'wrangler';

const PATH = '.wrangler/without-limits/wrangler.json';

const { ratelimits: _, ...config } = readRawConfig({ config: 'wrangler.toml' }).rawConfig;

mkdirSync('.wrangler/without-limits', { recursive: true });
// wrangler reads the paths of a configuration from where it lies.
writeFileSync(PATH, JSON.stringify({ ...config, main: `../../${config.main}` }));
process.stdout.write(`${PATH}\n`);
