/** The HTML document of the pages: head, shared style, shared script and icon. */
import type { Child } from 'hono/jsx';
import client from './browser-client.min.txt';
import style from './style.min.txt';

export const ICON =
  "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='7' fill='%230c4b33'/><path d='M13 19a4 4 0 1 1 0-6l10 0v4h-3v-2h-2v2z' fill='none' stroke='%23fff' stroke-width='2'/></svg>";

/** The pages that are enabled, and their URL paths. */
export type PagePaths = { lesson: string | undefined; account: string | undefined };

type DocumentProps = {
  title: string;
  /** A paragraph below the title. */
  intro: Child;
  /** The page that this is, if the navigation has it. */
  current?: keyof PagePaths | undefined;
  pages: PagePaths;
  /** The nonce in the Content-Security-Policy of this response. */
  nonce: string | undefined;
  /** The source of the page's own style and script. */
  style: string;
  script: string;
  children: Child;
};

export const Document = ({ title, intro, current, pages, nonce, ...props }: DocumentProps) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{title}</title>
      <link rel="icon" href={ICON} />
      <style nonce={nonce} dangerouslySetInnerHTML={{ __html: style + props.style }} />
      {[client, props.script].map((script) => (
        <script type="module" nonce={nonce} dangerouslySetInnerHTML={{ __html: script }} />
      ))}
    </head>
    <body>
      <header>
        <img src={ICON} alt="" />
        <h1>{title}</h1>
        <Navigation current={current} pages={pages} />
        <p>{intro}</p>
      </header>
      {props.children}
    </body>
  </html>
);

/** Links to the pages, if there are two. */
const Navigation = ({
  current,
  pages: { lesson, account },
}: Pick<DocumentProps, 'current' | 'pages'>) =>
  lesson &&
  account && (
    <nav aria-label="Pages">
      <a href={lesson} aria-current={current === 'lesson' ? 'page' : undefined}>
        Lesson
      </a>
      <a href={account} aria-current={current === 'account' ? 'page' : undefined}>
        Your account
      </a>
    </nav>
  );
