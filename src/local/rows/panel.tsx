/** The two tables, which the script moves to the exchange that was sent last. */
import client from './browser-client.js';

/** In the exchange of the first step. */
export const Panel = () => (
  <div class="rows" id="rows" hidden>
    <table id="auth_user">
      <caption />
      <tbody />
    </table>
    <table id="authtoken_token">
      <caption />
      <tbody />
    </table>
    <p>
      Your rows in the database of this server, with hash and key cut short. Only this machine shows
      them, as it shows <a href="/inbox">the inbox</a>.
    </p>
  </div>
);

/** Next to the token. It stays in its place, so that screen readers announce its text. */
export const Outcome = ({ nonce }: { nonce: string }) => (
  <>
    <p class="spoken" role="status" id="rows-outcome" />
    <script type="module" nonce={nonce} dangerouslySetInnerHTML={{ __html: client }} />
  </>
);
