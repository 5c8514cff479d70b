import type { Child } from 'hono/jsx';
import { Field, type FieldProps } from '../shared/field.tsx';

type StepProps = {
  title: string;
  /** The path of the app, without a final slash. */
  base: string;
  /** The route that the form is sent to; its name is also the prefix of ids. */
  action: string;
  method?: 'get' | 'post';
  says: string;
  fields?: FieldProps[];
  /** Whether the request carries the token. */
  withToken?: boolean;
  /** Beside the button. */
  children?: Child;
};

/**
 * One step: its form, and a place for what it leads to. Checks are the server's: its sentences are
 * shown.
 */
export function Step(props: StepProps) {
  const { title, base, action, method = 'post', says, fields = [], withToken, children } = props;
  const id = action.slice(1);
  return (
    <section aria-labelledby={`${id}-title`}>
      <form action={base + action} method={method} novalidate data-token={withToken}>
        <h2 id={`${id}-title`}>{title}</h2>
        <p>{says}</p>
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
    <pre data-part="answer">Not sent yet.</pre>
    <details hidden data-part="more">
      <summary>The answer’s other headers</summary>
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
