/** The variables for what a client of course-clients.json needs: the parts of its `settings.key`. */
import * as v from 'valibot';

const Flow = v.looseObject({
  id: v.string(),
  category: v.string(),
  settings: v.object({ key: v.string() }),
  vars: v.optional(v.object({ mount: v.string() }), { mount: '' }),
  steps: v.array(v.looseObject({ name: v.string() })),
});

export type Flow = v.InferOutput<typeof Flow>;

/** The clients of the course, and those of other packages. */
export function readFlows(recorded: string): { course: Flow[]; peers: Flow[] } {
  const Recorded = v.object({ scenarios: v.array(Flow), peers: v.array(Flow) });
  const { scenarios, peers } = v.parse(Recorded, JSON.parse(recorded));
  return { course: scenarios, peers };
}

/** `TOKEN_RESPONSE_FIELDS` */
const FIELDS: Record<string, string> = {
  id: 'id',
  user_id: 'user_id=id',
  userId: 'userId=id',
  staff: 'staff=is_staff',
  is_staff: 'is_staff',
  'register-valid': 'valid=true',
};

/** @param mount the path that the client has in its code */
const variables = (mount: string): Record<string, Record<string, string>> => ({
  default: {},
  'register-200': { REGISTER_STATUS: '200' },
  'error-message': { ERROR_MESSAGE: 'true' },
  djoser: { DJOSER_PREFIX: mount },
  'dj-rest-auth': { DJ_REST_AUTH_PREFIX: mount },
  'dj-rest-auth-registration': { DJ_REST_AUTH_REGISTRATION: 'true' },
  knox: { TOKEN_MODEL: 'knox.AuthToken', KNOX_PREFIX: mount },
  'knox-user': { USER_SERIALIZER: 'knox.serializers.UserSerializer' },
  // These are so without a setting.
  'knox-me': {},
  'knox-register': {},
  'without-last-slash': {},
});

/** The variables for a client. `settings.key` is such as `error-message,register-200,staff`. */
export function settingsFor({ settings: { key }, vars: { mount } }: Flow): Record<string, string> {
  const parts = key.split(',');
  const byPart = variables(mount);
  const unknown = parts.filter((part) => !(part in FIELDS) && !(part in byPart));
  if (unknown.length > 0) throw new Error(`No setting for ${unknown}`);
  const fields = parts.map((part) => FIELDS[part]).filter((field) => field !== undefined);
  return Object.assign(
    fields.length > 0 ? { TOKEN_RESPONSE_FIELDS: fields.join() } : {},
    ...parts.map((part) => byPart[part]),
  );
}
