import type { Description } from '../../openapi/description.ts';
import { type Definition, familyRoute, ifOn, type Route } from '../../route.ts';

type DjoserDefinition<Caller extends object, Input, Data> = Omit<
  Definition<Caller, Input, Data, Response>,
  'description'
> & { description: Omit<Description, 'tag'> };

/** @param key method and path. DJOSER_PREFIX adds to the path */
export const djoserRoute = <Caller extends object, Input, Data>(
  key: `${string} /${'users' | 'token'}${string}`,
  { access, description, ...definition }: DjoserDefinition<Caller, Input, Data>,
): Route =>
  familyRoute(key, {
    ...definition,
    access: ifOn(access, 'djoser'),
    description: { ...description, tag: 'djoser' },
  });
