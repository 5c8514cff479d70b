import type { Description } from '../../openapi/description.ts';
import { type Definition, familyRoute, ifSettings, type Route } from '../../route.ts';

type KnoxDefinition<Caller extends object, Input, Data> = Omit<
  Definition<Caller, Input, Data, Response>,
  'description'
> & { description: Omit<Description, 'tag'> };

/**
 * A route of knox. It exists only with knox's tokens: a client of knox expects one for each login.
 *
 * @param key method and path, to which the start of the family's paths is added
 */
export function knoxRoute<Caller extends object, Input, Data>(
  key: `${string} /${string}`,
  { access, description, ...definition }: KnoxDefinition<Caller, Input, Data>,
): Route {
  return familyRoute(key.replace(' ', ' /knox'), {
    ...definition,
    access: ifSettings(access, ({ tokenModel }) => tokenModel === 'knox.AuthToken'),
    description: { ...description, tag: 'knox' },
  });
}
