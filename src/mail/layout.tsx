import type { Child } from 'hono/jsx';

type MessageLink = { url: string; label: string; note: string };

/** The paragraphs of a message, with links in the middle. */
export type Content = { before: string[]; links?: MessageLink[]; after: string[] };

const FONT =
  "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;line-height:1.5";

/** Pixels. Lines of about 60 characters are the easiest to read. */
const WIDTH = 520;

/**
 * A message as HTML. Mail programs support little CSS, and a message must be readable without it.
 * So styles are inline, except the dark colours. The colours are those of the HTML pages
 * (src/http/pages/shared/style.css).
 */
export const Layout = ({ subject, before, links = [], after }: Content & { subject: string }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>{subject}</title>
      <style>{DARK}</style>
    </head>
    <body class="ground" style="margin:0;padding:0;background:#f6f5f1">
      <Cell className="ground" width="100%" style="padding:32px 16px;background:#f6f5f1">
        <Cell
          className="card"
          width={WIDTH}
          style={`padding:28px 28px 12px;border:1px solid #dcded8;border-radius:12px;background:#ffffff;color:#1c2422;${FONT}`}
        >
          <h1 style="margin:0 0 20px;font-size:20px;line-height:1.3">{subject}</h1>
          {before.map(Paragraph)}
          {links.map(Link)}
          {after.map(Paragraph)}
        </Cell>
      </Cell>
    </body>
  </html>
);

const Paragraph = (text: string) => (
  <p style="margin:0 0 16px;font-size:16px;overflow-wrap:anywhere">{text}</p>
);

/** A button, its URL as text, so that readers can check it, and a note. */
const Link = ({ url, label, note }: MessageLink) => (
  <>
    <p style="margin:24px 0 16px">
      <a
        href={url}
        class="button"
        style="display:inline-block;border:solid #0c4b33;border-width:10px 20px;border-radius:8px;background:#0c4b33;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none"
      >
        {label}
      </a>
    </p>
    <p style="margin:0 0 24px;font-size:13px;overflow-wrap:anywhere">
      <a href={url} class="quiet" style="color:#56605c">
        {url}
      </a>
    </p>
    {Paragraph(note)}
  </>
);

type CellProps = { className: string; width: number | string; style: string; children: Child };

/**
 * A centred box. It is a table, because Outlook for Windows applies width and padding only to
 * tables.
 */
const Cell = ({ className, width, style, children }: CellProps) => (
  <table
    role="presentation"
    align="center"
    width={width}
    cellpadding="0"
    cellspacing="0"
    style={`width:100%;max-width:${width}${typeof width === 'number' ? 'px' : ''};margin:0 auto`}
  >
    <tr>
      <td class={className} style={style}>
        {children}
      </td>
    </tr>
  </table>
);

const DARK =
  '@media (prefers-color-scheme:dark){.ground{background:#14181a!important}' +
  '.card{border-color:#31393d!important;background:#1b2124!important;color:#e6eae8!important}' +
  '.button{border-color:#7fd6ae!important;background:#7fd6ae!important;color:#0d2219!important}' +
  '.quiet{color:#a0aca7!important}}';
