export type FieldProps = { name: string; label: string; autocomplete: string; optional?: boolean };

/** An input with its label and an element for its error message. */
export const Field = ({ id, name, label, autocomplete, optional }: FieldProps & { id: string }) => (
  <div class="field">
    <label for={id}>
      {label} {optional && <small>optional</small>}
    </label>
    <input
      id={id}
      name={name}
      type={name.endsWith('password') ? 'password' : name === 'email' ? 'email' : 'text'}
      autocomplete={autocomplete}
      autocapitalize="none"
      spellcheck={false}
      aria-describedby={`${id}-error`}
    />
    <p class="error" id={`${id}-error`} />
  </div>
);
