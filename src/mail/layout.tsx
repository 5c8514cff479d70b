/** What a message says: paragraphs, and a link in their middle. */
export type Content = { before: string[]; link?: { url: string; label: string }; after: string[] };

const FONT =
  "font-family:system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;line-height:1.5";

/**
 * A message as HTML. Its style is inline and its dark colours in one style sheet: mail programs know
 * little CSS, and a message must be good without it.
 */
export const Layout = ({ subject, before, link, after }: Content & { subject: string }) => (
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width" />
      <meta name="color-scheme" content="light dark" />
      <title>{subject}</title>
      <style>{DARK}</style>
    </head>
    <body style={`margin:0;padding:32px 16px;background:#f5f6f8;color:#1c2128;${FONT}`}>
      <div
        class="card"
        style="max-width:480px;margin:0 auto;padding:32px;background:#ffffff;border-radius:12px"
      >
        <h1 style="margin:0 0 24px;font-size:20px;line-height:1.3">{subject}</h1>
        {before.map(Paragraph)}
        {link && <Link {...link} />}
        {after.map(Paragraph)}
      </div>
    </body>
  </html>
);

const Paragraph = (text: string) => (
  <p style="margin:0 0 16px;font-size:16px;overflow-wrap:anywhere">{text}</p>
);

/** A button, and the address itself for those who want to see where it leads. */
const Link = ({ url, label }: { url: string; label: string }) => (
  <>
    <p style="margin:24px 0">
      <a
        href={url}
        class="button"
        style="display:inline-block;padding:12px 20px;border-radius:8px;background:#0b5fd3;color:#ffffff;font-size:16px;font-weight:600;text-decoration:none"
      >
        {label}
      </a>
    </p>
    <p class="quiet" style="margin:0 0 24px;font-size:13px;color:#57606a;overflow-wrap:anywhere">
      {url}
    </p>
  </>
);

const DARK =
  '@media (prefers-color-scheme:dark){body{background:#14171c!important;color:#e6e8eb!important}' +
  '.card{background:#1f242b!important}.button{background:#8ab8ff!important;color:#0b1626!important}' +
  '.quiet{color:#a5adb8!important}}';
