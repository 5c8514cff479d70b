import type { Description } from '../../openapi/description.ts';
import { type Definition, familyRoute, ifOn, type Route } from '../../route.ts';

type DjRestAuthDefinition<Caller extends object, Input, Data> = Omit<
  Definition<Caller, Input, Data, Response>,
  'description'
> & { description: Omit<Description, 'tag'> };

/** @param key method, and path below that of the family */
export function djRestAuthRoute<Caller extends object, Input, Data>(
  key: `${string} /${string}`,
  { access, description, ...definition }: DjRestAuthDefinition<Caller, Input, Data>,
): Route {
  return familyRoute(key.replace(' ', ' /dj-rest-auth'), {
    ...definition,
    access: ifOn(access, 'djRestAuth'),
    description: { ...description, tag: 'dj-rest-auth' },
  });
}
