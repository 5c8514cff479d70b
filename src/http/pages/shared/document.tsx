/** The HTML document of the pages: head, shared style and icon. */
import type { Child } from 'hono/jsx';
import style from './style.css';

export const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%230c4b33'/><path d='M13 19a4 4 0 1 1 0-6l10 0v4h-3v-2h-2v2z' fill='none' stroke='%23fff' stroke-width='2'/></svg>";

type DocumentProps = {
  title: string;
  /** The nonce in the Content-Security-Policy of this response. */
  nonce: string | undefined;
  /** The source of the page's own style and script. */
  style: string;
  script: string;
  children: Child;
};

export const Document = ({ title, nonce, script, children, ...own }: DocumentProps) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{title}</title>
      <link rel="icon" href={ICON} />
      <style nonce={nonce} dangerouslySetInnerHTML={{ __html: style + own.style }} />
      <script type="module" nonce={nonce} dangerouslySetInnerHTML={{ __html: script }} />
    </head>
    <body>{children}</body>
  </html>
);
