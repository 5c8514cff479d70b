import { storedToken } from '../../src/store/stored-token.ts';

/** Records of a dump, for tests to change and compare. */
export const user = (pk: number, fields: Record<string, unknown> = {}) => ({
  model: 'auth.user',
  pk,
  fields: {
    password:
      'pbkdf2_sha256$1000$XENhGqs8WV7BVPv9ArfHgq$HiD3x/0fUj6JuOQgKLlExUjbWnYwvUSmp0ryHVv9Zx0=',
    last_login: null,
    is_superuser: false,
    username: `user${pk}`,
    first_name: '',
    last_name: '',
    email: '',
    is_staff: false,
    is_active: true,
    date_joined: '2024-03-18T02:30:00.123Z',
    groups: [],
    user_permissions: [],
    ...fields,
  },
});

export const token = (pk: string, userId: unknown, fields: Record<string, unknown> = {}) => ({
  model: 'authtoken.token',
  pk,
  fields: { user: userId, created: '2024-03-18T02:30:01.123Z', ...fields },
});

/** @param key the token, of which Django has the hash */
export const knoxToken = (key: string, userId: unknown, fields: Record<string, unknown> = {}) => {
  const { digest, token_key } = storedToken(key);
  const dates = { created: '2024-03-18T02:30:01.123Z', expiry: null };
  return {
    model: 'knox.authtoken',
    pk: digest,
    fields: { token_key, user: userId, ...dates, ...fields },
  };
};

type DumpedRecord = { model: string; pk: unknown; fields: Record<string, unknown> };

/** Django's records without the fields that only Django has. */
export const withoutGroups = (records: DumpedRecord[]) =>
  records.map(({ fields: { groups, user_permissions, ...fields }, ...record }) => ({
    ...record,
    fields,
  }));
