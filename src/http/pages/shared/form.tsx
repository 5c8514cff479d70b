import type { Child } from 'hono/jsx';
import { Field, type FieldProps } from './field.tsx';

export type FormProps = {
  /** The id of the section, and the prefix of the ids in it. */
  id: string;
  title: string;
  /** The URL path that the form is sent to. */
  action: string;
  method?: 'get' | 'post';
  intro: string;
  fields?: FieldProps[];
  /** The text of the button. Without it, the title. */
  button?: string;
  /** Elements next to the button. */
  beside?: Child;
  /** The keyword before the token, if the request has the token. */
  keyword?: string;
  /** Whether the section is hidden until the script shows it. */
  hidden?: boolean;
  /** Elements after the form. */
  children?: Child;
};

/** A section with a form. The server validates the fields, and the script of the page shows its messages. */
export const FormSection = ({
  id,
  title,
  action,
  method = 'post',
  intro,
  fields = [],
  button = title,
  beside,
  keyword,
  hidden,
  children,
}: FormProps) => (
  <section id={id} aria-labelledby={`${id}-title`} hidden={hidden} data-view={hidden}>
    <form action={action} method={method} novalidate data-keyword={keyword}>
      <h2 id={`${id}-title`}>{title}</h2>
      <p>{intro}</p>
      {fields.map((field) => (
        <Field {...field} id={`${id}-${field.name}`} />
      ))}
      <p class="error" role="alert" data-part="error" />
      <div class="buttons">
        <button type="submit">{button}</button>
        {beside}
      </div>
    </form>
    {children}
  </section>
);
