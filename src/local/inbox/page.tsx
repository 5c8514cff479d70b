/** The page at `/inbox`. Its script shows the messages. */
import { Document } from '../../http/pages/shared/document.tsx';
import type { Bindings } from '../../services/bindings.ts';
import { parseSettings } from '../../settings.ts';
import client from './browser-client.js';
import style from './style.css';

/** @param nonce the nonce in the Content-Security-Policy of this response */
export function inboxPage(env: Bindings, nonce: string | undefined): string {
  const lesson = parseSettings(env).browsableApi ? '/' : undefined;
  const page = (
    <Document
      title="Inbox"
      intro="The messages that this server has sent. None has left this machine. They are kept until the server stops."
      pages={{ lesson, account: '/account' }}
      nonce={nonce}
      style={style}
      script={client}
    >
      <main>
        <p role="status" id="count">
          needs JavaScript
        </p>
        <div id="messages" />
      </main>
    </Document>
  );
  return `<!doctype html>${page}`;
}
