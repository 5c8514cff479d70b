/**
 * The page at `/`: five steps, each a form and, beside it, the exchange it led to. Rendered here
 * without any of it having happened; browser-client.js does the rest.
 */
import { Document } from '../shared/document.tsx';
import client from './browser-client.js';
import { Step } from './step.tsx';
import style from './style.css';

const TITLE = 'Token authentication, step by step';

type PageProps = {
  /** The path of the app, without a final slash. */
  base: string;
  /** What the Content-Security-Policy of this answer lets pass. */
  nonce: string | undefined;
  /** Whether there is a page for who has forgotten the password. */
  resetsPasswords: boolean;
  /** Whether a new user must verify its address before the first login. */
  verifiesAddresses: boolean;
};

export const Page = ({ base, nonce, resetsPasswords, verifiesAddresses }: PageProps) => (
  <Document title={TITLE} nonce={nonce} style={style} script={client}>
    <header>
      <h1>{TITLE}</h1>
      <p>
        Django REST Framework’s token authentication, at the edge. Each step shows what went over
        the wire and what it meant in the database. Tools can import the{' '}
        <a href={`${base}/openapi.json`}>OpenAPI description</a>.
      </p>
    </header>
    <aside aria-label="Your token">
      <code>localStorage.token</code> <output id="token">is looked up by the script</output>
    </aside>
    <main>
      <Step
        base={base}
        title="Register"
        action="/register"
        says={
          verifiesAddresses
            ? 'A user is made. The link in the e-mail makes it active: then it can log in.'
            : 'A user and its token are made together.'
        }
        fields={[
          { name: 'username', label: 'Username', autocomplete: 'username' },
          { name: 'password', label: 'Password', autocomplete: 'new-password' },
          { name: 'first_name', label: 'First name', autocomplete: 'given-name', optional: true },
          { name: 'last_name', label: 'Last name', autocomplete: 'family-name', optional: true },
          { name: 'email', label: 'Email', autocomplete: 'email', optional: !verifiesAddresses },
        ]}
      />
      <Step
        base={base}
        title="Log in"
        action="/login"
        says="The same user gets the same token, each time."
        fields={[
          { name: 'username', label: 'Username', autocomplete: 'username' },
          { name: 'password', label: 'Password', autocomplete: 'current-password' },
        ]}
      >
        {resetsPasswords && <a href={`${base}/account`}>Forgot password?</a>}
      </Step>
      <Step
        base={base}
        title="Who am I"
        action="/me"
        method="get"
        says="The token travels in a header, and stands for its user."
        withToken
      />
      <Step
        base={base}
        title="Change password"
        action="/password"
        says="A new password brings a new token; the old one is dead."
        fields={[
          {
            name: 'current_password',
            label: 'Current password',
            autocomplete: 'current-password',
          },
          { name: 'new_password', label: 'New password', autocomplete: 'new-password' },
        ]}
        withToken
      />
      <Step
        base={base}
        title="Log out"
        action="/logout"
        says="Logging out deletes the token. Forgetting it only clears this browser."
        withToken
      >
        <button type="button" id="forget" class="quiet">
          Forget the token
        </button>
      </Step>
    </main>
  </Document>
);
