/** @returns the result for the caller of the object */
type Around = (run: () => Promise<unknown>, method: string) => Promise<unknown>;

/** Durable Objects that let a test watch each call or make it fail. Wraps real ones. */
export function interceptObjects<T extends Rpc.DurableObjectBranded | undefined>(
  objects: DurableObjectNamespace<T>,
  around: Around,
): DurableObjectNamespace<T> {
  const intercepted = (object: object) =>
    new Proxy(object, {
      get:
        (_, method: string) =>
        (...args: unknown[]) =>
          around(() => Reflect.apply(Reflect.get(object, method), object, args), method),
    });
  return new Proxy(objects, {
    get(_, property: string) {
      if (property === 'get') return (id: DurableObjectId) => intercepted(objects.get(id));
      return Reflect.get(objects, property).bind(objects);
    },
  });
}
