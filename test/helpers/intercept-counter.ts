import { env } from 'cloudflare:workers';

type Counters = typeof env.RATE_LIMIT_COUNTER;

/** @returns what the caller of the object gets */
type Around = (run: () => Promise<unknown>, method: string) => Promise<unknown>;

/** The objects that count, whose calls a test can watch or fail. The real ones do the work. */
export function interceptCounter(around: Around): Counters {
  return new Proxy(env.RATE_LIMIT_COUNTER, {
    get(namespace, property: keyof Counters) {
      if (property !== 'get') return namespace[property].bind(namespace);
      return (id: DurableObjectId) =>
        new Proxy(namespace.get(id), {
          get:
            (object, method: string) =>
            (...args: unknown[]) =>
              around(() => Reflect.apply(Reflect.get(object, method), object, args), method),
        });
    },
  });
}
