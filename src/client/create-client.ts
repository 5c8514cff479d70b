/**
 * A client in a few lines: keeps the token, sends it, and tells apart what went well and what did
 * not. For browsers, Node and Workers; it needs nothing but `fetch`.
 */
import type {
  Confirmation,
  Credentials,
  Detail,
  FieldErrors,
  Link,
  LoggedIn,
  Me,
  PasswordChange,
  PasswordReset,
  ProfileChanges,
  Registration,
  Token,
} from './api.ts';

export type * from './api.ts';

/** What a request led to. It never throws. */
export type Result<T> = { ok: true; data: T } | Failure;

export type Failure = {
  ok: false;
  /** HTTP's; 0 where there was no answer. */
  status: number;
  /** A sentence to show: the `detail`, or else the first about a field. */
  detail: string;
  /** DRF's sentences by field; those about no field are under `non_field_errors`. */
  errors: FieldErrors;
};

/** Where a token outlives the page: `localStorage` is such a place. */
export type TokenStorage = {
  getItem: (key: string) => string | null;
  setItem: (key: string, value: string) => void;
  removeItem: (key: string) => void;
};

/**
 * @param url where the API is, such as `https://example.com/auth`, without a final slash
 * @param storage keeps the token under `token`; by default it is forgotten with the page
 *
 * @example
 * const auth = createClient('http://localhost:8000', localStorage);
 * const login = await auth.login({ username: 'meg', password: 'ducharme' });
 * if (!login.ok) console.log(login.detail);
 */
export function createClient(url: string, storage: TokenStorage = inMemory()) {
  async function send<T>(method: string, path: string, body?: object): Promise<Result<T>> {
    const token = storage.getItem('token');
    const headers = {
      ...(body && { 'Content-Type': 'application/json' }),
      ...(token && { Authorization: `Token ${token}` }),
    };
    try {
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const answer = await fetch(url + path, init);
      const data = JSON.parse((await answer.text()) || 'null');
      if (!answer.ok) return failure(answer.status, data);
      if (data?.token) storage.setItem('token', data.token);
      return { ok: true, data };
    } catch {
      return failure(0, { detail: 'No answer.' });
    }
  }

  /** The token is dead. */
  function forget<T>(result: Result<T>): Result<T> {
    if (result.ok) storage.removeItem('token');
    return result;
  }

  return {
    /** No token where the address must be verified first: then a link is on its way to it. */
    register: (fields: Registration) => send<Token | Detail>('POST', '/register', fields),
    login: (credentials: Credentials) => send<LoggedIn>('POST', '/login', credentials),
    logout: () => send<null>('POST', '/logout').then(forget),
    me: () => send<Me>('GET', '/me'),
    updateMe: (changes: ProfileChanges) => send<Me>('PATCH', '/me', changes),
    deleteMe: (confirmation: Confirmation) =>
      send<null>('DELETE', '/me', confirmation).then(forget),
    changePassword: (change: PasswordChange) => send<Token>('POST', '/password', change),
    /** @param username for the link of one account, if several have the address */
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
  for (const [field, sentences] of Object.entries(fields)) {
    if (Array.isArray(sentences)) errors[field] = sentences.map(String);
  }
  const [sentence = `HTTP ${status}`] = Object.values(errors).flat();
  return { ok: false, status, detail: detail ?? sentence, errors };
}

function inMemory(): TokenStorage {
  const items = new Map<string, string>();
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}
