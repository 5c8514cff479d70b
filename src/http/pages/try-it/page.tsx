/**
 * The page at `/` to try the API: six steps, each with a form and the request and response of the
 * form. browser-client.js sends the forms and fills in the responses.
 */
import type { Settings } from '../../../settings.ts';
import { Document, type PagePaths } from '../shared/document.tsx';
import client from './browser-client.js';
import { Step } from './step.tsx';
import style from './style.min.txt';

type PageProps = {
  /** The path of the app, without a trailing slash. */
  base: string;
  /** The nonce in the Content-Security-Policy of this response. */
  nonce: string | undefined;
  /** The keyword before the token in a request. */
  keyword: string;
  tokenModel: Settings['tokenModel'];
  pages: PagePaths;
  /** Whether new users must verify their addresses before the first login. */
  verifiesAddresses: boolean;
};

/** The table of a token model, and what a lesson says of its tokens. */
const MODELS = {
  'authtoken.Token': {
    table: 'authtoken_token',
    login: 'Each login of a user returns the same token.',
    devices: 'All devices of a user have the same token.',
    forgotten: 'The next login returns the same token.',
  },
  'knox.AuthToken': {
    table: 'knox_authtoken',
    login: 'Each login of a user returns a new token. The database has only a hash of it.',
    devices: 'Each login has its own token, so one device can be logged out without the others.',
    forgotten: 'The token is valid until it expires.',
  },
} as const;

export const TryItPage = ({
  base,
  nonce,
  keyword,
  tokenModel,
  pages,
  verifiesAddresses,
}: PageProps) => (
  <Document
    title="Token authentication, step by step"
    intro={
      <>
        Django REST Framework’s token authentication, at the edge. Each step shows the request, the
        response and the effect in the database. Tools can import the{' '}
        <a href={`${base}/openapi.json`}>OpenAPI description</a>.
      </>
    }
    current="lesson"
    pages={pages}
    nonce={nonce}
    style={style}
    script={client}
  >
    <aside aria-label="Your token">
      <code>localStorage.token</code> <output id="token">needs JavaScript</output>
    </aside>
    <main data-table={MODELS[tokenModel].table} data-forgotten={MODELS[tokenModel].forgotten}>
      <Step
        base={base}
        title="Register"
        action="/register"
        intro={
          verifiesAddresses
            ? 'Inserts a user. The link in the e-mail activates the user, who can then log in.'
            : 'Inserts a user and its token.'
        }
        fields={[
          { name: 'username', label: 'Username', autocomplete: 'username' },
          { name: 'password', label: 'Password', autocomplete: 'new-password' },
          { name: 'first_name', label: 'First name', autocomplete: 'given-name', optional: true },
          { name: 'last_name', label: 'Last name', autocomplete: 'family-name', optional: true },
          {
            name: 'email',
            label: 'Email',
            autocomplete: 'email',
            optional: !verifiesAddresses,
            help: pages.account && 'Needed to reset a forgotten password.',
          },
        ]}
      />
      <Step
        base={base}
        title="Log in"
        action="/login"
        intro={MODELS[tokenModel].login}
        fields={[
          { name: 'username', label: 'Username', autocomplete: 'username' },
          { name: 'password', label: 'Password', autocomplete: 'current-password' },
        ]}
        beside={pages.account && <a href={pages.account}>Forgot password?</a>}
      />
      <Step
        base={base}
        title="Who am I"
        action="/me"
        method="get"
        intro="The token in the Authorization header identifies the user."
        keyword={keyword}
      />
      <Step
        base={base}
        title="Change password"
        action="/password"
        intro="Sets a new password and a new token. This revokes the old tokens."
        fields={[
          {
            name: 'current_password',
            label: 'Current password',
            autocomplete: 'current-password',
          },
          { name: 'new_password', label: 'New password', autocomplete: 'new-password' },
        ]}
        beside={<input autocomplete="username" hidden data-part="username" />}
        keyword={keyword}
      />
      <Step
        base={base}
        title="Your devices"
        action="/tokens"
        method="get"
        intro={`Lists the tokens of the user. ${MODELS[tokenModel].devices}`}
        button="List the tokens"
        keyword={keyword}
        beside={
          <>
            <button type="button" id="everywhere" class="quiet">
              Log out everywhere
            </button>
            <ul data-part="tokens" aria-label="Tokens" hidden />
          </>
        }
      />
      <Step
        base={base}
        title="Log out"
        action="/logout"
        intro="Logging out deletes the token in the database. Forgetting it only removes it from this browser."
        keyword={keyword}
        beside={
          <button type="button" id="forget" class="quiet">
            Forget the token
          </button>
        }
      />
    </main>
  </Document>
);
