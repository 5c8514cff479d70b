import { type FormProps, FormSection } from '../shared/form.tsx';

type StepProps = Omit<FormProps, 'id' | 'children'> & {
  /** The path of the app, without a trailing slash. */
  base: string;
};

/** A step: a form, and the request and response of the form. Its id is the path without the slash. */
export const Step = ({ base, action, method = 'post', ...form }: StepProps) => (
  <FormSection {...form} id={action.slice(1)} action={base + action} method={method}>
    <Exchange request={`${method.toUpperCase()} ${base}${action}`} />
  </FormSection>
);

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
