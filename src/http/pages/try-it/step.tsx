import type { Child } from 'hono/jsx';
import { Field, type FieldProps } from '../shared/field.tsx';

type StepProps = {
  title: string;
  /** The path of the app, without a trailing slash. */
  base: string;
  /** The path that the form is sent to. It is also the prefix of ids. */
  action: string;
  method?: 'get' | 'post';
  intro: string;
  fields?: FieldProps[];
  /** The keyword before the token, if the request has the token. */
  keyword?: string;
  /** Elements next to the button. */
  children?: Child;
};

/**
 * A step: a form, and the request and response of the form. The server validates the fields, and the
 * page shows its messages.
 */
export function Step(props: StepProps) {
  const { title, base, action, method = 'post', intro, fields = [], keyword, children } = props;
  const id = action.slice(1);
  return (
    <section aria-labelledby={`${id}-title`}>
      <form action={base + action} method={method} novalidate data-keyword={keyword}>
        <h2 id={`${id}-title`}>{title}</h2>
        <p>{intro}</p>
        {fields.map((field) => (
          <Field {...field} id={`${id}-${field.name}`} />
        ))}
        <p class="error" role="alert" data-part="error" />
        <div class="buttons">
          <button type="submit">{title}</button>
          {children}
        </div>
      </form>
      <Exchange request={`${method.toUpperCase()} ${base}${action}`} />
    </section>
  );
}

const Exchange = ({ request }: { request: string }) => (
  <div class="exchange">
    <pre data-part="request">{request}</pre>
    <pre data-part="response">Not sent yet.</pre>
    <details hidden data-part="more">
      <summary>Other headers of the response</summary>
      <pre data-part="headers" />
    </details>
    <p role="status" data-part="meaning" />
    <div class="buttons">
      <button type="button" class="quiet" hidden data-part="copy">
        Copy as curl
      </button>
      <span role="status" data-part="copied" />
    </div>
    <textarea readonly hidden rows={4} aria-label="The curl command" data-part="command" />
  </div>
);
