/**
 * Shows DRF's messages at their inputs, and marks these inputs. Messages without an input are shown above the
 * button. The first invalid input gets the focus.
 *
 * @param {HTMLFormElement} form @param {Record<string, unknown>} errors
 */
export function showErrors(form, { valid, message, ...errors }) {
  for (const input of form.querySelectorAll('input')) {
    // An input that is not sent has no name. Its id is that of the form and its own.
    const name = input.id.slice(input.id.indexOf('-') + 1);
    const messages = errors[name];
    delete errors[name];
    input.ariaInvalid = messages ? 'true' : null;
    const error = document.getElementById(`${input.id}-error`);
    if (error) error.textContent = messages ? [messages].flat().join(' ') : '';
  }
  const error = form.querySelector('[data-part=error]');
  if (error) error.textContent = Object.values(errors).flat().join(' ');
  const invalid = form.querySelector('[aria-invalid=true]');
  if (invalid instanceof HTMLElement) invalid.focus();
}
