import type { Description } from '../../openapi/description.ts';
import { type Definition, type Route, untyped } from '../../route.ts';

/** @param key method, and path below the prefix of dj-rest-auth */
export function djRestAuthRoute<Caller extends object, Input, Data>(
  key: string,
  {
    description,
    ...definition
  }: Omit<Definition<Caller, Input, Data, Response>, 'description'> & {
    description: Omit<Description, 'tag'>;
  },
): Route {
  const [method, path] = key.split(' ');
  return untyped(`${method} /dj-rest-auth${path}`, {
    ...definition,
    description: { ...description, tag: 'dj-rest-auth' },
  });
}
