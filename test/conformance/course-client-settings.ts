/** The variables for what a client of course-clients.json needs: the parts of its `settings.key`. */

/** `TOKEN_RESPONSE_FIELDS` */
const FIELDS: Record<string, string> = {
  id: 'id',
  user_id: 'user_id=id',
  userId: 'userId=id',
  staff: 'staff=is_staff',
  is_staff: 'is_staff',
  'register-valid': 'valid=true',
};

const VARIABLES: Record<string, Record<string, string>> = {
  default: {},
  'register-200': { REGISTER_STATUS: '200' },
  'error-message': { ERROR_MESSAGE: 'true' },
};

/** @param key such as `error-message,register-200,staff` */
export function settingsFor(key: string): Record<string, string> {
  const parts = key.split(',');
  const unknown = parts.filter((part) => !(part in FIELDS) && !(part in VARIABLES));
  if (unknown.length > 0) throw new Error(`No setting for ${unknown}`);
  const fields = parts.map((part) => FIELDS[part]).filter((field) => field !== undefined);
  return Object.assign(
    fields.length > 0 ? { TOKEN_RESPONSE_FIELDS: fields.join() } : {},
    ...parts.map((part) => VARIABLES[part]),
  );
}
