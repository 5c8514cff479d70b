/**
 * Loaded before `deploy` in its tests. Sends its requests to workers.dev to the stub, and
 * removes its pauses.
 */
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

const { fetch } = globalThis;

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const isDeployed = url.hostname.endsWith('.workers.dev');
  return fetch(isDeployed ? new URL(url.pathname, process.env.STUB_URL) : input, init);
};

timers.setTimeout = (_delay, value) => timers.setImmediate(value);
syncBuiltinESMExports();
