/** Loaded before `deploy` in its tests: what it asks of workers.dev, which is out of reach, the stub answers. */
const { fetch } = globalThis;

globalThis.fetch = (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  const isDeployed = url.hostname.endsWith('.workers.dev');
  return fetch(isDeployed ? new URL(url.pathname, process.env.STUB_URL) : input, init);
};
