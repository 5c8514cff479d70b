/** The tables of the user and of its tokens, which the script moves to the exchange that was sent last. */
import client from './browser-client.js';

/** In the exchange of the first step. */
export const Panel = () => (
  <div class="database-rows" id="rows" hidden>
    <table id="auth_user">
      <caption />
      <tbody />
    </table>
    {['authtoken_token', 'knox_authtoken'].map((table) => (
      <table id={table} hidden>
        <caption />
        <tbody />
      </table>
    ))}
    <p>
      Your rows in the database of this server, with hash and key cut short. Only this machine shows
      them, as it shows <a href="/inbox">the inbox</a>.
    </p>
  </div>
);

/**
 * The change in words, next to the token. It does not move with the tables: screen readers announce new text in
 * an element that they know already.
 */
export const Outcome = ({ nonce }: { nonce: string }) => (
  <>
    <p class="spoken" role="status" id="rows-outcome" />
    <script type="module" nonce={nonce} dangerouslySetInnerHTML={{ __html: client }} />
  </>
);
