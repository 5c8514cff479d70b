/**
 * The page at `/`: five steps, each a form and, beside it, the exchange it led to. Rendered here
 * without any of it having happened; browser-client.js does the rest.
 */
import client from './browser-client.js';
import { Step } from './step.tsx';
import style from './style.css';

/** A key on a green tile. */
const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%230c4b33'/><path d='M13 19a4 4 0 1 1 0-6l10 0v4h-3v-2h-2v2z' fill='none' stroke='%23fff' stroke-width='2'/></svg>";

/**
 * @param base the path of the app, without a final slash
 * @param nonce what the Content-Security-Policy of this answer lets pass
 */
export const Page = ({ base, nonce }: { base: string; nonce: string | undefined }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>Token authentication, step by step</title>
      <link rel="icon" href={ICON} />
      <style nonce={nonce} dangerouslySetInnerHTML={{ __html: style }} />
      <script type="module" nonce={nonce} dangerouslySetInnerHTML={{ __html: client }} />
    </head>
    <body>
      <header>
        <h1>Token authentication, step by step</h1>
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
          says="A user and its token are made together."
          fields={[
            { name: 'username', label: 'Username', autocomplete: 'username' },
            { name: 'password', label: 'Password', autocomplete: 'new-password' },
            { name: 'first_name', label: 'First name', autocomplete: 'given-name', optional: true },
            { name: 'last_name', label: 'Last name', autocomplete: 'family-name', optional: true },
            { name: 'email', label: 'Email', autocomplete: 'email', optional: true },
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
        />
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
    </body>
  </html>
);
