/**
 * Adds to the pages what only this machine shows: links to the inbox, and the rows of the user next to
 * the exchanges of the lesson. The pages themselves do not know of it.
 */
import { Outcome, Panel } from './rows/panel.tsx';
import style from './style.css';

/** The tasks of the page for links that send a message. */
const SENT = ['forgot', 'forgot-username', 'resend']
  .map((task) => `#${task} .done .buttons`)
  .join();

/** @param current the path of the page, if it is a page of local/ */
export function addToPage(response: Response, current?: '/inbox'): Response {
  if (!response.headers.get('Content-Type')?.startsWith('text/html')) return response;
  let nonce = '';
  const append = (html: () => unknown): HTMLRewriterElementContentHandlers => ({
    element: (element) => void element.append(`${html()}`, { html: true }),
  });
  return new HTMLRewriter()
    .on('head > style', {
      element(element) {
        // The policy of the page allows what has its nonce.
        nonce = element.getAttribute('nonce') ?? '';
        element.after(`${<Style nonce={nonce} />}`, { html: true });
      },
    })
    .on(
      'nav',
      append(() => (
        <a href="/inbox" aria-current={current === '/inbox' ? 'page' : undefined}>
          Inbox
        </a>
      )),
    )
    .on(
      SENT,
      append(() => (
        <a class="button" href="/inbox">
          Open the inbox
        </a>
      )),
    )
    .on(
      'aside',
      append(() => <Outcome nonce={nonce} />),
    )
    .on(
      '#register .exchange',
      append(() => <Panel />),
    )
    .transform(response);
}

const Style = ({ nonce }: { nonce: string }) => (
  <style nonce={nonce} dangerouslySetInnerHTML={{ __html: style }} />
);
