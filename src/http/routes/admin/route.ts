import type { Description } from '../../openapi/description.ts';
import { type Definition, familyRoute, ifOn, type Route } from '../../route.ts';

type AdminDefinition<Caller extends object, Input, Data> = Omit<
  Definition<Caller, Input, Data, Response>,
  'description'
> & { description: Omit<Description, 'tag'> };

/** A route of the staff page. */
export const adminRoute = <Caller extends object, Input, Data>(
  key: `${string} /admin/api/${string}`,
  { access, description, ...definition }: AdminDefinition<Caller, Input, Data>,
): Route =>
  familyRoute(key, {
    ...definition,
    access: ifOn(access, 'adminPage'),
    description: { ...description, tag: 'Staff' },
  });
