/**
 * A small client of the API. It stores the token, sends it, and returns each response as a result or
 * a failure. It runs in browsers, Node and Workers, and needs only `fetch`.
 */
import type {
  Confirmation,
  Credentials,
  Detail,
  FieldErrors,
  Link,
  LoggedIn,
  Me,
  OwnToken,
  PasswordChange,
  PasswordReset,
  ProfileChanges,
  Registration,
  Shown,
  Token,
} from './api.ts';

export type * from './api.ts';

/** The result of a request. A failure is a value: the client does not throw. */
export type ApiResult<T> = { ok: true; data: T } | Failure;

export type Failure = {
  ok: false;
  /** The HTTP status; 0 if there was no response, or no JSON. */
  status: number;
  /** A message to show: `detail`, or the first message of a field. */
  detail: string;
  /** DRF's messages by field. Messages without a field are under `non_field_errors`. */
  errors: FieldErrors;
};

/** Storage for the token, for example `localStorage`. */
export type TokenStorage = {
  getItem: (key: string) => string | null;
  setItem: (key: string, value: string) => void;
  removeItem: (key: string) => void;
};

/**
 * Creates a client of the API.
 *
 * @template Input the fields of the server's own that a registration takes (`registration` of createApp)
 * @template Output the fields of the server's own that `me` may show
 * @param url the URL of the API, such as `https://example.com/auth`, without a trailing slash
 * @param storage keeps the token under the key `token`. The default is in memory only
 * @param keyword the word before the token: `AUTH_HEADER_KEYWORD` of the server
 *
 * @example
 * const auth = createClient('http://localhost:8000', localStorage);
 * const login = await auth.login({ username: 'meg', password: 'ducharme' });
 * if (!login.ok) console.log(login.detail);
 */
export function createClient<Input = unknown, Output = unknown>(
  url: string,
  storage: TokenStorage = inMemory(),
  keyword = 'Token',
) {
  async function send<T>(method: string, path: string, body?: object): Promise<ApiResult<T>> {
    const token = storage.getItem('token');
    const headers = {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `${keyword} ${token}` }),
    };
    try {
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const response = await fetch(url + path, init);
      const data = JSON.parse((await response.text()) || 'null');
      if (!response.ok) return failure(response.status, data);
      if (data?.token) storage.setItem('token', data.token);
      return { ok: true, data };
    } catch {
      return failure(0, { detail: 'No valid response.' });
    }
  }

  /** Removes the token after the server has deleted it. */
  function removeToken<T>(result: ApiResult<T>): ApiResult<T> {
    if (result.ok) storage.removeItem('token');
    return result;
  }

  return {
    /** If the address must be verified first, the server sends a link and returns no token. */
    register: (fields: Registration & Input) => send<Token | Detail>('POST', '/register', fields),
    login: (credentials: Credentials) => send<LoggedIn>('POST', '/login', credentials),
    logout: () => send<null>('POST', '/logout').then(removeToken),
    logoutAll: () => send<null>('POST', '/logoutall').then(removeToken),
    tokens: () => send<OwnToken[]>('GET', '/tokens'),
    /** @param id of `tokens`. To end the session of this client, use `logout` */
    deleteToken: (id: string) => send<null>('DELETE', `/tokens/${encodeURIComponent(id)}`),
    me: () => send<Me & Shown<Output>>('GET', '/me'),
    updateMe: (changes: ProfileChanges) => send<Me & Shown<Output>>('PATCH', '/me', changes),
    deleteMe: (confirmation: Confirmation) =>
      send<null>('DELETE', '/me', confirmation).then(removeToken),
    changePassword: (change: PasswordChange) => send<Token>('POST', '/password', change),
    /** @param username to get the link of one account, if several accounts have the address */
    resetPassword: (email: string, username?: string) =>
      send<null>('POST', '/users/reset_password', { email, username }),
    resetPasswordConfirm: (reset: PasswordReset) =>
      send<null>('POST', '/users/reset_password_confirm', reset),
    activate: (link: Link) => send<null>('POST', '/users/activation', link),
    /** @param username as for `resetPassword` */
    resendActivation: (email: string, username?: string) =>
      send<null>('POST', '/users/resend_activation', { email, username }),
  };
}

function failure(status: number, body: { detail?: string; [field: string]: unknown }): Failure {
  const { detail, ...fields } = body;
  const errors: FieldErrors = {};
  for (const [field, messages] of Object.entries(fields)) {
    if (Array.isArray(messages)) errors[field] = messages.map(String);
  }
  const [message = `HTTP ${status}`] = Object.values(errors).flat();
  return { ok: false, status, detail: detail ?? message, errors };
}

function inMemory(): TokenStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}
